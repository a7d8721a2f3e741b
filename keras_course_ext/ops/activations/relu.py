"""The rectified linear unit."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor
from keras_course_ext.ops.activations.leaky_relu import leaky


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> tf.Tensor:
    """The rectified linear unit: x where x is positive, else 0.

        f(x)  = max(x, 0)
        f'(x) = 1 if x > 0 else 0          so dx = dy where y > 0, else 0

    f' is computed from the output y, which is positive exactly where x is. It is 1 or 0: the
    gradient of an active unit is passed on unchanged, through any number of layers, and that of an
    inactive unit becomes 0. A unit that is inactive for all samples no longer learns (a dead unit).
    At x = 0, where f has a corner, f' is defined to be 0, as in TensorFlow.

    In general, with s = `negative_slope`, m = `max_value` (∞ if None) and θ = `threshold`,

        f(x)  = s (x − θ) for x ≤ θ,   x for θ < x ≤ m,   m above
        f'(x) = s for x < θ,           1 for θ < x ≤ m,   0 above and at x = θ

    where f' is computed from the input x. At the corners f' is as in TensorFlow: without m and θ
    (then the function is `leaky_relu`) f'(0) = s; for m = 6 and θ = 0 (the kernel of ReLU6) f'(6) =
    0. With m, f and f' are 0 for negative x above a negative θ.

    Args:
        x: Floating-point tensor of any shape.
        negative_slope: s, any number. Defaults to 0.
        max_value: m, at least 0, or None for no limit. Defaults to None.
        threshold: θ, any number. Defaults to 0.

    Returns:
        A tensor of the shape and dtype of `x`, by default with values in [0, ∞).

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.
        ValueError: If `max_value` is negative.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([-3.0, 0.0, 2.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.relu(x)
        >>> y.numpy()
        array([0., 0., 2.], dtype=float32)
        >>> tape.gradient(y, x).numpy()
        array([0., 0., 1.], dtype=float32)
        >>> kce.ops.relu(x, negative_slope=0.5, max_value=1.5).numpy()
        array([-1.5,  0. ,  1.5], dtype=float32)

    Reference: Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, ICML
    2010.

    Deck: chapter 1, `activation='relu'`; chapter 5, ReLU.
    """
    x = float_tensor(x, "relu")
    s, θ = float(negative_slope), float(threshold)
    if max_value is None and θ == 0:
        return _relu(x) if s == 0 else leaky(x, s)
    if max_value is not None and not max_value >= 0:
        raise ValueError(
            f"`max_value` of relu must be at least 0, or None for no limit. Received: {max_value}."
        )
    m = None if max_value is None else float(max_value)
    return _bent_relu(x, s, m, θ)


@custom_gradient
def _relu(x) -> Any:
    y = tf.nn.relu(x)

    def grad(dy):
        # tf.where(y > 0, dy, 0), in one pass over memory and without storing y > 0.
        return tf.raw_ops.ReluGrad(gradients=dy, features=y)

    return y, grad


def _bent_relu(x, s: float, m: float | None, θ: float) -> tf.Tensor:
    @custom_gradient
    def forward(x) -> Any:
        zero = tf.zeros((), x.dtype)
        below = s * (x - θ) if s else zero
        y = tf.where(x <= θ, below, x if m is None else tf.clip_by_value(x, 0, m))

        def grad(dy):
            passes = x > θ
            if m is not None:
                at_most_m = x < m if (m, θ) == (6, 0) else x <= m
                passes = passes & (x > 0) & at_most_m
            return tf.where(passes, dy, tf.where(x < θ, s * dy, zero) if s else zero)

        return y, grad

    return forward(x)
