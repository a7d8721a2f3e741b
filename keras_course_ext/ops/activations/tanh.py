"""The hyperbolic tangent."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor


def tanh(x: Any) -> tf.Tensor:
    """The hyperbolic tangent, a sigmoid stretched to (−1, 1).

        tanh(x)  = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ) = 2 σ(2x) − 1
        tanh'(x) = 1 − tanh²(x)          so dx = dy · (1 − y²)

    tanh' is computed from the output y = tanh(x). It lies in (0, 1], reaches 1 at x = 0 only, and
    tends to 0 for large |x|: at |x| = 5 it is 0.00018. At 0 it is four times that of the sigmoid,
    so a gradient shrinks less per layer, but away from 0 it still shrinks.

    Args:
        x: Floating-point tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, with values in [−1, 1].

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([-1.0, 0.0, 1.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.tanh(x)
        >>> tape.gradient(y, x).numpy().round(3)
        array([0.42, 1.  , 0.42], dtype=float32)

    Deck: chapter 5, hyperbolic tangent.
    """
    return _tanh(float_tensor(x, "tanh"))


@custom_gradient
def _tanh(x) -> Any:
    y = tf.math.tanh(x)

    def grad(dy):
        # dy * (1 - y * y), in one pass over memory instead of three.
        return tf.raw_ops.TanhGrad(y=y, dy=dy)

    return y, grad
