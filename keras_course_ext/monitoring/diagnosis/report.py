"""The report: a table of the layers' gradients, and the findings in words."""

from typing import NamedTuple

import numpy as np
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keras_course_ext.monitoring.diagnosis.diagnose import diagnose
from keras_course_ext.monitoring.diagnosis.finding import NOTE, states
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.names import short_names
from keras_course_ext.monitoring.record.schema import ROLES, Key, LayerInfo
from keras_course_ext.monitoring.record.signal import signal_keys

_WEIGHT = "shown weight"
# Heading, statistic, and whether it is that of the shown weight or of the layer's output.
_MORE = (
    ("ΔW/W", "update_ratio", _WEIGHT),
    ("zero", "zero_share", "output"),
    ("sat.", "saturated_share", "output"),
    ("dead", "dead_units", "output"),
)
# Characters in a line of a wide table, and of a narrow one beside another one.
_WIDE, _NARROW = 80, 39
_SHORTEST_NAME = 8
_NONE = "–"
_GLOSSARY = "docs/glossary.md explains the terms."


def print_report(history: GradientHistory, console: Console | None = None) -> None:
    """Print `gradient_table`, and below it the findings or what was tested.

    Args:
        history: What a `GradientMonitor` recorded.
        console: Where to; default is the terminal.
    """
    console = console or Console()
    if history.keys:
        console.print(gradient_table(history, "Gradients by layer", wide=True))
    found = diagnose(history, notes=True)
    findings = [finding for finding in found if finding.severity != NOTE]
    for finding in findings:
        console.print(Text(f"{finding}\n", style="red"))
    for note in found[len(findings) :]:
        console.print(Text(f"note: {note}\n"))
    if not findings:
        console.print(Text(f"{_tested(history)}\n"))
    if history.keys:
        console.print(Text(_GLOSSARY, style="dim"))


def gradient_table(history: GradientHistory, title: str = "", wide: bool = False) -> Table:
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

    Returns:
        A `rich.table.Table`; two narrow tables side by side fit into 80 columns, or a wide one.
    """
    recorded = {key.statistic for key in history.keys}
    more = [column for column in _MORE if wide and column[1] in recorded]
    words = states(diagnose(history))
    at_output = _signal_at_output(history)
    rows: list[list[str]] = []
    infos = [info for info in reversed(history.layers) if info.weights]
    for info in infos:
        weight = _shown_weight(info)
        state = words.get(info.name) or _state(history, info.name, weight.name)
        signal = _cell(history, _signal_key(history, info.name), at_output)
        others = [Key(info.name, weight.name if t == _WEIGHT else t, s) for _, s, t in more]
        rows.append(
            [
                *([weight.role] if wide else []),
                _cell(history, Key(info.name, weight.name, "grad_norm")),
                signal,
                *(_cell(history, key) for key in others),
                state,
            ]
        )
    headings = [*(["weight"] if wide else []), "‖∂L/∂W‖", "signal", *(m[0] for m in more), "state"]
    widths = [max(map(cell_len, column)) for column in zip(headings, *rows, strict=True)]
    padding, longest = _room(_WIDE if wide else _NARROW, widths, [i.name for i in infos])
    table = Table(
        title=Text(title) if title else None,
        title_style="bold",
        caption=_caption(history),
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, padding),
    )
    table.add_column("layer")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("weight", "state") else "right")
    short = short_names((info.name for info in infos), longest)
    for info, row in zip(infos, rows, strict=True):
        style = "green" if row[-1] == "ok" else "bold red"
        table.add_row(Text(short[info.name]), *row[:-1], Text(row[-1], style=style))
    return table


class _Weight(NamedTuple):
    name: str
    role: str


def _shown_weight(info: LayerInfo) -> _Weight:
    """Return the weight that stands for a layer: the first of the most important role."""
    weights = map(_Weight, info.weights, info.roles)
    return min(weights, key=lambda weight: ROLES.index(weight.role))


def _state(history: GradientHistory, layer: str, weight: str) -> str:
    if history.has(layer, weight):
        return "ok"
    # Of a weight without gradient there are the other statistics, but not if the monitor was told
    # to keep the record of other layers only, or to keep the norms of gradients only.
    return "no gradient" if any(k[:2] == (layer, weight) for k in history.keys) else "not recorded"


def _signal_key(history: GradientHistory, layer: str) -> Key:
    logits = Key(layer, "logits", "grad_norm")
    return logits if history.has(*logits) else Key(layer, "output", "grad_norm")


def _signal_at_output(history: GradientHistory) -> float:
    keys = signal_keys(history)
    return _last_median(history, keys[-1]) if keys else np.nan


def _room(width: int, others: list[int], names: list[str]) -> tuple[int, int]:
    """Return the padding of a cell, and the length of the longest name that the width allows."""
    for padding in (1, 0):
        spaces = (len(others) + 1) * 2 * padding + len(others)
        longest = width - sum(others) - spaces
        if max(map(len, names), default=0) <= longest:
            return padding, longest
    return 0, max(longest, _SHORTEST_NAME)


def _cell(history: GradientHistory, key: Key, unit: float = 1.0) -> str:
    if not history.has(*key):
        return _NONE if key.statistic == "grad_norm" else ""
    value = _last_median(history, key)
    if key.statistic == "dead_units":
        return f"{value:.0f}"
    return _figure(value / unit if unit else np.nan)


def _last_median(history: GradientHistory, key: Key) -> float:
    """Return the median over the finite values of the last epoch; NaN if there are none."""
    _, epochs, values = history.series(*key)
    last = values[(epochs == epochs[-1]) & np.isfinite(values)]
    return float(np.median(last.astype(np.float64))) if len(last) else np.nan


def _figure(value: float) -> str:
    if np.isnan(value):
        return "NaN"
    return f"{value:.2f}" if 0.01 <= value < 100 or value == 0 else f"{value:.0e}"


def _caption(history: GradientHistory) -> Text | None:
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
    skipped = " (loss scaling skips them)" if history.loss_scaled else ""
    return Text(
        f"At {left_out} of {len(finite)} recorded steps of epoch {last} a gradient was not "
        f"finite{skipped}; the medians leave such values out."
    )


def _tested(history: GradientHistory) -> str:
    """Return the sentence that a report without findings ends with."""
    if not history.keys:
        return (
            "Nothing was recorded yet: pass the monitor to `fit(callbacks=[monitor])`, then print "
            "the report."
        )
    keys = signal_keys(history)
    at_output = _signal_at_output(history)
    shares = {key.layer: _last_median(history, key) for key in keys[:-1]}
    if not keys:
        return "No rule fired, but the signal between layers was not recorded."
    if not at_output > 0:
        figure = "0" if at_output == 0 else "not finite"
        return f"No rule fired, but the signal at the output, '{keys[-1].layer}', is {figure}."
    if not shares:
        return (
            f"No rule fired. The signal was recorded at one layer only, '{keys[-1].layer}', so "
            "that there was nothing to compare."
        )
    weakest = min(shares, key=lambda layer: shares[layer])
    share = _figure(shares[weakest] / at_output)
    return f"No rule fired. Weakest signal: {share} of the output's, at '{weakest}'."
