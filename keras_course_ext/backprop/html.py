"""`trace.to_html()`: the deck's tables as a self-contained page, and as a part of a notebook."""

from keras_course_ext import _html
from keras_course_ext.backprop.numbers import number_text
from keras_course_ext.backprop.record import TraceRecord
from keras_course_ext.backprop.rows import backward_blocks, forward_blocks


def as_html(trace: TraceRecord) -> str:
    """The HTML page of a trace."""
    return _rendered(trace, "trace.html.jinja")


def as_part(trace: TraceRecord) -> str | None:
    """The HTML of a trace for a notebook; None where jinja2 is not installed."""
    return _rendered(trace, "trace_part.html.jinja") if _html.has_jinja2() else None


def _rendered(trace: TraceRecord, template: str) -> str:
    return _html.render(
        "keras_course_ext.backprop",
        template,
        "`to_html`",
        trace=trace,
        loss=number_text(trace.loss),
        sections=[
            ("Forward", forward_blocks(trace)),
            ("Backward, from the output", backward_blocks(trace)),
        ],
    )
