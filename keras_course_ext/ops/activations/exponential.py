"""The exponential function."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor


def exponential(x: Any) -> tf.Tensor:
    """The exponential function, for outputs that must be positive, such as rates.

        f(x)  = eˣ
        f'(x) = eˣ = y          so dx = dy · y

    f' is computed from the output y, which it equals. It lies in (0, ∞), grows without bound for x
    → ∞ and tends to 0 for x → −∞.

    Args:
        x: Floating-point tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, with values in [0, ∞].

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([-1.0, 0.0, 2.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.exponential(x)
        >>> tape.gradient(y, x).numpy().round(3)
        array([0.368, 1.   , 7.389], dtype=float32)
    """
    return _exponential(float_tensor(x, "exponential"))


@custom_gradient
def _exponential(x) -> Any:
    y = tf.exp(x)

    def grad(dy):
        return dy * y

    return y, grad
