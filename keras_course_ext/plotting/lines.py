"""Lines of a run: one statistic of every layer over the steps."""

from typing import TYPE_CHECKING

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.recorded import HasHistory, history_of
from keras_course_ext.plotting._language import Language
from keras_course_ext.plotting._records import axes, kernels, layer_lines, step_medians

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
    history: GradientHistory | HasHistory,
    ax: "Axes | None" = None,
    title: str = "",
    statistic: str = "grad_norm",
    *,
    lang: str = "en",
) -> "Axes":
    """Draw a statistic of every layer's kernel over the steps, one line per layer.

    Dark lines are near the input, light ones near the output. What to conclude: lines close
    together are healthy, and all may fall together as the loss does. Lines decades apart with the
    dark ones lowest show a vanishing gradient, with the dark ones on top an exploding one. A single
    line far from the others shows the layer to examine, a gap is a NaN, an infinity or an exact
    zero, and a spike in all lines at once is a bad batch or too large a learning rate. A point is
    one step, or in a long run the median of several.

    Args:
        history: The `GradientHistory` that a `GradientMonitor` recorded, or the
            monitor.
        ax: The matplotlib Axes to draw into. Defaults to None, those of a new figure.
        title: Title of the Axes, a string. Defaults to "".
        statistic: Name of a statistic of weights, such as "weight_norm". Defaults to "grad_norm".
        lang: Language of the labels, "en" or "ko". Defaults to "en".

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the statistic was not recorded, or `lang` is not as above.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((4,)), kce.layers.Dense(2), kce.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> monitor = kce.callbacks.GradientMonitor()
        >>> _ = model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0, callbacks=[monitor])
        >>> axes = kce.plotting.lines(monitor.history)
        >>> axes.figure.savefig("lines.png")  # doctest: +SKIP
    """
    history = history_of(history)
    language = Language(lang, "lines")
    keys = kernels(history, statistic)
    steps, _, values = history.matrix(keys)
    ax = axes(ax)
    layer_lines(ax, keys, *step_medians(steps, values), language)
    names = _LABELS.get(statistic, (f"{statistic} of the kernel", f"{statistic} (가중치)"))
    ax.set(xlabel=language("step", "스텝"), ylabel=language(*names))
    ax.set_title(language.user_text(title, ""))
    ax.grid(alpha=0.3)
    language.set_fonts(ax)
    return ax
