"""Reading a tensor of a graph without changing how TensorFlow optimizes the graph."""

from typing import Any

import tensorflow as tf

from keras_course_ext._tracing import under_xla

_SUMS = {"Add", "AddV2", "AddN"}


def beside(x: tf.Tensor) -> tf.Tensor:
    """Return x for reading, so that what else is computed from x keeps its bits.

    TensorFlow's graph optimizer reorders products to multiply small factors first, lr (a b) into
    (lr a) b, but only as long as nothing else reads the product a b; the two differ in the last
    bit. A gradient that is such a product (of BatchNormalization's gamma, say) is therefore not
    read but multiplied again from its factors, in float64, so that the copy is not recognized as
    one and merged. So are the sums of several gradients of a shared weight, which it would join
    with the sum that accumulates gradients over batches.

    A sum of three or more begins with the part whose memory it may overwrite, and which that is
    depends, if its parts are read, on whether they have been read already. So such a sum is itself
    read, unless it goes into another one.

    Args:
        x: Any dense floating tensor, eager or of a graph.

    Returns:
        A tensor of the same values and shape; float32 or half precision, or float64.
    """
    if tf.executing_eagerly() or x.op.type not in ("Mul", "AddN"):
        return x
    if x.op.type == "AddN":
        if len(x.op.inputs) > 2 and not any(op.type in _SUMS for op in x.consumers()):
            return x
        return tf.add_n([tf.cast(part, tf.float64) for part in x.op.inputs])
    product, *others = [tf.cast(factor, tf.float64) for factor in _factors(x)]
    for factor in others:
        product *= factor
    return product


def _factors(x: tf.Tensor) -> list[tf.Tensor]:
    if x.op.type != "Mul":
        return [x]
    return [factor for side in x.op.inputs for factor in _factors(side)]


def dense_values(gradient: Any) -> tf.Tensor:
    """Return the values of a gradient, whether it is dense or rows."""
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


def summed_rows(gradient: Any) -> tf.Tensor:
    """Return the values of a gradient, those for the same row of an `IndexedSlices` summed."""
    if not isinstance(gradient, tf.IndexedSlices):
        return beside(gradient)
    if under_xla():  # XLA has no tf.unique, and knows the table's size
        return tf.convert_to_tensor(gradient)
    rows, position = tf.unique(gradient.indices)
    return tf.math.unsorted_segment_sum(gradient.values, position, tf.size(rows))
