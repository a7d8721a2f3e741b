"""The gradient norm of every kernel over the steps, as a map of coloured cells."""

import numpy as np

from keras_course_ext.monitoring.page.chart import (
    WIDTH,
    Cell,
    Chart,
    Entry,
    Tick,
    color_of,
    decades,
    power,
)
from keras_course_ext.monitoring.page.wording import say
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.names import short_names
from keras_course_ext.monitoring.record.schema import Key

LEFT = 112.0
"""Space for the names of the layers."""

LONGEST_NAME = 17
_MOST_CELLS = 4000
_MOST_COLUMNS = 60
_MOST_SHADES = 7
_GREY = "#999999"


def row_height(rows: int) -> float:
    """Return the height of a row, so that a map of many layers stays on the screen."""
    return float(np.clip(560 / max(rows, 1), 5, 18))


def name_ticks(names: list[str], top: float, height: float) -> list[Tick]:
    """Return the names of the rows from the last, at the top, to the first; not all if too many."""
    short = list(short_names(names, LONGEST_NAME).values())
    every = int(np.ceil(12 / height))
    rows = len(names)
    return [
        Tick(top + (rows - 0.5 - i) * height + 4, short[i])
        for i in range(rows - 1, -1, -1)
        if (rows - 1 - i) % every == 0
    ]


def heat_map(history: GradientHistory, language: str) -> Chart | None:
    """Return the picture; None if no gradient of a kernel was recorded."""
    keys = [
        Key(info.name, tensor, "grad_norm")
        for info in history.layers
        for tensor in info.main_weights[:1]
        if history.has(info.name, tensor)
    ]
    if not keys:
        return None
    steps, _, norms = history.matrix(keys)
    if not len(steps):
        return None
    columns = int(np.clip(_MOST_CELLS // len(keys), 12, _MOST_COLUMNS))
    groups = np.array_split(np.arange(len(steps)), min(len(steps), columns))
    values = np.stack([np.median(norms[:, g].astype(np.float64), axis=1) for g in groups], axis=1)
    low, high = decades(values)
    height, top = row_height(len(keys)), 6.0
    bottom = top + height * len(keys)
    chart = Chart(
        say(language, "Gradient norm of every layer over the steps"),
        say(
            language,
            "Each row is a layer, the output at the top. Rows that stay dark get hardly any "
            "gradient. That all rows darken together while the loss falls is normal. Grey: not "
            "finite.",
        ),
        bottom + 34,
        LEFT,
        WIDTH - 8.0,
        top,
        bottom,
        say(language, "step"),
    )
    width = (chart.right - chart.left) / len(groups)
    for i, key in enumerate(keys):
        for j, group in enumerate(groups):
            at = (
                f"{steps[group[0]]}" if len(group) == 1 else f"{steps[group[0]]}–{steps[group[-1]]}"
            )
            value = values[i, j]
            with np.errstate(divide="ignore"):
                share = (np.log10(value) - low) / (high - low) if value >= 0 else np.nan
            color = color_of(share) if np.isfinite(value) else _GREY
            text = say(
                language,
                "{layer}, step {at}: {value}",
                layer=key.layer,
                at=at,
                value=f"{value:.2g}",
            )
            y = top + (len(keys) - 1 - i) * height
            chart.cells.append(Cell(LEFT + j * width, y, width + 0.3, height, color, text))
    chart.y_ticks = name_ticks([key.layer for key in keys], top, height)
    for j in np.unique(np.linspace(0, len(groups) - 1, min(5, len(groups))).round().astype(int)):
        chart.x_ticks.append(Tick(LEFT + (j + 0.5) * width, str(steps[groups[j][0]])))
    chart.legend = scale(low, high)
    return chart


def scale(low: int, high: int) -> list[Entry]:
    """Return the legend of a colour scale from 10^low to 10^high."""
    exponents = range(low, high + 1, -(-(high - low) // _MOST_SHADES))
    return [Entry(color_of((e - low) / (high - low)), "", power(e)) for e in exponents]
