"""Binary cross-entropy, the loss of yes-or-no questions."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops.losses._inputs import (
    checked_axis,
    checked_smoothing,
    clipping_epsilon,
    paired,
)


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> tf.Tensor:
    """Binary cross-entropy of each sample.

        E       = −1/n Σᵢ [tᵢ ln pᵢ + (1 − tᵢ) ln(1 − pᵢ)]
        ∂E/∂pᵢ  = 1/n (pᵢ − tᵢ) / (pᵢ (1 − pᵢ))
        ∂E/∂zᵢ  = 1/n (pᵢ − tᵢ)          where p = σ(z)

    over the n outputs of a sample. From logits z the factor σ' = p (1 − p) cancels: the gradient is
    not small where a saturated output is wrong. From probabilities p is first clipped to [ε, 1 −
    ε], ε = `keras.config.epsilon()`; beyond, E is constant and its gradient 0.

    Args:
        y_true: t, targets in [0, 1], of shape `(batch, ..., n)`.
        y_pred: p or z, predictions of the same shape, floating point.
        from_logits: Whether `y_pred` is z. Defaults to False: it is p.
        label_smoothing: α, a number in [0, 1]; t is moved towards 1/2 as (1 − α) t + α/2. Defaults
            to 0.
        axis: The axis over which the mean is taken. Defaults to −1.

    Returns:
        E, a tensor of the shape of `y_pred` without `axis`.

    Raises:
        TypeError: If `y_pred` is not a dense floating-point tensor.
        ValueError: If the shapes differ, or an option is out of range.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> z = tf.constant([[-100.0, 100.0]])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(z)
        ...     e = kce.ops.binary_crossentropy([[1.0, 1.0]], z, from_logits=True)
        >>> e.numpy(), tape.gradient(e, z).numpy()
        (array([50.], dtype=float32), array([[-0.5,  0. ]], dtype=float32))

    Differs from Keras:
        Infinite logits on the right side give 0, not NaN. In float16 and bfloat16 ε is 2⁻¹¹ and
        2⁻⁸, as 1 − 1e-7 would round to 1. This function does not look for the logits of a sigmoid;
        `kce.losses.BinaryCrossentropy` does.

    Deck: chapter 2, from logistic regression to the perceptron.
    """
    name = "binary_crossentropy"
    t, y = paired(y_true, y_pred, name)
    axis = checked_axis(axis, y, name)
    α = checked_smoothing(label_smoothing, name)
    if α:
        t = (1 - α) * t + α / 2
    forward = _from_logits(axis) if from_logits else _from_probabilities(axis)
    return forward(t, y)


def _from_logits(axis: int) -> Callable:
    @custom_gradient
    def forward(t, z) -> Any:
        n = tf.cast(tf.shape(z)[axis], z.dtype)
        # ln p = -softplus(-z) and ln(1 - p) = -softplus(z), so that p cannot round to 0 or 1. With
        # a target of 0 or 1 the other term counts 0, even if it is infinite.
        e = tf.math.multiply_no_nan(tf.math.softplus(-z), t)
        e += tf.math.multiply_no_nan(tf.math.softplus(z), 1 - t)

        def grad(dE):
            dE = tf.expand_dims(dE, axis)
            return -dE * z / n, dE * (tf.math.sigmoid(z) - t) / n

        return tf.reduce_mean(e, axis), grad

    return forward


def _from_probabilities(axis: int) -> Callable:
    @custom_gradient
    def forward(t, p) -> Any:
        n = tf.cast(tf.shape(p)[axis], p.dtype)
        ε = clipping_epsilon(p.dtype)
        c = tf.clip_by_value(p, ε, 1 - ε)
        e = -(t * tf.math.log(c) + (1 - t) * tf.math.log(1 - c))

        def grad(dE):
            dE = tf.expand_dims(dE, axis)
            inside = tf.cast((p >= ε) & (p <= 1 - ε), p.dtype)
            dp = dE * inside * (c - t) / (c * (1 - c)) / n
            dt = dE * (tf.math.log(1 - c) - tf.math.log(c)) / n
            return dt, dp

        return tf.reduce_mean(e, axis), grad

    return forward
