"""The update ratio ‖ΔW‖ / ‖W‖ of every kernel over the steps."""

import numpy as np

from keras_course_ext.monitoring.page.chart import (
    WIDTH,
    Chart,
    Entry,
    Line,
    decade_ticks,
    decades,
    line_color,
    path_of,
    step_ticks,
)
from keras_course_ext.monitoring.page.wording import say
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.names import short_names
from keras_course_ext.monitoring.record.schema import Key

USUAL = 1e-3
_MOST_POINTS = 120
_MOST_NAMED = 12
_HEIGHT = 200.0
_DASHES = ("", "6 3", "2 3", "8 3 2 3")


def update_chart(history: GradientHistory, language: str) -> Chart | None:
    """Return the picture; None if no update ratio was recorded."""
    keys = [
        Key(info.name, tensor, "update_ratio")
        for info in history.layers
        for tensor in info.main_weights[:1]
        if history.has(info.name, tensor, "update_ratio")
    ]
    if not keys:
        return None
    steps, _, ratios = history.matrix(keys)
    if not len(steps):
        return None
    groups = np.array_split(np.arange(len(steps)), min(len(steps), _MOST_POINTS))
    values = np.stack([np.median(ratios[:, g].astype(np.float64), axis=1) for g in groups], axis=1)
    middle = [int(steps[g[len(g) // 2]]) for g in groups]
    low, high = decades(np.append(values.ravel(), USUAL))
    chart = Chart(
        say(language, "How far each step moves the weights"),
        say(
            language,
            "The update ratio, norm of the change over norm of the weights. About 1e-03 (thin "
            "line) is usual; near 1e-01 a step destroys what was learned, below 1e-05 hardly "
            "anything is learned.",
        ),
        _HEIGHT + 34,
        48.0,
        WIDTH - 14.0,
        8.0,
        _HEIGHT,
        say(language, "step"),
    )
    chart.y_ticks = decade_ticks(low, high, chart.top, chart.bottom)
    chart.x_ticks = step_ticks(middle, chart.left, chart.right)
    x = chart.left + (chart.right - chart.left) * (np.array(middle) - middle[0]) / max(
        middle[-1] - middle[0], 1
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (np.log10(values) - low) / (high - low)
        usual = chart.bottom - (np.log10(USUAL) - low) / (high - low) * (chart.bottom - chart.top)
    y = np.where(np.isfinite(share), chart.bottom - share * (chart.bottom - chart.top), np.nan)
    line = f"M{chart.left} {usual:.1f} L{chart.right} {usual:.1f}"
    chart.lines.append(Line(line, "currentColor", "1 3", say(language, "usual: 1e-03")))
    names = list(short_names((key.layer for key in keys), 20).values())
    named = len(keys) <= _MOST_NAMED
    for i, key in enumerate(keys):
        color = line_color(i / max(len(keys) - 1, 1))
        dashes = _DASHES[i % 4] if named else ""
        path = path_of(x, y[i])
        if len(x) == 1 and path:
            path += f" l{chart.right - chart.left} 0"
        text = say(
            language, "{layer}, last: {value}", layer=key.layer, value=f"{values[i, -1]:.2g}"
        )
        chart.lines.append(Line(path, color, dashes, text))
        if named or i in (0, len(keys) - 1):
            chart.legend.append(Entry(color, dashes, names[i]))
    return chart
