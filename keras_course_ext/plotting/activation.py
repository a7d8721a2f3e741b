"""The curve of an activation function and of its derivative."""

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from keras_course_ext import activations as _activations
from keras_course_ext.plotting import _look
from keras_course_ext.plotting._canvas import number_text
from keras_course_ext.plotting._language import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 1201
_KOREAN = {
    "linear": "항등 함수",
    "relu": "렐루",
    "sigmoid": "시그모이드",
    "softplus": "소프트플러스",
    "softsign": "소프트사인",
    "step": "계단 함수",
    "tanh": "하이퍼볼릭 탄젠트",
}
# Identifies the curves of f among the lines of the Axes.
_GID = "activation"
# Points within this share of the largest f′ form a plateau.
_LEVEL = 1e-9


def activation(
    activation: Any,
    ax: "Axes | None" = None,
    *,
    limits: tuple[float, float] = (-6, 6),
    derivative: bool = True,
    lang: str = "en",
    title: str | None = None,
) -> "Axes":
    """Draw an activation function f, solid, and its derivative f′, dashed.

    Both are computed in float64: f by calling the function, f′ by its backward pass, which for the
    functions of this package is hand-written. A dot marks the largest f′ with its value: for the
    sigmoid 0.25, at x = 0. What to conclude: back-propagation multiplies one f′ per layer. If f′ is
    far below 1 everywhere, as for the sigmoid, gradients vanish in a deep network; where f′ tends
    to 0 at the sides, units with large weighted sums stop learning; where f′ is 1, as for the ReLU
    at x > 0, the gradient is passed on unchanged.

    Further calls with the same Axes add their curves. `activations`, in the plural, is another
    plot: the distribution of the outputs of a layer during training.

    Args:
        activation: A name that `kce.activations` or Keras knows, such as "tanh", or an elementwise
            function of a tensor.
        ax: The matplotlib Axes to draw into. Defaults to None, those of a new figure.
        limits: Two numbers, the smallest and the largest x. Defaults to (-6, 6).
        derivative: Whether to draw f′. Defaults to True.
        lang: Language of the labels, "en" or "ko". Defaults to "en".
        title: Title of the Axes. Defaults to the name of the function.

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `activation` is neither a name nor a function.
        ValueError: If there is no function of that name; if it is not elementwise, as softmax; or
            if `limits` or `lang` is not as above.

    Example:
        >>> import keras_course_ext as kce
        >>> axes = kce.plotting.activation("sigmoid")
        >>> axes.get_legend().get_texts()[-1].get_text()
        'max f′ = 0.25 at x = 0'

    Deck: chapter 5, activation functions and the vanishing gradient.
    """
    language = Language(lang, "activation")
    x = _inputs(limits)
    function = _activations.get(activation)
    name = activation if isinstance(activation, str) else _name(function)
    f, slope = _values(function, x, name)
    ax = _look.axes(ax, 6.0, 4.5)
    count = sum(line.get_gid() == _GID for line in ax.get_lines())
    shown = language(name, _KOREAN.get(name, name))
    color, marker = _look.series(count)["color"], _look.series(count)["marker"]
    style: dict[str, Any] = {"color": color, "zorder": 3}
    if count:
        # Markers, except on the first, distinguish the curves in greyscale.
        style |= {"marker": marker, "ms": 5, "markevery": (20 * count, 120)}
    ax.plot(x, f, lw=2.2, label=shown, gid=_GID, **style)
    if derivative and slope is not None:
        prime = language(f"{shown}′", f"{shown}의 미분")
        ax.plot(x, slope, ls=(0, (4, 2)), lw=1.8, label=prime, **style)
        _mark_largest(ax, function, x, slope, color, language)
    for line in (ax.axhline, ax.axvline):
        if not count:
            line(0, color="0.8", lw=0.8, zorder=0)
    values = [f] if not derivative or slope is None else [f, slope]
    _frame(ax, x, values, first=not count)
    label = language("f(x), dashed: f′(x)", "f(x), 점선: f′(x)") if derivative else "f(x)"
    default = shown if not count else ax.get_title()
    ax.set(xlabel="x", ylabel=label, title=language.user_text(title, default))
    _look.legend(ax, _curves(ax))
    language.set_fonts(ax)
    return ax


