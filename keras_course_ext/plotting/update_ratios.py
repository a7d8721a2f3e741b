"""Update ratios of a run: how far each step moves each kernel, beside the healthy band."""

from typing import TYPE_CHECKING

from keras_course_ext.monitoring.history import GradientHistory
from keras_course_ext.plotting._language import Language
from keras_course_ext.plotting._records import axes, gathered, kernels, layer_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# TheDeepChecker's range of the update ratio; about 1e-3 is the usual rule of thumb.
BAND = (1e-4, 1e-1)
TYPICAL = 1e-3


def update_ratios(
    history: GradientHistory, ax: "Axes | None" = None, title: str = "", *, lang: str = "en"
) -> "Axes":
    """Draw ‖ΔW‖ / ‖W‖ of every layer's kernel over the steps, with the healthy band shaded.

    ΔW is the step truly taken, so the optimizer's rule and clipping are in it. What to conclude:
    lines inside of the grey band, around the dotted 10⁻³, are healthy. All lines above it: the
    learning rate is too large; all below from the start: too small. Some below it and others
    inside: those layers hardly learn, and no single learning rate suits both; look at `depth`.
    Lines that sink below it together late in training show convergence or a decaying learning
    rate, not an illness. A gap is a NaN, an infinity or an exact zero.

    Args:
        history: What a `GradientMonitor` recorded.
        ax: The matplotlib Axes to draw into; default is a new figure's.
        title: Title of the Axes.
        lang: Language of the labels, "en" (default) or "ko".

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `"update_ratio"` was not recorded, or `lang` is not as above.
    """
    language = Language(lang, "update_ratios")
    keys = kernels(history, "update_ratio")
    steps, _, values = history.matrix(keys)
    ax = axes(ax)
    ax.axhspan(*BAND, color="0.9", zorder=0)
    ax.axhline(TYPICAL, color="0.35", ls=":", lw=1.4, zorder=1)
    layer_lines(ax, keys, *gathered(steps, values), language)
    label = language("‖ΔW‖ / ‖W‖ of the kernel", "가중치의 변화 비율 ‖ΔW‖ / ‖W‖")
    ax.set(xlabel=language("step", "스텝"), ylabel=label, title=language.own(title, ""))
    ax.text(
        0.01,
        BAND[1],
        language("healthy band 10⁻⁴ to 10⁻¹", "건강한 범위 10⁻⁴ ~ 10⁻¹"),
        transform=ax.get_yaxis_transform(),
        va="bottom",
        color="0.3",
        fontsize="small",
    )
    language.dress(ax)
    return ax
