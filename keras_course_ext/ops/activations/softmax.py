"""Softmax, the activation of an output layer that classifies."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor
from keras_course_ext.ops.activations._axes import axes_of


def softmax(x: Any, axis: int | Sequence[int] | None = -1) -> tf.Tensor:
    """Softmax: converts scores to probabilities that sum to 1.

        yᵢ       = e^xᵢ / Σⱼ e^xⱼ
        ∂yᵢ/∂xⱼ  = yᵢ (δᵢⱼ − yⱼ)          so dx = y · (dy − Σⱼ dyⱼ yⱼ)

    The derivative is computed from the output y. Its entries lie in [−1/4, 1/4]; all of them are 0
    where one yᵢ is 1. A softmax over a single unit is always 1, with derivative exactly 0. Followed
    by cross-entropy, the product of the two derivatives is y − t.

    Args:
        x: Floating-point tensor of rank 1 or higher.
        axis: The axis, or several, along which the probabilities sum to 1. Each in
            [−rank, rank). None for all. Defaults to −1.

    Returns:
        A tensor of the shape and dtype of `x`, with values in [0, 1].

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.
        ValueError: If `axis` is not an axis of `x`.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([0.0, 1.0, 3.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.softmax(x)
        >>> y.numpy().round(3)
        array([0.042, 0.114, 0.844], dtype=float32)
        >>> tape.jacobian(y, x).numpy().round(3)[0]
        array([ 0.04 , -0.005, -0.035], dtype=float32)

    Deck: chapter 1, `activation='softmax'` in the output layer.
    """
    x = float_tensor(x, "softmax")
    axes = axes_of(axis, x.shape.rank, "softmax")

    @custom_gradient
    def forward(x) -> Any:
        if axes and len(axes) == 1:
            y = tf.nn.softmax(x, axis=axes[0])
        else:
            e = tf.exp(x - tf.stop_gradient(tf.reduce_max(x, axis=axes, keepdims=True)))
            y = e / tf.reduce_sum(e, axis=axes, keepdims=True)

        def grad(dy):
            return softmax_back(y, dy, axes)

        return y, grad

    return forward(x)


def softmax_back(y: tf.Tensor, dy: tf.Tensor, axes: Sequence[int] | int | None = -1) -> tf.Tensor:
    """Return dx, from y = softmax(x) and dy."""
    return y * (dy - tf.reduce_sum(dy * y, axis=axes, keepdims=True))
