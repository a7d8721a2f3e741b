"""Softsign, a sigmoid with polynomial tails."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor
from keras_course_ext.ops.activations._clip import clip


def softsign(x: Any) -> tf.Tensor:
    """Softsign: like tanh from −1 to 1, but slower to saturate.

        f(x)  = x / (1 + |x|)
        f'(x) = 1 / (1 + |x|)²          so dx = dy / (1 + |x|)²

    f' is computed from the input x. It lies in (0, 1], is 1 at x = 0 only, and tends to 0 for large
    |x| only as 1/x²: at |x| = 5 it is 0.028, and tanh' is 0.00018.

    Args:
        x: Floating-point tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, with values in [−1, 1].

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([-1.0, 0.0, 4.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.softsign(x)
        >>> y.numpy()
        array([-0.5,  0. ,  0.8], dtype=float32)
        >>> tape.gradient(y, x).numpy()
        array([0.25, 1.  , 0.04], dtype=float32)

    Differs from Keras:
        The value at ±∞ is ±1, not NaN, and there is a second derivative.

    Reference: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
    networks, 2010, section 3.

    Deck: chapter 5, alternatives to the sigmoid.
    """
    return _softsign(float_tensor(x, "softsign"))


@custom_gradient
def _softsign(x) -> Any:
    # TensorFlow's op has no second derivative, and computes ∞ / ∞ = NaN at ±∞.
    x_ = clip(x, x.dtype.max)
    y = x_ / (1 + tf.abs(x_))

    def grad(dy):
        return _softsign_gradient(dy, x)

    return y, grad


@custom_gradient
def _softsign_gradient(dy, x) -> Any:
    s = 1 + tf.abs(x)
    dx = dy / tf.square(s)

    def grad(u):
        # f''(x) = -2 sign(x) / s³. Autodiff of the quotient would compute ∞ · 0 = NaN at ±∞.
        return u / tf.square(s), -2 * u * tf.sign(x) * dx / s

    return dx, grad
