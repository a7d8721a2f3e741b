"""Mean squared error."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops.losses._inputs import paired


def mean_squared_error(y_true: Any, y_pred: Any) -> tf.Tensor:
    """Mean squared error of each sample.

        E       = 1/n Σᵢ (tᵢ − aᵢ)²
        ∂E/∂aᵢ  = 2/n (aᵢ − tᵢ)

    over the n outputs of a sample. The gradient grows with the distance from the target and is 0
    only at the target.

    Args:
        y_true: t, targets of shape `(batch, ..., n)`.
        y_pred: a, predictions of the same shape, floating point.

    Returns:
        E, a tensor of shape `(batch, ...)`: the mean is over the last axis.

    Raises:
        TypeError: If `y_pred` is not a dense floating-point tensor.
        ValueError: If the shapes differ.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> a = tf.constant([[0.5, 1.0]])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(a)
        ...     e = kce.ops.mean_squared_error([[0.0, 1.0]], a)
        >>> e.numpy(), tape.gradient(e, a).numpy()
        (array([0.125], dtype=float32), array([[0.5, 0. ]], dtype=float32))

    Differs from Keras:
        Shapes that differ, such as `(batch, 1)` and `(batch, 3)`, are refused; Keras broadcasts.

    Deck: chapter 4, E = 1/n Σ (tᵢ − aᵢ)².
    """
    return _mean_squared_error(*paired(y_true, y_pred, "mean_squared_error"))


@custom_gradient
def _mean_squared_error(t, a) -> Any:
    n = tf.cast(tf.shape(a)[-1], a.dtype)
    error = a - t

    def grad(dE):
        da = tf.expand_dims(dE, -1) * 2 * error / n
        return -da, da

    return tf.reduce_mean(tf.square(error), axis=-1), grad
