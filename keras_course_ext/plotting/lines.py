"""Lines of a run: one statistic of every layer over the steps."""

from typing import TYPE_CHECKING

from keras_course_ext.monitoring.history import GradientHistory
from keras_course_ext.plotting._records import axes, gathered, kernels, layer_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABELS = {
    "grad_norm": "‖∂L/∂W‖ of the kernel",
    "grad_mean_abs": "mean |∂L/∂W| of the kernel",
    "grad_max_abs": "max |∂L/∂W| of the kernel",
    "weight_norm": "‖W‖ of the kernel",
    "update_ratio": "‖ΔW‖ / ‖W‖ of the kernel",
}


def lines(
    history: GradientHistory,
    ax: "Axes | None" = None,
    title: str = "",
    statistic: str = "grad_norm",
) -> "Axes":
    """Draw a statistic of every layer's kernel over the steps, one line a layer.

    Dark lines are near the input, light ones near the output. What to conclude: lines that run
    together are healthy, and all may fall together as the loss does. Lines fanned out over
    decades with the dark ones lowest are a gradient that vanishes; with the dark ones on top it
    explodes. One line that leaves the others names the layer to look at, a gap is a NaN, an
    infinity or an exact zero, and a spike in all of them at once is a bad batch or too large a
    learning rate. A point is one step, or of a long run the median of some neighbouring ones.

    Args:
        history: What a `GradientMonitor` recorded.
        ax: The matplotlib Axes to draw into; default is a new figure's.
        title: Title of the Axes.
        statistic: A statistic of weights, such as `"grad_norm"` (default) or `"weight_norm"`.

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the statistic was not recorded.
    """
    keys = kernels(history, statistic)
    steps, _, values = history.matrix(keys)
    ax = axes(ax)
    layer_lines(ax, keys, *gathered(steps, values))
    ax.set(xlabel="step", ylabel=_LABELS.get(statistic, f"{statistic} of the kernel"), title=title)
    ax.grid(alpha=0.3)
    return ax
