"""The signal against depth, at some steps, beside the decay that theory expects."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_course_ext.monitoring.history import GradientHistory, LayerInfo
from keras_course_ext.monitoring.rules.signal import signal_keys
from keras_course_ext.plotting._records import (
    axes,
    logarithmic,
    missing,
    positive,
    shades,
    shortened,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# n Var(W) of a layer with as many inputs as outputs.
_GAIN: dict[str | None, float] = {
    "GlorotUniform": 1.0,
    "GlorotNormal": 1.0,
    "LecunUniform": 1.0,
    "LecunNormal": 1.0,
    "HeUniform": 2.0,
    "HeNormal": 2.0,
}
# E[f'(z)²]: exact for ReLU and linear, an upper bound for the others, reached at z = 0.
_SLOPE = {"linear": 1.0, None: 1.0, "relu": 0.5, "sigmoid": 1 / 16, "tanh": 1.0, "softsign": 1.0}
_EXACT = {"linear", None, "relu"}
_STYLES = ("-", "--", "-.", ":")
_MOST_NAMES = 16


def depth(
    history: GradientHistory,
    ax: "Axes | None" = None,
    title: str = "",
    steps: Sequence[int] | None = None,
) -> "Axes":
    """Draw the signal ‖∂L/∂A‖ against the layer at some steps, with the decay of theory.

    The input is at the left, the output, where the signal starts, at the right. The thin grey
    line with crosses starts at the last hidden layer of the first step and follows, for layers of
    equal width,

        r = sqrt(n Var(W) E[f'(z)²])

    per layer at initialization: 1 for ReLU with He, 0.71 for ReLU with Glorot, at most 0.25 for
    sigmoid with Glorot and 1 for tanh. It ends at the first layer, counted from the output, whose
    activation or initializer has no such rate. What to conclude: a level line is healthy. A line
    that falls to the left vanishes: if it falls beside the grey one, activation and initializer
    are the cause and are to be changed; if it falls away from it, look for what theory leaves out
    (saturation, dead units, a narrow layer). A rise to the left is an explosion. Whether training
    repairs or worsens it shows in the later steps.

    Args:
        history: What a `GradientMonitor` recorded.
        ax: The matplotlib Axes to draw into; default is a new figure's.
        title: Title of the Axes.
        steps: The recorded steps to draw, any number of them; the nearest recorded one is taken.
            Default: the first, the middle and the last.

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `"grad_norm"` of the outputs was not recorded, or `steps` is empty.
    """
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
            label=f"step {recorded[at]}",
        )
    infos = {info.name: info for info in history.layers}
    theory, exact = _theory([infos[key.layer] for key in keys], norms[:, chosen[0]])
    if np.isfinite(theory).sum() > 1:
        label = "theory" if exact else "theory, at most"
        ax.plot(x, theory, color="0.45", lw=1.0, marker="x", ms=4, label=label, zorder=1)
    logarithmic(ax)
    shown = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_NAMES)).round().astype(int))
    ax.set_xticks(
        shown,
        [shortened(keys[i].layer) for i in shown],
        rotation=40,
        ha="right",
        rotation_mode="anchor",
    )
    ax.set(xlabel="← input        layers        output →", ylabel="‖∂L/∂A‖", title=title)
    ax.grid(alpha=0.3)
    ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax


def decay(above: LayerInfo) -> float:
    """Return by which factor theory expects ‖∂L/∂A‖ to change on its way back through a layer.

    The signal passes the layer's activation and then its kernel. NaN if one of them is unknown.
    """
    gain, slope = _GAIN.get(above.initializer), _SLOPE.get(above.activation)
    return float("nan") if gain is None or slope is None else float(np.sqrt(gain * slope))


def _theory(infos: list[LayerInfo], norms: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the expected norms, and whether they are more than an upper bound."""
    theory = np.full(len(infos), np.nan)
    # Not from the output itself: its width is another one, and softmax mixes its units.
    start = len(infos) - 2
    exact = True
    if start < 0:
        return theory, exact
    theory[start] = norms[start]
    for i in range(start - 1, -1, -1):
        theory[i] = theory[i + 1] * decay(infos[i + 1])
        exact &= infos[i + 1].activation in _EXACT or not np.isfinite(theory[i])
    return positive(theory), exact
