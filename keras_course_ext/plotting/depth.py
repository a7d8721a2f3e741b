"""‖∂L/∂A‖ against the layer, at some steps, with the decay expected at initialization."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.recorded import HasHistory, history_of
from keras_course_ext.monitoring.record.signal import signal_keys
from keras_course_ext.plotting._language import Language
from keras_course_ext.plotting._records import (
    axes,
    label_indices,
    logarithmic,
    missing,
    positive,
    shades,
    shortened,
)
from keras_course_ext.plotting._theory import expected

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLES = ("-", "--", "-.", ":")
_MOST_NAMES = 16


def depth(
    history: GradientHistory | HasHistory,
    ax: "Axes | None" = None,
    title: str = "",
    steps: Sequence[int] | None = None,
    *,
    lang: str = "en",
) -> "Axes":
    """Draw the signal ‖∂L/∂A‖ against the layer at some steps, with the expected decay.

    The signal is the norm of the gradient of a layer's output. The input is at the left, and the
    output, from which gradients are propagated, at the right. The thin grey line with crosses is
    the expected decay. It starts at the last hidden layer of the first step and changes by

        r = sqrt(n Var(W) E[f'(z)²])

    per layer of n inputs, at initialization: 1 for ReLU with He and any widths; for Glorot, with
    Var(W) = 2 / (n + m) for m outputs, 0.71 with ReLU, at most 0.25 with sigmoid and at most 1 with
    tanh where the widths are equal. It ends at the first layer, counted from the output, for which
    r is unknown: another activation or initializer, or a layer other than dense, convolution,
    activation and flatten.

    What to conclude: a level line is healthy. A line that falls to the left shows a vanishing
    gradient: if it is parallel to the grey one, activation function and initializer are the cause;
    if it falls faster, look for causes that the formula does not include (saturation, dead units,
    very narrow layers). A line that rises to the left shows an exploding gradient. The lines of
    later steps show whether training improves it. A layer without a point has a signal of exactly
    0, NaN or infinity.

    Args:
        history: The `GradientHistory` that a `GradientMonitor` recorded, or the
            monitor.
        ax: The matplotlib Axes to draw into. Defaults to None, those of a new figure.
        title: Title of the Axes, a string. Defaults to "".
        steps: Sequence of steps to draw; for each the nearest recorded one is used. Defaults to
            None: the first, the middle and the last.
        lang: Language of the labels, "en" or "ko". Defaults to "en".

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `"grad_norm"` of the outputs was not recorded, `steps` is empty, or `lang`
            is not as above.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((4,)), kce.layers.Dense(2), kce.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> monitor = kce.callbacks.GradientMonitor()
        >>> _ = model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0, callbacks=[monitor])
        >>> axes = kce.plotting.depth(monitor.history)
        >>> axes.figure.savefig("depth.png")  # doctest: +SKIP
    """
    history = history_of(history)
    language = Language(lang, "depth")
    keys = signal_keys(history)
    if not keys:
        raise ValueError(missing(history, "grad_norm", "an output of a layer with a kernel"))
    recorded, _, norms = history.matrix(keys)
    wanted = recorded[[0, len(recorded) // 2, -1]].tolist() if steps is None else list(steps)
    if not wanted:
        raise ValueError("`steps` must name at least one step. Received: an empty sequence.")
    chosen = list(dict.fromkeys(int(np.abs(recorded - s).argmin()) for s in wanted))
    ax = axes(ax)
    x = np.arange(len(keys))
    for i, (at, color) in enumerate(zip(chosen, shades(len(chosen)), strict=True)):
        ax.plot(
            x,
            positive(norms[:, at]),
            _STYLES[i % 4],
            color=color,
            lw=1.8,
            marker="o",
            ms=3,
            label=language(f"step {recorded[at]}", f"스텝 {recorded[at]}"),
        )
    theory, exact = expected(history.layers, [key.layer for key in keys], norms[:, chosen[0]])
    if np.isfinite(theory).sum() > 1:
        exactly, at_most = language("theory", "이론"), language("theory, at most", "이론의 상한")
        label = exactly if exact else at_most
        ax.plot(x, theory, color="0.45", lw=1.0, marker="x", ms=4, label=label, zorder=1)
    logarithmic(ax)
    names = shortened(key.layer for key in keys)
    shown = label_indices(len(x), _MOST_NAMES)
    ax.set_xticks(
        shown,
        [names[i] for i in shown],
        rotation=40,
        ha="right",
        rotation_mode="anchor",
    )
    way = language("← input        layers        output →", "← 입력        층        출력 →")
    ax.set(xlabel=way, ylabel="‖∂L/∂A‖", title=language.user_text(title, ""))
    ax.grid(alpha=0.3)
    ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.01, 0.5))
    language.set_fonts(ax)
    return ax
