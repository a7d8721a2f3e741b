"""The step function of Heaviside, the activation of the perceptron."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor


def step(x: Any) -> tf.Tensor:
    """The step function: 1 for a positive input, else 0.

        f(x)  = 1 if x > 0 else 0
        f'(x) = 0          so dx = 0

    f' is 0 everywhere. At x = 0, where f jumps and has no derivative, f is 0, as in the deck's
    truth table, and f' is defined to be 0. With this derivative gradient descent changes nothing,
    however wrong the output is. Therefore the perceptron is trained by Rosenblatt's rule, which
    moves the weights by the error t − y and needs no derivative, or with the sigmoid in place of
    the step.

    Args:
        x: Floating-point tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x` that holds 0 and 1. NaN stays NaN.

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import keras_course_ext as kce
        >>> kce.ops.step([-2.0, 0.0, 0.5]).numpy()
        array([0., 0., 1.], dtype=float32)

    Differs from Keras:
        Keras has no such activation.

    Reference: Rosenblatt, The perceptron: a probabilistic model for information storage and
    organization in the brain, Psychological Review 65, 1958.

    Deck: chapter 2, the output of 1 or 0; chapter 3, the truth table of the XOR network.
    """
    return _step(float_tensor(x, "step"))


@custom_gradient
def _step(x) -> Any:
    y = tf.where(tf.math.is_nan(x), x, tf.cast(x > 0, x.dtype))

    def grad(dy):
        return tf.zeros_like(dy)

    return y, grad
