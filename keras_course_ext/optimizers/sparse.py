"""Gradients of a table of which only some rows were used, such as an Embedding's."""

from typing import Any

import tensorflow as tf


def summed_rows(gradient: Any) -> Any:
    """Sums the rows of a sparse gradient that belong to the same row of the variable.

    The gradient of a look-up lists one row per look-up, and a row that was looked up twice stands
    in it twice: dL/dW[i] = Σ of the listed rows whose index is i. Adaptive rules square the
    gradient, and the square of a sum is not the sum of the squares, so the rows must be summed
    before a rule sees them, and before a norm is taken of them.

    Args:
        gradient: A tensor, `None`, or a `tf.IndexedSlices` of values `(look-ups, ...)`.

    Returns:
        A dense tensor of the variable's shape; anything else than `tf.IndexedSlices` as it is.

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
    return tf.math.unsorted_segment_sum(
        gradient.values, gradient.indices, num_segments=gradient.dense_shape[0]
    )
