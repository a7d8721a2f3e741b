"""The Gaussian error linear unit, exact and with tanh."""

import math
from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor
from keras_course_ext.ops.activations._clip import clip


def gelu(x: Any, approximate: bool = False) -> tf.Tensor:
    """The Gaussian error linear unit: x times the probability that a normal variable is below x.

        f(x)  = x Φ(x),   Φ(x) = erfc(−x / √2) / 2
        f'(x) = Φ(x) + x φ(x),   φ(x) = Φ'(x) = e^(−x²/2) / √(2π)

    and with `approximate`, where Φ is replaced by a sigmoid of a cubic polynomial,

        f(x)  = x s,   s = (1 + tanh u) / 2 = σ(2u),   u = √(2/π) (x + 0.044715 x³)
        f'(x) = s + 2 x s (1 − s) u',   u' = √(2/π) (1 + 0.134145 x²)

    both with dx = dy · f'(x). f' is computed from the input x. It lies in [−0.129, 1.129], is 1/2
    at x = 0, is 0 at x = −0.752, where f has its minimum of −0.170, and tends to 0 for x → −∞, as f
    does.

    Args:
        x: Floating-point tensor of any shape.
        approximate: Whether to compute the form with tanh. Defaults to False.

    Returns:
        A tensor of the shape and dtype of `x`, with values in [−0.170, ∞).

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([-1.0, 0.0, 2.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.gelu(x)
        >>> y.numpy().round(3)
        array([-0.159,  0.   ,  1.954], dtype=float32)
        >>> tape.gradient(y, x).numpy().round(3)
        array([-0.083,  0.5  ,  1.085], dtype=float32)

    Differs from Keras:
        The value and the derivatives at −∞ are 0 and at ∞ finite where they exist, not NaN. The
        form with tanh keeps its relative precision to the left, where 1 + tanh u cancels. In
        float64 the constants are not rounded to float32.

    Reference: Hendrycks and Gimpel, Gaussian error linear units (GELUs), 2016, section 2.

    Deck: chapter 5, alternatives to the sigmoid.
    """
    x = float_tensor(x, "gelu")
    return _gelu_tanh(x) if approximate else _gelu(x)


@custom_gradient
def _gelu(x) -> Any:
    y = tf.math.multiply_no_nan(x, _Φ(x))  # −∞ · 0 is 0

    def grad(dy):
        # Computed only once dy exists: else Φ and φ would be kept in memory with x.
        with tf.control_dependencies([dy]):
            return dy * gelu_slope(x)

    return y, grad


def gelu_slope(x: tf.Tensor) -> tf.Tensor:
    """Return f'(x) of the exact form."""
    x_ = clip(x, 40.0)  # φ(40) = 0
    φ = tf.exp(-0.5 * tf.square(x_)) * (1 / math.sqrt(2 * math.pi))
    return _Φ(x) + x_ * φ


def _Φ(x):  # noqa: N802
    return 0.5 * tf.math.erfc(x * -math.sqrt(0.5))


@custom_gradient
def _gelu_tanh(x) -> Any:
    c = 2 * math.sqrt(2 / math.pi)
    x_ = clip(x, 25.0)  # s(−25) = 0, s(25) = 1
    s = tf.math.sigmoid(x_ * (c + 0.044715 * c * tf.square(x_)))
    y = tf.math.multiply_no_nan(x, s)

    def grad(dy):
        two_u_ = c + 0.134145 * c * tf.square(x_)
        # SigmoidGrad is x_ * two_u_ * s * (1 - s), in one pass over memory.
        return dy * (s + tf.raw_ops.SigmoidGrad(y=s, dy=x_ * two_u_))

    return y, grad
