"""Activations of a layer over a run: one histogram per column, the "colorful dimension"."""

from typing import TYPE_CHECKING

import numpy as np

from keras_course_ext.monitoring.record.histograms import by_level, levels
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.recorded import HasHistory, history_of
from keras_course_ext.monitoring.record.schema import Histogram
from keras_course_ext.plotting import _matplotlib
from keras_course_ext.plotting._language import Language
from keras_course_ext.plotting._records import MOST_COLUMNS, axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_OCTAVES = 16
_MOST_TICKS = 5


def activations(
    history: GradientHistory | HasHistory,
    ax: "Axes | None" = None,
    title: str = "",
    layer: str | None = None,
    *,
    lang: str = "en",
) -> "Axes":
    """Draw the distribution of the activations of a layer, one histogram per column.

    The upper rows are positive activations, in powers of 2 and near 1 in eighths, the lower rows
    negative ones, and the middle row those that are 0 or too small to show; brighter is a larger
    share, on a logarithmic scale. The lower half is omitted if no activation is negative. What to
    conclude: columns that are equal from left to right, or widen slowly, are healthy. Columns that
    grow outward and collapse, repeatedly, show training that explodes and restarts. If all
    activations are in the middle row, the layer is dead (half of a ReLU layer there is normal); if
    all are in one bright outer row, such as ±1 of a tanh, it is saturated. A grey column has no
    finite activation.

    `activation`, in the singular, is another plot: the curve of a function and its derivative.

    Args:
        history: The `GradientHistory` that a `GradientMonitor` with `histograms=` recorded, or the
            monitor.
        ax: The matplotlib Axes to draw into. Defaults to None, those of a new figure.
        title: Title of the Axes. Defaults to "": the name of the layer.
        layer: Name of the layer. Defaults to None: the first one that has histograms.
        lang: Language of the labels, "en" or "ko". Defaults to "en".

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If there are no histograms of activations, or none of that layer, or `lang` is
            not as above.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((4,)), kce.layers.Dense(2), kce.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> monitor = kce.callbacks.GradientMonitor(histograms=1)
        >>> _ = model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0, callbacks=[monitor])
        >>> axes = kce.plotting.activations(monitor.history)
        >>> axes.figure.savefig("activations.png")  # doctest: +SKIP
    """
    history = history_of(history)
    language = Language(lang, "activations")
    found = [h for h in history.histograms if h.kind == "activation"]
    names = list(dict.fromkeys(h.layer for h in found))
    if not found:
        raise ValueError(
            "There are no histograms of activations to draw. Make the monitor with "
            "`histograms=50`, for one every 50 steps."
        )
    layer = names[0] if layer is None else layer
    if layer not in names:
        raise ValueError(
            f"There is no histogram of layer '{layer}'. Layers that have one: {', '.join(names)}."
        )
    found = [h for h in found if h.layer == layer]
    at = np.unique(np.linspace(0, len(found) - 1, min(len(found), MOST_COLUMNS)).astype(int))
    found = [found[i] for i in at]
    edges = levels(found, _MOST_OCTAVES)
    share = np.stack([_column(h, edges) for h in found], axis=1)
    plt = _matplotlib.pyplot()
    ax = axes(ax)
    steps = np.array([h.step for h in found], dtype=np.float64)
    last = steps[-1] - steps[-2] if len(steps) > 1 else 1.0
    cmap = plt.get_cmap("viridis").with_extremes(bad="0.6")
    with np.errstate(divide="ignore"):
        # Not −∞ for an empty bin, which matplotlib draws like NaN.
        log10 = np.log10(np.maximum(share, 1e-9))
    # An octave is one unit high, the middle row too.
    at = np.log2(edges) - np.log2(edges[0]) + 0.5
    mesh = ax.pcolormesh(
        np.append(steps, steps[-1] + last),
        np.concatenate([-at[::-1], at]),
        np.ma.masked_invalid(log10),
        cmap=cmap,
        vmin=-4,
        vmax=0,
    )
    label = language("log₁₀ of the share of activations", "활성값의 비율 (log₁₀)")
    bar = ax.figure.colorbar(mesh, ax=ax, label=label, extend="min")
    _ticks(ax, *(int(e) for e in np.log2(edges[[0, -1]])))
    rows = len(edges) - 1
    if not np.nansum(share[:rows]):
        # Nothing is negative, as after ReLU or sigmoid: the lower half would be empty.
        ax.set_ylim(-0.5, at[-1])
    ax.set(xlabel=language("step", "스텝"), ylabel=language("activation", "활성값"))
    ax.set_title(language.user_text(title or layer, ""))
    language.set_fonts(ax, bar.ax)
    return ax


def _column(h: Histogram, edges: np.ndarray) -> np.ndarray:
    """Return the shares of a histogram in the rows; NaN if it is empty."""
    counts = by_level(h, edges)
    total = counts.sum()
    return counts / total if total else np.full(len(counts), np.nan)


def _ticks(ax: "Axes", low: int, high: int) -> None:
    every = -(-(high - low) // _MOST_TICKS)
    exponents = np.arange(high, low, -every)
    at = exponents - low + 0.5
    labels = [f"$2^{{{e}}}$" for e in exponents]
    ax.set_yticks([*-at, 0, *at], [*(f"$-{label[1:]}" for label in labels), "≈ 0", *labels])
