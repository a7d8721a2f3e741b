"""The scaled exponential linear unit."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor


def selu(x: Any) -> tf.Tensor:
    """The scaled exponential linear unit, which drives activations to mean 0 and variance 1.

        f(x)  = λ x if x > 0 else λ α (eˣ − 1)
        f'(x) = λ   if x > 0 else λ α eˣ = y + λ α

    with λ = 1.0507009873554805 and α = 1.6732632423543772, so dx = dy · λ where x > 0, else
    dy · (y + λ α).

    f' is computed from the output y. It lies in (0, λ α] = (0, 1.758] and tends to 0 for x → −∞,
    where f tends to −λ α. It exceeds 1 on both sides of 0, which compensates for f' < 1 at very
    negative x. At x = 0, where f has a corner, f' is as in TensorFlow: λ, under XLA λ α.

    Args:
        x: Floating-point tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, with values in [−1.758, ∞).

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([-1.0, 0.0, 2.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.selu(x)
        >>> y.numpy().round(3)
        array([-1.111,  0.   ,  2.101], dtype=float32)
        >>> tape.gradient(y, x).numpy().round(3)
        array([0.647, 1.051, 1.051], dtype=float32)

    Reference: Klambauer, Unterthiner, Mayr and Hochreiter, Self-normalizing neural networks, 2017,
    equation 2.

    Deck: chapter 5, alternatives to the sigmoid.
    """
    return _selu(float_tensor(x, "selu"))


@custom_gradient
def _selu(x) -> Any:
    y = tf.nn.selu(x)

    def grad(dy):
        # tf.where(y < 0, dy * (y + λ * α), dy * λ), in one pass over memory.
        return tf.raw_ops.SeluGrad(gradients=dy, outputs=y)

    return y, grad
