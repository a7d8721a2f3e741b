"""Gradients of a table of which only some rows were used, such as an Embedding's."""

from typing import Any

import tensorflow as tf

from keras_course_ext._tracing import under_xla


def summed_rows(gradient: Any, dense: bool = True) -> Any:
    """Sums the rows of a sparse gradient that belong to the same row of the variable.

    The gradient of a look-up lists one row per look-up, so a row that was looked up twice is
    listed twice: dL/dW[i] = Σ of the listed rows whose index is i. Adaptive rules square the
    gradient, and the square of a sum is not the sum of the squares, so the rows must be summed
    before a rule sees them, and before a norm is taken of them.

    Args:
        gradient: A tensor, `None`, or a `tf.IndexedSlices` of values `(look-ups, ...)`.
        dense: Whether to return a dense tensor of the variable's shape, the rows not listed 0;
            otherwise a `tf.IndexedSlices` in which each row is listed once. Defaults to True.

    Returns:
        The sums; a tensor or `None` unchanged.

    Raises:
        ValueError: If the `tf.IndexedSlices` doesn't know the shape of its variable.
    """
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    if gradient.dense_shape is None:
        raise ValueError(
            "A sparse gradient must know the shape of its variable, but this tf.IndexedSlices has "
            "dense_shape=None. Write `tf.IndexedSlices(values, indices, "
            "dense_shape=variable.shape)`."
        )
    rows = gradient.dense_shape[0]
    if dense:
        return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, num_segments=rows)
    n = tf.size(gradient.indices)
    order = tf.argsort(gradient.indices, stable=True)
    listed = tf.gather(gradient.indices, order)
    begins = tf.concat([tf.ones([1], tf.int32), tf.cast(listed[1:] != listed[:-1], tf.int32)], 0)
    group = tf.cumsum(begins[:n]) - 1
    sums = tf.math.unsorted_segment_sum(tf.gather(gradient.values, order), group, n)
    groups = tf.reduce_sum(begins[:n])
    indices = tf.math.unsorted_segment_max(listed, group, n)
    if under_xla():
        # XLA needs a static size. The unused places get an index behind the last row of the
        # table, and XLA drops writes out of bounds.
        left_over = tf.range(n) >= groups
        indices = tf.where(left_over, tf.cast(rows, indices.dtype), indices)
        return tf.IndexedSlices(sums, indices, gradient.dense_shape)
    return tf.IndexedSlices(sums[:groups], indices[:groups], gradient.dense_shape)
