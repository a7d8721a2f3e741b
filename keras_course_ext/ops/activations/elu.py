"""The exponential linear unit."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor


def elu(x: Any, alpha: float = 1.0) -> tf.Tensor:
    """The exponential linear unit: a ReLU that tends to −α for negative inputs instead of 0.

        f(x)  = x if x > 0 else α (eˣ − 1)
        f'(x) = 1 if x > 0 else α eˣ = y + α          so dx = dy where x > 0, else dy · (y + α)

    f' is computed from the output y. It lies in (0, max(1, α)] for α > 0 and tends to 0 for x → −∞,
    where f tends to −α. At x = 0 it is α, so only for α = 1 is there no corner.

    Args:
        x: Floating-point tensor of any shape.
        alpha: α, any number. Defaults to 1.

    Returns:
        A tensor of the shape and dtype of `x`, for α ≥ 0 with values in [−α, ∞).

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([-1.0, 0.0, 2.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.elu(x)
        >>> y.numpy().round(3)
        array([-0.632,  0.   ,  2.   ], dtype=float32)
        >>> tape.gradient(y, x).numpy().round(3)
        array([0.368, 1.   , 1.   ], dtype=float32)

    Reference: Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by
    exponential linear units (ELUs), 2016, section 3.

    Deck: chapter 5, alternatives to the sigmoid.
    """
    x = float_tensor(x, "elu")
    α = float(alpha)

    @custom_gradient
    def forward(x) -> Any:
        e = tf.nn.elu(x)
        y = e if α == 1 else tf.where(e > 0, e, α * e)

        def grad(dy):
            # e is y before the scaling by α, and EluGrad is tf.where(e < 0, dy * (e + 1), dy).
            dy = dy if α == 1 else tf.where(e > 0, dy, α * dy)
            return tf.raw_ops.EluGrad(gradients=dy, outputs=e)

        return y, grad

    return forward(x)
