"""Lines of a run: one statistic of every layer over the steps."""

from typing import TYPE_CHECKING

from keras_course_ext.monitoring.history import GradientHistory
from keras_course_ext.plotting._language import Language
from keras_course_ext.plotting._records import axes, gathered, kernels, layer_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABELS = {
    "grad_norm": ("‖∂L/∂W‖ of the kernel", "가중치의 기울기 ‖∂L/∂W‖"),
    "grad_mean_abs": ("mean |∂L/∂W| of the kernel", "가중치의 기울기 |∂L/∂W|, 평균"),
    "grad_max_abs": ("max |∂L/∂W| of the kernel", "가중치의 기울기 |∂L/∂W|, 최댓값"),
    "weight_norm": ("‖W‖ of the kernel", "가중치의 크기 ‖W‖"),
    "update_ratio": ("‖ΔW‖ / ‖W‖ of the kernel", "가중치의 변화 비율 ‖ΔW‖ / ‖W‖"),
}


def lines(
    history: GradientHistory,
    ax: "Axes | None" = None,
    title: str = "",
    statistic: str = "grad_norm",
    *,
    lang: str = "en",
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
        lang: Language of the labels, "en" (default) or "ko".

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the statistic was not recorded, or `lang` is not as above.
    """
    language = Language(lang, "lines")
    keys = kernels(history, statistic)
    steps, _, values = history.matrix(keys)
    ax = axes(ax)
    layer_lines(ax, keys, *gathered(steps, values), language)
    names = _LABELS.get(statistic, (f"{statistic} of the kernel", f"{statistic} (가중치)"))
    ax.set(xlabel=language("step", "스텝"), ylabel=language(*names))
    ax.set_title(language.own(title, ""))
    ax.grid(alpha=0.3)
    language.dress(ax)
    return ax
