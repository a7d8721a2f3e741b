"""The logistic sigmoid."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor


def sigmoid(x: Any) -> tf.Tensor:
    """The logistic sigmoid σ, which maps any number to (0, 1).

        σ(x)  = 1 / (1 + e⁻ˣ)
        σ'(x) = σ(x) (1 − σ(x))          so dx = dy · y (1 − y)

    σ' is computed from the output y = σ(x). It lies in (0, 1/4], reaches 1/4 at x = 0 only, and
    tends to 0 for large |x|: at |x| = 5 it is 0.0066. Back-propagation multiplies one such factor
    per layer, so k sigmoids scale a gradient by 4⁻ᵏ or less: the vanishing gradient.

    Args:
        x: Floating-point tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, with values in [0, 1].

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([-4.0, 0.0, 4.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.sigmoid(x)
        >>> y.numpy().round(3)
        array([0.018, 0.5  , 0.982], dtype=float32)
        >>> tape.gradient(y, x).numpy().round(3)
        array([0.018, 0.25 , 0.018], dtype=float32)

    Deck: chapter 4, the derivative of the sigmoid; chapter 5, its maximum of 0.25.
    """
    return _sigmoid(float_tensor(x, "sigmoid"))


@custom_gradient
def _sigmoid(x) -> Any:
    y = tf.math.sigmoid(x)

    def grad(dy):
        # dy * y * (1 - y), in one pass over memory instead of three.
        return tf.raw_ops.SigmoidGrad(y=y, dy=dy)

    return y, grad
