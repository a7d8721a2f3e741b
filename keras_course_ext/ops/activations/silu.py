"""The sigmoid linear unit, also called swish."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor
from keras_course_ext.ops.activations._clip import clip


def silu(x: Any) -> tf.Tensor:
    """The sigmoid linear unit, x times its own sigmoid; also known as swish.

        f(x)  = x σ(x)
        f'(x) = σ(x) + x σ(x) (1 − σ(x))          so dx = dy · f'(x)

    f' is computed from the input x. It lies in [−0.0998, 1.0998], is 1/2 at x = 0, is 0 at x =
    −1.278, where f has its minimum of −0.278, and tends to 0 for x → −∞, as f does.

    Args:
        x: Floating-point tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, with values in [−0.278, ∞).

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([-1.0, 0.0, 2.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.silu(x)
        >>> y.numpy().round(3)
        array([-0.269,  0.   ,  1.762], dtype=float32)
        >>> tape.gradient(y, x).numpy().round(3)
        array([0.072, 0.5  , 1.091], dtype=float32)

    Differs from Keras:
        The value and the derivatives at −∞ are 0 and at ∞ finite where they exist, not NaN.

    Reference: Elfwing, Uchibe and Doya, Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning, 2017, section 2.1.

    Deck: chapter 5, alternatives to the sigmoid.
    """
    return _silu(float_tensor(x, "silu"))


@custom_gradient
def _silu(x) -> Any:
    y = tf.math.multiply_no_nan(x, tf.math.sigmoid(x))  # −∞ · 0 is 0

    def grad(dy):
        # Computed only once dy exists: else σ and the clipped x would be kept in memory with x.
        with tf.control_dependencies([dy]):
            return dy * silu_slope(x)

    return y, grad


def silu_slope(x: tf.Tensor) -> tf.Tensor:
    """Return f'(x)."""
    σ = tf.math.sigmoid(x)
    # SigmoidGrad is x * σ * (1 - σ), in one pass over memory. σ(-800) = 0, σ(800) = 1.
    return σ + tf.raw_ops.SigmoidGrad(y=σ, dy=clip(x, 800.0))
