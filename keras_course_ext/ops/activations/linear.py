"""The identity, the activation of a layer that has none."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor


def linear(x: Any) -> tf.Tensor:
    """The identity: returns its input, and in the backward pass its gradient, unchanged.

        f(x)  = x
        f'(x) = 1          so dx = dy

    f' is 1 everywhere. A stack of linear layers is itself linear: without another activation
    function, more layers cannot represent more functions.

    Args:
        x: Floating-point tensor of any shape.

    Returns:
        A tensor equal to `x`.

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import keras_course_ext as kce
        >>> kce.ops.linear([-2.0, 0.5]).numpy()
        array([-2. ,  0.5], dtype=float32)

    Deck: chapter 1, `Dense(64)`, which has no activation function.
    """
    return _linear(float_tensor(x, "linear"))


@custom_gradient
def _linear(x) -> Any:
    def grad(dy):
        return dy

    return x, grad
