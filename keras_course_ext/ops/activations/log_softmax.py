"""The logarithm of softmax."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor
from keras_course_ext.ops.activations._axes import axes_of
from keras_course_ext.ops.activations.softmax import softmax


def log_softmax(x: Any, axis: int | Sequence[int] | None = -1) -> tf.Tensor:
    """Log-softmax: converts scores to the logarithms of probabilities that sum to 1.

        yᵢ       = xᵢ − ln Σⱼ e^xⱼ
        ∂yᵢ/∂xⱼ  = δᵢⱼ − e^yⱼ          so dx = dy − e^y Σⱼ dyⱼ

    The derivative is computed from the output y. Its entries lie in [−1, 1]; in the limit where one
    probability is 1 those of that yᵢ are 0, but those of the others are not: unlike with softmax, a
    confident wrong prediction still has a gradient.

    Args:
        x: Floating-point tensor of rank 1 or higher.
        axis: The axis, or several, along which the probabilities sum to 1. Each in
            [−rank, rank). None for all. Defaults to −1.

    Returns:
        A tensor of the shape and dtype of `x`, with values in [−∞, 0].

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.
        ValueError: If `axis` is not an axis of `x`.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([0.0, 1.0, 3.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.log_softmax(x)
        >>> y.numpy().round(3)
        array([-3.17, -2.17, -0.17], dtype=float32)
        >>> tape.jacobian(y, x).numpy().round(3)[0]
        array([ 0.958, -0.114, -0.844], dtype=float32)
    """
    x = float_tensor(x, "log_softmax")
    axes = axes_of(axis, x.shape.rank, "log_softmax")

    @custom_gradient
    def forward(x) -> Any:
        if axes and len(axes) == 1:
            y = tf.nn.log_softmax(x, axis=axes[0])
        else:
            y = x - tf.reduce_logsumexp(x, axis=axes, keepdims=True)

        def grad(dy):
            if axes and len(axes) == 1:
                return log_softmax_back(y, dy, axes)
            # e^y loses digits where y is far below 0; softmax itself does not.
            return dy - softmax(x, axes) * tf.reduce_sum(dy, axis=axes, keepdims=True)

        return y, grad

    return forward(x)


def log_softmax_back(y: tf.Tensor, dy: tf.Tensor, axes: Sequence[int] | int = -1) -> tf.Tensor:
    """Return dx, from y = log_softmax(x) over one axis and dy, as TensorFlow's kernel does."""
    return dy - tf.exp(y) * tf.reduce_sum(dy, axis=axes, keepdims=True)
