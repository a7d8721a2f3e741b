"""The step function of Heaviside."""

from typing import Any

import tensorflow as tf

from keras_course_ext.ops._tensors import float_tensor


def step(x: Any) -> tf.Tensor:
    """The step function: 1 for x > 0, else 0.

        f(x)  = 1 if x > 0 else 0
        f'(x) = 0

    Args:
        x: Floating-point tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, of 0 and 1.

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import keras_course_ext as kce
        >>> kce.ops.step([-3.0, 0.0, 2.0]).numpy()
        array([0., 0., 1.], dtype=float32)

    Deck: chapter 2, the perceptron.
    """
    return _step(float_tensor(x, "step"))


@tf.custom_gradient
def _step(x) -> Any:
    return tf.cast(x > 0, x.dtype), tf.zeros_like
