"""How a gradient is read, so that everything else computed from it keeps its bits."""

from typing import Any

import tensorflow as tf

from keras_course_ext._tracing import under_xla
from keras_course_ext.monitoring.capture.graph import (
    ADDITIONS,
    SAME_ELEMENTS,
    SHAPES,
    is_apart,
    is_over_broadcast_axes,
    source,
)


def dense_values(gradient: Any) -> tf.Tensor:
    """Return the values of a gradient, whether it is dense or an `IndexedSlices`."""
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


def with_rows_summed(gradient: Any) -> Any:
    """Return the values of a gradient, those of the same row of a table summed."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    if under_xla():  # XLA has no tf.unique, and knows the size of the table
        return tf.convert_to_tensor(gradient)
    rows, position = tf.unique(gradient.indices)
    return tf.math.unsorted_segment_sum(gradient.values, position, tf.size(rows))


def readable(x: tf.Tensor) -> tf.Tensor | None:
    """Return a gradient for reading, so that everything else computed from it keeps its bits.

    Grappler reorders products to multiply small factors first, lr (a b) into (lr a) b, but only if
    nothing else reads the product a b; the two differ in the last bit. A gradient that is such a
    product (that of BatchNormalization's gamma, say) is therefore not read but multiplied again
    from its factors, in float64, so that Grappler does not recognize the copy and merge it. The
    same holds for a sum of two, which Grappler joins with the sum that accumulates gradients over
    batches.

    AddN of three or more inputs begins with an input whose memory it may overwrite, and which one
    that is changes if the inputs have other readers. So a sum of three or more is read itself. If
    it goes into another sum, neither it nor its inputs can be read.

    Args:
        x: Any dense floating tensor, eager or of a graph.

    Returns:
        A tensor of the same elements; float32 or half precision, or float64. None if x cannot be
        read, but has to be computed again from tensors further back.
    """
    if tf.executing_eagerly():
        return x
    if not can_read(x):
        return None
    beginning = _without_empty_sums(x)
    if beginning.op.type == "Mul":
        product, *others = [tf.cast(factor, tf.float64) for factor in _factors(beginning)]
        for factor in others:
            product *= factor
        return product
    if beginning.op.type in ADDITIONS and _terms_before(beginning.op) == 2:
        return tf.add_n([tf.cast(part, tf.float64) for part in beginning.op.inputs])
    return x


def can_read(x: tf.Tensor) -> bool:
    """Say whether `readable` finds a way to read a gradient."""
    beginning = _without_empty_sums(x)
    return beginning.op.type == "Mul" or not is_term_of_a_long_sum(beginning)


def is_term_of_a_long_sum(x: tf.Tensor) -> bool:
    """Say whether all that reads x are additions, at least one of them of three terms or more."""
    additions, others = _readers(x)
    return bool(additions) and not others and max(map(_terms, additions)) > 2


def _factors(x: tf.Tensor) -> list[tf.Tensor]:
    if x.op.type != "Mul":
        return [x]
    return [factor for side in x.op.inputs for factor in _factors(side)]


def _without_empty_sums(x: tf.Tensor) -> tf.Tensor:
    """Return the tensor that Grappler puts in the place of x: before sums over no axis."""
    shape = x.shape  # that of the sum itself is unknown, because its axes are
    while True:
        x = source(x).deref()
        if not is_over_broadcast_axes(x.op):
            return x
        summed = x.op.inputs[0]
        if None in (shape.rank, summed.shape.rank) or shape.as_list() != summed.shape.as_list():
            return x
        x = summed


def _readers(x: tf.Tensor) -> tuple[list[tf.Operation], list[tf.Operation]]:
    """Return the additions that read the elements of x, and what else in the step reads them."""
    additions, others = [], []
    for op in x.consumers():
        if op.type in ADDITIONS:
            additions.append(op)
        elif op.type in SAME_ELEMENTS or is_over_broadcast_axes(op):
            outputs = [op.outputs[i] for i, y in enumerate(op.inputs[: len(op.outputs)]) if y is x]
            for same in outputs:
                more, rest = _readers(same)
                additions += more
                others += rest
        elif op.type not in SHAPES and not is_apart(op):
            others.append(op)
    return list(dict.fromkeys(additions)), others  # x + x reads x twice


def _terms(addition: tf.Operation) -> int:
    """Return how many terms an addition has, with all the additions that Grappler joins it with."""
    while True:
        additions, others = _readers(addition.outputs[0])
        if len(additions) != 1 or others:
            return _terms_before(addition)
        addition = additions[0]


def _terms_before(addition: tf.Operation) -> int:
    n = 0
    for part in map(_without_empty_sums, addition.inputs):
        additions, others = _readers(part)
        joined = part.op.type in ADDITIONS and len(additions) == 1 and not others
        n += _terms_before(part.op) if joined else 1
    return n
