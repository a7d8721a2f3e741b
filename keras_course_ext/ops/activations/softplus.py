"""Softplus, the smooth ReLU."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor


def softplus(x: Any) -> tf.Tensor:
    """Softplus: a smooth approximation of the ReLU.

        f(x)  = ln(1 + eˣ)
        f'(x) = σ(x) = 1 / (1 + e⁻ˣ)          so dx = dy · σ(x)

    f' is computed from the input x. It lies in (0, 1), is 1/2 at x = 0, tends to 1 for x → ∞ and to
    0 for x → −∞, as f does.

    Args:
        x: Floating-point tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, with values in [0, ∞).

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([-10.0, 0.0, 10.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.softplus(x)
        >>> y.numpy().round(3)
        array([ 0.   ,  0.693, 10.   ], dtype=float32)
        >>> tape.gradient(y, x).numpy().round(3)
        array([0. , 0.5, 1. ], dtype=float32)

    Reference: Dugas, Bengio, Bélisle, Nadeau and Garcia, Incorporating second-order functional
    knowledge for better option pricing, NIPS 2000.

    Deck: chapter 5, alternatives to the sigmoid.
    """
    return _softplus(float_tensor(x, "softplus"))


@custom_gradient
def _softplus(x) -> Any:
    y = tf.math.softplus(x)

    def grad(dy):
        # SoftplusGrad would save one pass over memory, but differs from autodiff by up to 3 ulp.
        return dy * tf.math.sigmoid(x)

    return y, grad
