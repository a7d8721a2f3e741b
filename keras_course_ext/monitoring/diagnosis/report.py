"""The report: a table of the layers' gradients, and the findings in words."""

import numpy as np
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keras_course_ext._language import checked_language
from keras_course_ext.monitoring.diagnosis.diagnose import diagnose
from keras_course_ext.monitoring.diagnosis.finding import NOTE
from keras_course_ext.monitoring.diagnosis.layer_table import (
    OK,
    LayerRow,
    last_median,
    layer_rows,
    signal_at_output,
)
from keras_course_ext.monitoring.diagnosis.wording import paragraph, say, translated
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.names import short_names
from keras_course_ext.monitoring.record.signal import signal_keys

# Heading and statistic of the columns that a wide table has where they were recorded.
_MORE = (
    ("ΔW/W", "update_ratio"),
    ("zero", "zero_share"),
    ("sat.", "saturated_share"),
    ("dead", "dead_units"),
)
# Characters in a line of a wide table, and of a narrow one beside another one.
_WIDE, _NARROW = 80, 39
_SHORTEST_NAME = 8
_NONE = "–"
_GLOSSARY = "docs/glossary.md explains the terms."


def print_report(
    history: GradientHistory, console: Console | None = None, language: str | None = None
) -> None:
    """Print `gradient_table`, and below it the findings or what was tested.

    Args:
        history: What a `GradientMonitor` recorded.
        console: Where to; default is the terminal.
        language: "en" or "ko"; default is that of `set_language`.
    """
    language = checked_language(language)
    console = console or Console()
    if history.keys:
        title = say(language, "Gradients by layer")
        console.print(gradient_table(history, title, wide=True, language=language))
    found = diagnose(history, notes=True)
    findings = [finding for finding in found if finding.severity != NOTE]
    for finding in findings:
        console.print(Text(f"{paragraph(finding, language)}\n", style="red"))
    for note in found[len(findings) :]:
        text = paragraph(note, language)
        console.print(Text(say(language, "note: {text}", text=text) + "\n"))
    if not findings:
        console.print(Text(f"{tested(history, language)}\n"))
    if history.keys:
        console.print(Text(say(language, _GLOSSARY), style="dim"))


def gradient_table(
    history: GradientHistory, title: str = "", wide: bool = False, language: str | None = None
) -> Table:
    """Lay out one line a layer, from the output, where the gradients start, down to the input.

    Every layer with trainable weights has a line. The columns are the medians, over the finite
    values of the last recorded epoch, of ‖∂L/∂W‖ of the layer's kernel (or, without one, of its
    embedding, scale or bias) and of the signal ‖∂L/∂A‖, the latter as a share of what it is at the
    output, and the layer's state. A caption says at how many steps something was not finite.

    Args:
        history: What a `GradientMonitor` recorded.
        title: The table's title.
        wide: Whether there are columns for the role of the weight and, where recorded, for its
            update ratio ‖ΔW‖ / ‖W‖, and of the output the share of zeros, the share that is
            saturated and the number of dead units. Default: no.
        language: "en" or "ko"; default is that of `set_language`.

    Returns:
        A `rich.table.Table`; two narrow tables side by side fit into 80 columns, or a wide one.
    """
    language = checked_language(language)
    recorded = {key.statistic for key in history.keys}
    more = [column for column in _MORE if wide and column[1] in recorded]
    layers = layer_rows(history, diagnose(history))[::-1]
    rows = [_cells(row, wide, [name for _, name in more], language) for row in layers]
    names = [row.layer.name for row in layers]
    headings = [*(["weight"] if wide else []), "‖∂L/∂W‖", "signal", *(m[0] for m in more), "state"]
    headings = [say(language, heading) for heading in headings]
    widths = [max(map(cell_len, column)) for column in zip(headings, *rows, strict=True)]
    padding, longest = _room(_WIDE if wide else _NARROW, widths, names)
    table = Table(
        title=Text(title) if title else None,
        title_style="bold",
        caption=_caption(history, language),
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, padding),
    )
    table.add_column(say(language, "layer"))
    left = {0, len(headings) - 1} if wide else {len(headings) - 1}
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="left" if i in left else "right")
    short = short_names(names, longest)
    for row, cells in zip(layers, rows, strict=True):
        style = "green" if row.state == OK else "bold red"
        table.add_row(Text(short[row.layer.name]), *cells[:-1], Text(cells[-1], style=style))
    return table


def _cells(row: LayerRow, wide: bool, more: list[str], language: str) -> list[str]:
    return [
        *([row.weight.role] if wide else []),
        _NONE if row.grad_norm is None else figure(row.grad_norm),
        _NONE if row.signal is None else figure(row.signal),
        *(_more_cell(name, getattr(row, name)) for name in more),
        translated(language, row.state),
    ]


def _more_cell(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if name == "dead_units" else figure(value)


def _room(width: int, others: list[int], names: list[str]) -> tuple[int, int]:
    """Return the padding of a cell, and the length of the longest name that the width allows."""
    for padding in (1, 0):
        spaces = (len(others) + 1) * 2 * padding + len(others)
        longest = width - sum(others) - spaces
        if max(map(len, names), default=0) <= longest:
            return padding, longest
    return 0, max(longest, _SHORTEST_NAME)


def figure(value: float) -> str:
    """Return a number in at most six characters."""
    if np.isnan(value):
        return "NaN"
    return f"{value:.2f}" if 0.01 <= value < 100 or value == 0 else f"{value:.0e}"


def _caption(history: GradientHistory, language: str) -> Text | None:
    """Say how many steps of the last epoch the medians leave out; None if they leave out none."""
    finite: dict[int, bool] = {}
    last = max((block.epochs[-1] for block in history.blocks()), default=0)
    for block in history.blocks():
        columns = [i for i, key in enumerate(block.keys) if key.statistic == "grad_norm"]
        if columns:
            for i in np.flatnonzero(block.epochs == last):
                step = int(block.steps[i])
                fine = bool(np.isfinite(block.values[i, columns]).all())
                finite[step] = finite.get(step, True) and fine
    left_out = len(finite) - sum(finite.values())
    if not left_out:
        return None
    skipped = say(language, " (loss scaling skips them)") if history.loss_scaled else ""
    return Text(
        say(
            language,
            "At {left_out} of {steps} recorded steps of epoch {epoch} a gradient was not "
            "finite{skipped}; the medians leave such values out.",
            left_out=left_out,
            steps=len(finite),
            epoch=last,
            skipped=skipped,
        )
    )


def tested(history: GradientHistory, language: str) -> str:
    """Return the sentence that a report without findings ends with."""
    return translated(language, _tested(history))


def _tested(history: GradientHistory) -> str:
    if not history.keys:
        return (
            "Nothing was recorded yet: pass the monitor to `fit(callbacks=[monitor])`, then print "
            "the report."
        )
    keys = signal_keys(history)
    at_output = signal_at_output(history)
    shares = {key.layer: last_median(history, key) or 0.0 for key in keys[:-1]}
    if not keys:
        return "No rule fired, but the signal between layers was not recorded."
    if not at_output > 0:
        what = "0" if at_output == 0 else "not finite"
        return f"No rule fired, but the signal at the output, '{keys[-1].layer}', is {what}."
    if not shares:
        return (
            f"No rule fired. The signal was recorded at one layer only, '{keys[-1].layer}', so "
            "that there was nothing to compare."
        )
    weakest = min(shares, key=lambda layer: shares[layer])
    share = figure(shares[weakest] / at_output)
    return f"No rule fired. Weakest signal: {share} of the output's, at '{weakest}'."
