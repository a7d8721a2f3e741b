"""Half the squared error, the deck's loss."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops.losses._inputs import paired


def half_squared_error(y_true: Any, y_pred: Any) -> tf.Tensor:
    """Half the squared error of each sample.

        E       = 1/2 Σᵢ (tᵢ − aᵢ)²
        ∂E/∂aᵢ  = aᵢ − tᵢ

    over the n outputs of a sample. The 1/2 cancels the 2 of the derivative: the gradient is the
    error itself. For two outputs E is the mean of the two squares as well, so that it equals
    `mean_squared_error`; for n outputs it is n/2 times that.

    Args:
        y_true: t, targets of shape `(batch, ..., n)`.
        y_pred: a, predictions of the same shape, floating point.

    Returns:
        E, a tensor of shape `(batch, ...)`: the sum is over the last axis.

    Raises:
        TypeError: If `y_pred` is not a dense floating-point tensor.
        ValueError: If the shapes differ.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> a = tf.constant([[0.5, 1.0]])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(a)
        ...     e = kce.ops.half_squared_error([[0.0, 1.0]], a)
        >>> e.numpy(), tape.gradient(e, a).numpy()
        (array([0.125], dtype=float32), array([[0.5, 0. ]], dtype=float32))

    Differs from Keras:
        Keras has no such loss.

    Deck: chapter 4, E = E₁ + E₂ with E₁ = 1/2 (t₁ − a₁)².
    """
    return _half_squared_error(*paired(y_true, y_pred, "half_squared_error"))


@custom_gradient
def _half_squared_error(t, a) -> Any:
    error = a - t

    def grad(dE):
        da = tf.expand_dims(dE, -1) * error
        return -da, da

    return tf.reduce_sum(tf.square(error), axis=-1) / 2, grad
