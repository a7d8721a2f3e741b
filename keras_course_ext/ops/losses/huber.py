"""The Huber loss, squared near the target and linear far from it."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops.losses._inputs import paired


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> tf.Tensor:
    """Huber loss of each sample.

        E       = 1/n Σᵢ h(eᵢ)        with eᵢ = aᵢ − tᵢ
        h(e)    = e²/2                if |e| ≤ δ
                = δ |e| − δ²/2        else
        ∂E/∂aᵢ  = 1/n min(max(eᵢ, −δ), δ)

    over the n outputs of a sample. The gradient is that of half the squared error, clipped to ±δ:
    an outlier contributes no larger gradient than an error of δ.

    Args:
        y_true: t, targets of shape `(batch, ..., n)`.
        y_pred: a, predictions of the same shape, floating point.
        delta: δ, a number above 0, the error at which h turns from squared to linear. Defaults to
            1.

    Returns:
        E, a tensor of shape `(batch, ...)`: the mean is over the last axis.

    Raises:
        TypeError: If `y_pred` is not a dense floating-point tensor.
        ValueError: If the shapes differ, or `delta` is not a number above 0.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> a = tf.constant([[0.5, 9.0]])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(a)
        ...     e = kce.ops.huber([[0.0, 0.0]], a)
        >>> e.numpy(), tape.gradient(e, a).numpy()
        (array([4.3125], dtype=float32), array([[0.25, 0.5 ]], dtype=float32))

    Differs from Keras:
        Shapes that differ are refused; Keras broadcasts. An infinite error has gradient ±δ/n, and
        an infinite `delta` gives half the mean squared error; Keras's gradient is NaN in both. A
        `delta` of 0 or less is refused.

    Reference: Huber, Robust Estimation of a Location Parameter, Annals of Mathematical Statistics
    35 (1964), 73-101.
    """
    return _huber(checked_delta(delta))(*paired(y_true, y_pred, "huber"))


def checked_delta(delta: float) -> float:
    """`delta`, or a ValueError unless it is a number above 0."""
    if isinstance(delta, bool) or not isinstance(delta, Real) or not delta > 0:
        raise ValueError(
            f"`delta` of `huber` must be a number above 0. Received: delta={delta!r}. Write, for "
            "example, 1.0: the error beyond which a target is treated as an outlier."
        )
    return float(delta)


def _huber(δ: float) -> Callable:
    @custom_gradient
    def forward(t, a) -> Any:
        n = tf.cast(tf.shape(a)[-1], a.dtype)
        e = a - t
        c = tf.clip_by_value(e, -δ, δ)

        def grad(dE):
            da = tf.expand_dims(dE, -1) * c / n
            return -da, da

        # With c = e it is e²/2, with c = ±δ it is δ |e| - δ²/2, and nothing overflows on the way.
        return tf.reduce_mean(c * (e - c / 2), axis=-1), grad

    return forward
