"""The signal ‖∂L/∂A‖ against the layer, at the first, the middle and the last step."""

import numpy as np

from keras_course_ext.monitoring.page.chart import (
    WIDTH,
    Chart,
    Dot,
    Entry,
    Line,
    Tick,
    decade_ticks,
    decades,
    line_color,
    path_of,
)
from keras_course_ext.monitoring.page.wording import say
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.names import short_names
from keras_course_ext.monitoring.record.signal import signal_keys

_DASHES = ("", "6 3", "2 3")
_MOST_NAMES = 12
_HEIGHT = 200.0


def depth_chart(history: GradientHistory, language: str) -> Chart | None:
    """Return the picture; None if the signal was not recorded at two layers or more."""
    keys = signal_keys(history)
    if len(keys) < 2:
        return None
    steps, _, norms = history.matrix(keys)
    if not len(steps):
        return None
    chosen = list(dict.fromkeys([0, len(steps) // 2, len(steps) - 1]))
    low, high = decades(norms[:, chosen])
    chart = Chart(
        say(language, "The signal on its way back"),
        say(
            language,
            "The norm of ∂L/∂A at each layer, from the input (left) to the output (right), where "
            "it starts. A level line is healthy; one that falls to the left vanishes, one that "
            "rises to the left explodes.",
        ),
        _HEIGHT + 76,
        48.0,
        WIDTH - 14.0,
        8.0,
        _HEIGHT,
        say(language, "← input        layers        output →"),
        slanted=True,
    )
    x = np.linspace(chart.left + 8, chart.right - 8, len(keys))
    chart.y_ticks = decade_ticks(low, high, chart.top, chart.bottom)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (np.log10(norms[:, chosen].astype(np.float64)) - low) / (high - low)
    y = np.where(np.isfinite(share), chart.bottom - share * (chart.bottom - chart.top), np.nan)
    for i, at in enumerate(chosen):
        color, dashes = line_color(i / max(len(chosen) - 1, 1)), _DASHES[i]
        name = say(language, "step {step}", step=steps[at])
        chart.lines.append(Line(path_of(x, y[:, i]), color, dashes, name))
        chart.legend.append(Entry(color, dashes, name))
        for j, key in enumerate(keys):
            if np.isfinite(y[j, i]):
                value = f"{norms[j, at]:.2g}"
                text = say(
                    language,
                    "{layer}, step {at}: {value}",
                    layer=key.layer,
                    at=steps[at],
                    value=value,
                )
                chart.dots.append(Dot(x[j], y[j, i], color, text, y[j, i], y[j, i]))
    names = list(short_names((key.layer for key in keys), 12).values())
    every = -(-len(keys) // _MOST_NAMES)
    chart.x_ticks = [Tick(x[j], names[j]) for j in range(len(keys) - 1, -1, -every)]
    return chart
