"""`trace.to_html()`: the deck's tables as a self-contained page."""

from importlib import resources
from types import ModuleType

from keras_course_ext.backprop.numbers import number_text
from keras_course_ext.backprop.record import TraceRecord
from keras_course_ext.backprop.rows import backward_blocks, forward_blocks


def as_html(trace: TraceRecord) -> str:
    """The HTML page of a trace."""
    environment = _jinja2().Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    source = resources.files("keras_course_ext.backprop").joinpath("trace.html.jinja")
    return environment.from_string(source.read_text("utf-8")).render(
        trace=trace,
        loss=number_text(trace.loss),
        sections=[
            ("Forward", forward_blocks(trace)),
            ("Backward, from the output", backward_blocks(trace)),
        ],
    )


def _jinja2() -> ModuleType:
    try:
        import jinja2
    except ImportError as error:
        raise ImportError(
            "`to_html` needs jinja2, which is not installed. Write "
            '`pip install "keras-course-ext[html]"` or `pip install jinja2`.'
        ) from error
    return jinja2
