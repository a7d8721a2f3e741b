"""Update ratios ‖ΔW‖ / ‖W‖ of a run, with the range of healthy ones."""

from typing import TYPE_CHECKING

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.recorded import HasHistory, history_of
from keras_course_ext.plotting._language import Language
from keras_course_ext.plotting._records import axes, kernels, layer_lines, step_medians

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# TheDeepChecker's range of the update ratio; about 1e-3 is the usual rule of thumb.
BAND = (1e-4, 1e-1)
TYPICAL = 1e-3


def update_ratios(
    history: GradientHistory | HasHistory,
    ax: "Axes | None" = None,
    title: str = "",
    *,
    lang: str = "en",
) -> "Axes":
    """Draw ‖ΔW‖ / ‖W‖ of every layer's kernel over the steps, with the healthy band shaded.

    ΔW is the change of W in a step, so the optimizer's rule and clipping are included. What to
    conclude: lines inside the grey band, around the dotted 10⁻³, are healthy. If all lines are
    above it, the learning rate is too large; if all are below it from the start, too small. If some
    are below and others inside, the former layers hardly learn, and no single learning rate suits
    both; see `depth`. If all lines fall below it late in training, the cause is convergence or a
    decaying learning rate, not a fault. A gap is a NaN, an infinity or an exact zero.

    Args:
        history: The `GradientHistory` that a `GradientMonitor` recorded, or the
            monitor.
        ax: The matplotlib Axes to draw into. Defaults to None, those of a new figure.
        title: Title of the Axes, a string. Defaults to "".
        lang: Language of the labels, "en" or "ko". Defaults to "en".

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `"update_ratio"` was not recorded, or `lang` is not as above.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((4,)), kce.layers.Dense(2), kce.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> monitor = kce.callbacks.GradientMonitor()
        >>> _ = model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0, callbacks=[monitor])
        >>> axes = kce.plotting.update_ratios(monitor.history)
        >>> axes.figure.savefig("update_ratios.png")  # doctest: +SKIP
    """
    history = history_of(history)
    language = Language(lang, "update_ratios")
    keys = kernels(history, "update_ratio")
    steps, _, values = history.matrix(keys)
    ax = axes(ax)
    ax.axhspan(*BAND, color="0.9", zorder=0)
    ax.axhline(TYPICAL, color="0.35", ls=":", lw=1.4, zorder=1)
    layer_lines(ax, keys, *step_medians(steps, values), language)
    label = language("‖ΔW‖ / ‖W‖ of the kernel", "가중치의 변화 비율 ‖ΔW‖ / ‖W‖")
    ax.set(xlabel=language("step", "스텝"), ylabel=label, title=language.user_text(title, ""))
    ax.text(
        0.01,
        BAND[1],
        language("healthy band 10⁻⁴ to 10⁻¹", "건강한 범위 10⁻⁴ ~ 10⁻¹"),
        transform=ax.get_yaxis_transform(),
        va="bottom",
        color="0.3",
        fontsize="small",
    )
    language.set_fonts(ax)
    return ax
