"""Categorical cross-entropy with the true class given by its number."""

from numbers import Integral
from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops.losses._inputs import (
    checked_axis,
    clipping_epsilon,
    predictions,
    targets,
)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> tf.Tensor:
    """Categorical cross-entropy of each sample, for class numbers.

        E       = −ln p_t
        ∂E/∂pₖ  = 1/Σⱼ pⱼ − δₖₜ / pₖ
        ∂E/∂zₖ  = pₖ − δₖₜ          where p = softmax(z)

    with t the number of the true class and δₖₜ 1 for k = t, else 0. From probabilities p is
    first clipped to [ε, 1 − ε], ε = `keras.config.epsilon()`, then divided by its sum; what is
    clipped has gradient 0.

    Args:
        y_true: t, class numbers in [0, classes), of shape `(batch, ...)` or `(batch, ..., 1)`.
            Floating-point numbers are cut to integers.
        y_pred: p or z, predictions of shape `(batch, ..., classes)`, floating point.
        from_logits: Whether `y_pred` is z. Defaults to False: it is p.
        ignore_class: The number of a class, often −1 or 255, whose samples have E = 0 and gradient
            0 whatever is predicted. Defaults to None: there is none.
        axis: The axis of the classes, which must be the last. Defaults to −1.

    Returns:
        E, a tensor of shape `(batch, ...)`.

    Raises:
        TypeError: If `y_pred` is not a dense floating-point tensor.
        ValueError: If the shapes do not fit, `axis` is not the last, or `ignore_class` is neither
            an integer nor None.
        tf.errors.InvalidArgumentError: If a class number is out of range. Under XLA, which
            cannot raise, its E is NaN.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> z = tf.constant([[0.0, 0.0, 100.0]])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(z)
        ...     e = kce.ops.sparse_categorical_crossentropy([0], z, from_logits=True)
        >>> e.numpy(), tape.gradient(e, z).numpy()
        (array([100.], dtype=float32), array([[-1.,  0.,  1.]], dtype=float32))

    Differs from Keras:
        The result has no mask of the ignored samples; `kce.losses.SparseCategoricalCrossentropy`
        leaves them out of a mean. They have E = 0 and gradient 0 even if their prediction is NaN.
        This function does not look for the logits of a softmax;
        `kce.losses.SparseCategoricalCrossentropy` does.
    """
    name = "sparse_categorical_crossentropy"
    y = predictions(y_pred, name)
    t = tf.cast(targets(y_true, name), tf.int64)
    if checked_axis(axis, y, name) != y.shape.rank - 1:
        raise ValueError(
            f"`{name}` needs the classes on the last axis. Received: axis={axis}, y_pred of shape "
            f"{y.shape}. Write `keras.ops.moveaxis(y_pred, {axis}, -1)`."
        )
    if t.shape.rank == y.shape.rank and t.shape[-1] == 1:
        t = tf.squeeze(t, axis=-1)
    if not t.shape.is_compatible_with(y.shape[:-1]):
        raise ValueError(
            f"`{name}` needs one class number per row of y_pred. Received: y_true of shape "
            f"{t.shape} and y_pred of shape {y.shape}. For one-hot targets use "
            "categorical_crossentropy."
        )
    ignored = ignored_samples(t, ignore_class)
    if ignored is not None:
        # Both are replaced before anything is computed, because the prediction may be NaN.
        t = tf.where(ignored, tf.zeros_like(t), t)
        y = tf.where(tf.expand_dims(ignored, -1), tf.zeros_like(y), y)
    classes = tf.shape(y, out_type=tf.int64)[-1]
    tf.debugging.assert_non_negative(t, f"`{name}`: a class number in y_true is negative")
    tf.debugging.assert_less(
        t, classes, f"`{name}`: a class number in y_true is not below the number of classes"
    )
    δ = tf.one_hot(t, tf.shape(y)[-1], dtype=y.dtype)
    e = (_from_logits if from_logits else _from_probabilities)(δ, y)
    in_range = (t >= 0) & (t < classes)
    e = tf.where(in_range, e, tf.constant(float("nan"), e.dtype))
    return e if ignored is None else tf.where(ignored, tf.zeros_like(e), e)


def ignored_samples(y_true: Any, ignore_class: int | None) -> tf.Tensor | None:
    """Which class numbers are those of `ignore_class`, or None if there is no such class."""
    if ignore_class is None:
        return None
    if isinstance(ignore_class, bool) or not isinstance(ignore_class, Integral):
        raise ValueError(
            "`ignore_class` of `sparse_categorical_crossentropy` must be None or the number of a "
            f"class. Received: ignore_class={ignore_class!r}. Write, for example, -1."
        )
    return tf.equal(tf.cast(y_true, tf.int64), ignore_class)


@custom_gradient
def _from_logits(δ, z) -> Any:
    log_p = tf.nn.log_softmax(z)

    def grad(dE):
        # No gradient for δ: it comes from integers.
        return None, tf.expand_dims(dE, -1) * (tf.exp(log_p) - δ)

    return -tf.reduce_sum(tf.math.multiply_no_nan(log_p, δ), axis=-1), grad


@custom_gradient
def _from_probabilities(δ, p) -> Any:
    ε = clipping_epsilon(p.dtype)
    c = tf.clip_by_value(p, ε, 1 - ε)
    s = tf.reduce_sum(c, axis=-1, keepdims=True)

    def grad(dE):
        inside = tf.cast((p >= ε) & (p <= 1 - ε), p.dtype)
        return None, tf.expand_dims(dE, -1) * inside * (1 / s - δ / c)

    return tf.math.log(tf.squeeze(s, -1)) - tf.reduce_sum(δ * tf.math.log(c), axis=-1), grad