def _values(function: Any, x: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return f and f′ at x; f′ is None if f is not differentiable."""
    f, slope = _both(function, x)
    some = x[::100]
    alone = np.asarray(function(tf.constant(some)))
    if f.shape != x.shape or not np.allclose(alone, f[::100], rtol=1e-5, atol=1e-7, equal_nan=True):
        raise ValueError(
            f"`activation` draws functions of one number. '{name}' does not work on each element "
            "by itself: its outputs depend on all inputs, as the shares of softmax do. Write "
            "'sigmoid', which is the softmax of two units with one of them at 0."
        )
    return f, slope


def _both(function: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    points = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(points)
        y = tf.convert_to_tensor(function(points))
    slope: Any = tape.gradient(y, points)
    if slope is not None:
        slope = slope.numpy().astype(np.float64)
    return y.numpy().astype(np.float64), slope


def _mark_largest(
    ax: "Axes", function: Any, x: np.ndarray, slope: np.ndarray, color: str, language: Language
) -> None:
    """Mark the largest f′, unless it lies only at an end of the plot."""
    if not np.isfinite(slope).any():
        return
    most = np.nanmax(slope)
    at = np.flatnonzero(slope >= most - _LEVEL * max(abs(most), 1.0))
    plateau = len(at) > 2
    if not plateau and at[0] in (0, len(x) - 1):
        return
    middle = int(at[len(at) // 2])
    peak, most = x[middle], slope[middle]
    text = language("max f′", "f′의 최댓값")
    if plateau:
        text += f" = {number_text(most)}"
    else:
        # The maximum may lie between two points, as next to the jump of selu′.
        near = np.linspace(x[middle - 1], x[middle + 1], _POINTS)
        finer = _both(function, near)[1]
        if finer is not None and finer.max() > most:
            peak, most = near[finer.argmax()], finer.max()
        where = number_text(round(float(peak), 2))
        text += f" = {number_text(most)}" + language(f" at x = {where}", f" (x = {where})")
    ax.plot([peak], [most], "o", color=color, mec="black", ms=7, label=text, zorder=5)


def _frame(ax: "Axes", x: np.ndarray, values: list[np.ndarray], first: bool) -> None:
    """Widen the limits so that the curves are visible."""
    finite = np.concatenate([value[np.isfinite(value)] for value in values])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    room = 0.08 * (high - low) or 0.5
    low, high, left, right = low - room, high + room, float(x[0]), float(x[-1])
    if not first:
        low, high = min(low, ax.get_ylim()[0]), max(high, ax.get_ylim()[1])
        left, right = min(left, ax.get_xlim()[0]), max(right, ax.get_xlim()[1])
    ax.set(xlim=(left, right), ylim=(low, high))
    ax.grid(alpha=0.3)
    ax.set_axisbelow(True)


def _curves(ax: "Axes") -> list[np.ndarray]:
    """Return the curves of the Axes."""
    curves = [np.stack(line.get_data(), axis=1) for line in ax.get_lines()]
    return [curve[:: _POINTS // 100] for curve in curves if len(curve) == _POINTS]


def _inputs(limits: Any) -> np.ndarray:
    low, high = _look.pair(limits, "activation")
    x = np.linspace(low, high, _POINTS)
    # Exactly 0, where many f′ are largest or have a corner; linspace may give 1e-16.
    x[np.abs(x) < 1e-9 * (high - low)] = 0.0
    return x


def _name(function: Any) -> str:
    return getattr(function, "__name__", None) or getattr(function, "name", None) or "f"
