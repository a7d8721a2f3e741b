"""The activations of every layer: their distribution where histograms were recorded, else ± std."""

from collections.abc import Iterator

import numpy as np

from keras_course_ext.monitoring.page.chart import WIDTH, Cell, Chart, Dot, Entry, Tick, color_of
from keras_course_ext.monitoring.page.heat_map import LEFT, name_ticks, row_height
from keras_course_ext.monitoring.page.wording import say
from keras_course_ext.monitoring.record.histograms import by_level, levels
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Histogram, Key

_MOST_OCTAVES = 10
_TOP = 6.0
_LEAST_DISTANCE = 40.0


def activation_chart(history: GradientHistory, language: str) -> Chart | None:
    """Return the picture; None if neither histograms nor mean and std of outputs were recorded."""
    last = {h.layer: h for h in history.histograms if h.kind == "activation"}
    found = [last[info.name] for info in history.layers if info.name in last]
    if any(h.counts.sum() for h in found):
        return _distributions(found, language)
    return _spreads(history, language)


def _distributions(found: list[Histogram], language: str) -> Chart:
    edges = levels(found, _MOST_OCTAVES)
    counts = np.stack([by_level(h, edges) for h in found])
    # A column has the width of the logarithm of its bounds; the one of 0 that of an octave.
    at = np.log2(edges) - np.log2(edges[0]) + 0.5
    bounds, values = np.concatenate([[-0.5], at]), np.concatenate([[0.0], edges])
    if counts[:, : len(edges) - 1].any():
        bounds = np.concatenate([-at[::-1], at])
        values = np.concatenate([-edges[::-1], edges])
    else:
        counts = counts[:, len(edges) - 1 :]
    chart = _frame(
        [h.layer for h in found],
        say(language, "Activations of every layer, at the last recorded step"),
        say(
            language,
            "Each row is a layer, brighter is a larger share. The column 0 also holds what is "
            "too small to show. All in the column 0: dead. All in the outermost column: saturated.",
        ),
        say(language, "activation"),
    )
    height = row_height(len(found))
    zero = int(np.argmin(np.abs(bounds[:-1] + bounds[1:])))
    x = LEFT + (chart.right - LEFT) * (bounds - bounds[0]) / (bounds[-1] - bounds[0])
    for i, (h, row) in enumerate(zip(found, counts, strict=True)):
        y = _TOP + (len(found) - 1 - i) * height
        for j, count in enumerate(row):
            share = count / (row.sum() or 1)
            color = color_of(1 + np.log10(max(share, 1e-9)) / 4)
            text = say(
                language,
                "{layer}, {range}: {share} of the activations",
                layer=h.layer,
                range="≈ 0" if j == zero else f"{_text(values[j])} … {_text(values[j + 1])}",
                share=f"{share:.1%}",
            )
            chart.cells.append(Cell(x[j], y, x[j + 1] - x[j] + 0.3, height, color, text))
    chart.x_ticks = [Tick((x[zero] + x[zero + 1]) / 2, "0"), *_powers(values, x)]
    for share in (1e-4, 1e-2, 1.0):
        chart.legend.append(Entry(color_of(1 + np.log10(share) / 4), "", f"{share:.4g}"))
    return chart


def _powers(values: np.ndarray, x: np.ndarray) -> Iterator[Tick]:
    """Yield marks at every third power of 2 from the largest on, away from the middle."""
    sizes = np.log2(np.maximum(np.abs(values), 1e-300))
    middle = int(np.argmin(np.abs(values)))
    for i, size in enumerate(sizes):
        away = abs(x[i] - x[middle]) > _LEAST_DISTANCE
        if away and size % 1 == 0 and (sizes.max() - size) % 3 == 0:
            yield Tick(x[i], _text(values[i]))


def _text(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _spreads(history: GradientHistory, language: str) -> Chart | None:
    found = [
        (info.name, mean, std)
        for info in history.layers
        for mean, std in [[_last(history, info.name, s) for s in ("mean", "std")]]
        if mean is not None and std is not None and np.isfinite([mean, std]).all()
    ]
    if not found:
        return None
    chart = _frame(
        [name for name, _, _ in found],
        say(language, "Activations of every layer, at the last recorded step"),
        say(
            language,
            "Mean and standard deviation of each layer's output. Spreads that grow or shrink from "
            "layer to layer lead to saturated or dead units. `histograms=50` shows the "
            "distributions.",
        ),
        say(language, "activation"),
    )
    low = min(mean - std for _, mean, std in found)
    high = max(mean + std for _, mean, std in found)
    low, high = (low - 0.5, high + 0.5) if high - low < 1e-12 else (low, high)
    inner = (chart.left + 6, chart.right - 6)

    def at(value: float) -> float:
        return inner[0] + (inner[1] - inner[0]) * (value - low) / (high - low)

    height = row_height(len(found))
    for i, (name, mean, std) in enumerate(found):
        y = _TOP + (len(found) - 0.5 - i) * height
        text = say(
            language,
            "{layer}: mean {mean}, standard deviation {std}",
            layer=name,
            mean=f"{mean:.2g}",
            std=f"{std:.2g}",
        )
        color = color_of(0.4)
        chart.dots.append(Dot(at(mean), y, color, text, at(mean - std), at(mean + std)))
    chart.x_ticks = [
        Tick(at(v), f"{v:.2g}".replace("-", "−")) for v in np.linspace(low, high, 4).tolist()
    ]
    return chart


def _last(history: GradientHistory, layer: str, statistic: str) -> float | None:
    key = Key(layer, "output", statistic)
    return float(history.series(*key)[2][-1]) if history.has(*key) else None


def _frame(names: list[str], title: str, caption: str, x_label: str) -> Chart:
    height = row_height(len(names))
    bottom = _TOP + height * len(names)
    chart = Chart(title, caption, bottom + 34, LEFT, WIDTH - 8.0, _TOP, bottom, x_label)
    chart.y_ticks = name_ticks(names, _TOP, height)
    return chart
