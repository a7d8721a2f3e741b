"""Heat map of a run: layers by steps, coloured by log10 of the gradient norm."""

from typing import TYPE_CHECKING

import numpy as np

from keras_course_ext.monitoring.diagnosis import diagnose
from keras_course_ext.monitoring.finding import states
from keras_course_ext.monitoring.history import GradientHistory, Key
from keras_course_ext.plotting import _matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_COLUMNS = 160


def gradients(
    history: GradientHistory,
    ax: "Axes | None" = None,
    title: str = "",
    limits: tuple[float, float] | None = None,
    colorbar: bool = True,
) -> "Axes":
    """Draw log10 ‖∂L/∂W‖ of every layer's kernel over the steps.

    The output layer, where gradients start, is the top row, the input layer the bottom one. What
    to conclude: a picture of one colour is healthy. Rows that darken from the top to the bottom
    are layers that starve, the gradient vanishes on its way; rows that brighten explode. A row
    that goes dark from left to right stops learning, which is right when the loss is small.
    Layers that the diagnosis names are marked at the right. Grey is NaN or infinite. A column is
    one step, or of a long run the median of some neighbouring ones.

    Args:
        history: What a `GradientMonitor` recorded.
        ax: The matplotlib Axes to draw into; default is a new figure's.
        title: Title of the Axes.
        limits: Lowest and highest log10 of the colour scale, to make pictures comparable; default
            is this run's own range.
        colorbar: Whether to draw the colour scale beside the Axes.

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If nothing was recorded.
    """
    plt = _matplotlib.pyplot()
    keys, edges, log10 = _columns(*log10_norms(history))
    if ax is None:
        height = 1.6 + 0.3 * len(keys)
        _, ax = plt.subplots(figsize=(9, min(height, 24)), layout="constrained")
    assert ax is not None
    low, high = limits or color_limits(history)
    # matplotlib would draw the −∞ of an exact zero as it draws NaN.
    log10 = np.ma.maximum(log10, low - 1)
    cmap = plt.get_cmap("viridis").with_extremes(bad="0.6")
    mesh = ax.pcolormesh(
        edges, np.arange(len(keys) + 1) - 0.5, log10, vmin=low, vmax=high, cmap=cmap
    )
    ax.set_yticks(range(len(keys)), [key.layer for key in keys])
    ax.set(xlabel="step", title=title)
    if colorbar:
        label = "log₁₀ ‖∂L/∂W‖ of the kernel"
        ax.figure.colorbar(mesh, ax=ax, label=label, extend="min", pad=0.11)
    words = states(diagnose(history))
    rows = {key.layer: row for row, key in reversed(list(enumerate(keys)))}
    for layer, row in rows.items():
        if layer in words:
            ax.annotate(
                f"◀ {words[layer]}",
                (1.005, row),
                xycoords=("axes fraction", "data"),
                va="center",
                color="#b2182b",
                weight="bold",
                annotation_clip=False,
            )
    return ax


def log10_norms(history: GradientHistory) -> tuple[list[Key], np.ndarray, np.ndarray]:
    """Return `(keys, steps, log10 of the norms)`, the last of shape `(len(keys), steps)`.

    A norm of exactly zero becomes -inf, which the colour scale shows as its lowest colour; NaN and
    infinity are masked.
    """
    keys = [
        Key(info.name, tensor, "grad_norm")
        for info in history.layers
        for tensor in info.weights
        if "kernel" in tensor and history.has(info.name, tensor)
    ]
    if not keys:
        raise ValueError(
            "There is no gradient of a kernel to draw: nothing was recorded yet. Pass the monitor "
            "to `fit(callbacks=[monitor])` first."
        )
    steps, _, norms = history.matrix(keys)
    with np.errstate(divide="ignore"):
        log10 = np.log10(norms.astype(np.float64))
    return keys, steps, np.ma.masked_where(~np.isfinite(norms), log10)


def _columns(
    keys: list[Key], steps: np.ndarray, log10: np.ndarray
) -> tuple[list[Key], np.ndarray, np.ndarray]:
    """Gather the steps of a long run into columns that can be seen; edges half a step outside."""
    groups = np.array_split(np.arange(len(steps)), min(len(steps), _MOST_COLUMNS))
    columns = [
        # One step that is not finite must not be lost in the median of its neighbours.
        np.ma.masked_where(np.ma.getmaskarray(part).any(axis=1), np.ma.median(part, axis=1))
        for part in (log10[:, group] for group in groups)
    ]
    edges = np.append([steps[group[0]] for group in groups], steps[-1] + 1) - 0.5
    return keys, edges, np.ma.stack(columns, axis=1)


def color_limits(*histories: GradientHistory) -> tuple[float, float]:
    """Return the lowest and highest finite log10 norm of some runs, for a common colour scale."""
    parts = [np.ma.filled(log10_norms(h)[2], np.nan).ravel() for h in histories]
    values = np.concatenate(parts)
    values = values[np.isfinite(values)]
    if not len(values):
        return -1.0, 0.0
    return float(np.floor(values.min() + 1e-6)), float(np.ceil(values.max() - 1e-6))
