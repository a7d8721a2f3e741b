"""Categorical cross-entropy, the loss of a choice among classes."""

import warnings
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


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> tf.Tensor:
    """Categorical cross-entropy of each sample, for one-hot or soft targets.

        E       = −Σₖ tₖ ln pₖ
        ∂E/∂pₖ  = −tₖ / pₖ
        ∂E/∂zₖ  = pₖ − tₖ          where p = softmax(z) and Σₖ tₖ = 1

    over the classes k. From logits z the product of the two derivatives is p − t, which is not
    small where a saturated output is wrong. From probabilities p is first divided by its sum and
    clipped to [ε, 1 − ε], ε = `keras.config.epsilon()`; what is clipped has gradient 0.

    Args:
        y_true: t, targets of shape `(batch, ..., classes)`.
        y_pred: p or z, predictions of the same shape, floating point.
        from_logits: Whether `y_pred` is z. Defaults to False: it is p.
        label_smoothing: α, a number in [0, 1]; t becomes (1 − α) t + α / classes. Defaults to 0.
        axis: The axis of the classes. Defaults to −1.

    Returns:
        E, a tensor of the shape of `y_pred` without `axis`.

    Raises:
        TypeError: If `y_pred` is not a dense floating-point tensor.
        ValueError: If the shapes differ, or an option is out of range.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> z = tf.constant([[0.0, 0.0, 100.0]])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(z)
        ...     e = kce.ops.categorical_crossentropy([[1.0, 0.0, 0.0]], z, from_logits=True)
        >>> e.numpy(), tape.gradient(e, z).numpy()
        (array([100.], dtype=float32), array([[-1.,  0.,  1.]], dtype=float32))

    Differs from Keras:
        Where targets do not sum to 1, the gradient is the true one, pₖ Σⱼ tⱼ − tₖ. Label smoothing
        counts the classes along `axis`, not along the last axis. A class with logit −∞ and target 0
        adds 0, not NaN. This function does not look for the logits of a softmax;
        `kce.losses.CategoricalCrossentropy` does.

    Deck: chapter 1, `loss='categorical_crossentropy'`.
    """
    name = "categorical_crossentropy"
    t, y = paired(y_true, y_pred, name)
    axis = checked_axis(axis, y, name)
    α = checked_smoothing(label_smoothing, name)
    if y.shape[axis] == 1:
        warnings.warn(
            f"{name} over a single class (y_pred of shape {y.shape}, axis={axis}) has gradient "
            "exactly 0: nothing is learned. Use binary_crossentropy with a sigmoid instead.",
            SyntaxWarning,
            stacklevel=2,
        )
    if α:
        t = (1 - α) * t + α / tf.cast(tf.shape(y)[axis], y.dtype)
    forward = _from_logits(axis) if from_logits else _from_probabilities(axis)
    return forward(t, y)


def _from_logits(axis: int) -> Callable:
    @custom_gradient
    def forward(t, z) -> Any:
        log_p = tf.nn.log_softmax(z, axis=axis)
        # Where t is 0 the term is 0, even if p is 0 too.
        e = -tf.reduce_sum(tf.math.multiply_no_nan(log_p, t), axis=axis)

        def grad(dE):
            dE = tf.expand_dims(dE, axis)
            dz = dE * (tf.exp(log_p) * tf.reduce_sum(t, axis=axis, keepdims=True) - t)
            return -dE * log_p, dz

        return e, grad

    return forward


def _from_probabilities(axis: int) -> Callable:
    @custom_gradient
    def forward(t, p) -> Any:
        ε = clipping_epsilon(p.dtype)
        s = tf.reduce_sum(p, axis=axis, keepdims=True)
        q = p / s
        c = tf.clip_by_value(q, ε, 1 - ε)
        e = -tf.reduce_sum(t * tf.math.log(c), axis=axis)

        def grad(dE):
            dE = tf.expand_dims(dE, axis)
            inside = tf.cast((q >= ε) & (q <= 1 - ε), p.dtype)
            # With q = p / s and s = Σ p, ∂qⱼ/∂pₖ = (δⱼₖ − qⱼ) / s, and dq = −t / q where q is not
            # clipped.
            dp = dE * (tf.reduce_sum(inside * t, axis=axis, keepdims=True) - inside * t / c) / s
            return -dE * tf.math.log(c), dp

        return e, grad

    return forward
