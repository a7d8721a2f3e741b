"""The report: a table of the layers' gradients, and the findings in words."""

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keras_course_ext.monitoring.diagnosis.diagnose import diagnose
from keras_course_ext.monitoring.diagnosis.finding import states
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Key
from keras_course_ext.monitoring.record.signal import signal_keys

_MAIN = "main weight"
# Heading, statistic, and whether it is that of the layer's main weight or of its output.
_MORE = (
    ("ΔW/W", "update_ratio", _MAIN),
    ("zero", "zero_share", "output"),
    ("sat.", "saturated_share", "output"),
    ("dead", "dead_units", "output"),
)


def print_report(history: GradientHistory, console: Console | None = None) -> None:
    """Print `gradient_table` and the findings below it.

    Args:
        history: What a `GradientMonitor` recorded.
        console: Where to; default is the terminal.
    """
    console = console or Console()
    console.print(gradient_table(history, "Gradients by layer", wide=True))
    findings = diagnose(history)
    for finding in findings:
        console.print(Text(f"{finding}\n", style="red"))
    if not findings:
        console.print("No finding: the gradients reach every layer.\n")


def gradient_table(history: GradientHistory, title: str = "", wide: bool = False) -> Table:
    """Lay out one line a layer, from the output, where the gradients start, down to the input.

    The columns are the medians over the last recorded epoch of ‖∂L/∂W‖ of the kernel and of the
    signal ‖∂L/∂A‖, the latter as a share of what it is at the output, and the layer's state.

    Args:
        history: What a `GradientMonitor` recorded.
        title: The table's title.
        wide: Whether there are columns, where recorded, for the kernel's update ratio ‖ΔW‖ / ‖W‖,
            and of the output the share of zeros, the share that is saturated and the number of
            dead units. Default: no.

    Returns:
        A `rich.table.Table`; two narrow tables side by side fit into 80 columns, or a wide one.
    """
    table = Table(title=title, title_style="bold", box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("layer")
    table.add_column("‖∂L/∂W‖", justify="right")
    table.add_column("signal", justify="right")
    recorded = {key.statistic for key in history.keys}
    more = [column for column in _MORE if wide and column[1] in recorded]
    for heading, _, _ in more:
        table.add_column(heading, justify="right")
    table.add_column("state")
    words = states(diagnose(history))
    signals = {key.layer: _last_median(history, key) for key in signal_keys(history)}
    at_output = list(signals.values())[-1] if signals else np.nan
    for info in reversed(history.layers):
        main = next(iter(info.main_weights), None)
        if main is None or not history.has(info.name, main):
            continue
        signal = signals.get(info.name, np.nan)
        table.add_row(
            info.name,
            _figure(_last_median(history, Key(info.name, main, "grad_norm"))),
            _figure(signal / at_output if at_output else np.nan),
            *(_cell(history, Key(info.name, main if t == _MAIN else t, s)) for _, s, t in more),
            _state(words.get(info.name)),
        )
    return table


def _state(word: str | None) -> Text:
    return Text(word, style="bold red") if word else Text("ok", style="green")


def _cell(history: GradientHistory, key: Key) -> str:
    if not history.has(*key):
        return ""
    value = _last_median(history, key)
    return f"{value:.0f}" if key.statistic == "dead_units" else _figure(value)


def _last_median(history: GradientHistory, key: Key) -> float:
    _, epochs, values = history.series(*key)
    return float(np.median(values[epochs == epochs[-1]].astype(np.float64)))


def _figure(value: float) -> str:
    if np.isnan(value):
        return "NaN"
    return f"{value:.2f}" if 0.01 <= value < 100 or value == 0 else f"{value:.0e}"
