"""The report: a table of the layers' gradients, and the findings in words."""

from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keras_course_ext.monitoring.diagnosis import diagnose
from keras_course_ext.monitoring.history import GradientHistory, Key
from keras_course_ext.monitoring.rules.signal import signal_keys

if TYPE_CHECKING:
    from keras_course_ext.monitoring.finding import Finding

_STATE = {"vanishing": "starves", "exploding": "explodes", "non_finite": "NaN or inf"}


def print_report(history: GradientHistory, console: Console | None = None) -> None:
    """Print `gradient_table` and the findings below it.

    Args:
        history: What a `GradientMonitor` recorded.
        console: Where to; default is the terminal.
    """
    console = console or Console()
    console.print(gradient_table(history, "Gradients by layer"))
    findings = diagnose(history)
    for finding in findings:
        console.print(Text(f"{finding}\n", style="red"))
    if not findings:
        console.print("No finding: the gradients reach every layer.\n")


def gradient_table(history: GradientHistory, title: str = "") -> Table:
    """Lay out one line a layer, from the output, where the gradients start, down to the input.

    The columns are the medians over the last recorded epoch of ‖∂L/∂W‖ of the kernel and of the
    signal ‖∂L/∂A‖, the latter as a share of what it is at the output, and the layer's state.

    Args:
        history: What a `GradientMonitor` recorded.
        title: The table's title.

    Returns:
        A `rich.table.Table`; two of them fit beside each other into 80 columns.
    """
    table = Table(title=title, title_style="bold", box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("layer")
    table.add_column("‖∂L/∂W‖", justify="right")
    table.add_column("signal", justify="right")
    table.add_column("state")
    states = _states(diagnose(history))
    signals = {key.layer: _last_median(history, key) for key in signal_keys(history)}
    at_output = list(signals.values())[-1] if signals else np.nan
    for info in reversed(history.layers):
        kernel = next((t for t in info.weights if "kernel" in t), None)
        if kernel is None or not history.has(info.name, kernel):
            continue
        signal = signals.get(info.name, np.nan)
        table.add_row(
            info.name,
            _figure(_last_median(history, Key(info.name, kernel, "grad_norm"))),
            _figure(signal / at_output if at_output else np.nan),
            states.get(info.name, Text("ok", style="green")),
        )
    return table


def _states(findings: "list[Finding]") -> dict[str, Text]:
    return {
        layer: Text(_STATE[finding.kind], style="bold red")
        for finding in reversed(findings)
        for layer in finding.layers
    }


def _last_median(history: GradientHistory, key: Key) -> float:
    _, epochs, values = history.series(*key)
    return float(np.median(values[epochs == epochs[-1]].astype(np.float64)))


def _figure(value: float) -> str:
    if np.isnan(value):
        return "NaN"
    return f"{value:.2f}" if 0.01 <= value < 100 else f"{value:.0e}"
