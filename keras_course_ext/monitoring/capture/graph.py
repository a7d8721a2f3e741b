"""How Grappler and XLA treat a graph: reading tensors and running branches without changing it.

Grappler is TensorFlow's optimizer of graphs. What it does with an operation may depend on whether
anything else reads the operation's result, so a reader can change the last bits of the training.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_course_ext._tracing import under_xla

_SUMS = {"Add", "AddV2", "AddN"}
_SAME_ELEMENTS = {"Identity", "IdentityN", "Reshape", "Squeeze", "ExpandDims"}


def current_graph() -> Any:
    """Return the graph that is being traced, or None."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def source(x: tf.Tensor) -> Any:
    """Return a hashable name for the tensor whose elements x has, in whatever shape."""
    if tf.executing_eagerly():
        return id(x)
    while x.op.type in _SAME_ELEMENTS:
        x = x.op.inputs[x.value_index]
    return x.ref()


def readable(x: tf.Tensor) -> tf.Tensor:
    """Return x for reading, so that everything else computed from x keeps its bits.

    Grappler reorders products to multiply small factors first, lr (a b) into (lr a) b, but only if
    nothing else reads the product a b; the two differ in the last bit. A gradient that is such a
    product (that of BatchNormalization's gamma, say) is therefore not read but multiplied again
    from its factors, in float64, so that Grappler does not recognize the copy and merge it. The
    same holds for the sum of a shared weight's gradients, which Grappler joins with the sum that
    accumulates gradients over batches.

    AddN of three or more inputs begins with an input whose memory it may overwrite, and which one
    that is changes if the inputs have other readers. So its result is read, unless that goes into
    another sum.

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
    """Return the values of a gradient, whether it is dense or an `IndexedSlices`."""
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


def with_rows_summed(gradient: Any) -> tf.Tensor:
    """Return the values of a gradient, readable; those of the same row of a table are summed."""
    if not isinstance(gradient, tf.IndexedSlices):
        return readable(gradient)
    if under_xla():  # XLA has no tf.unique, and knows the size of the table
        return tf.convert_to_tensor(gradient)
    rows, position = tf.unique(gradient.indices)
    return tf.math.unsorted_segment_sum(gradient.values, position, tf.size(rows))


def run_if(condition: tf.Tensor | None, then: Callable, otherwise: Callable) -> Any:
    """Run `then`, under a condition if there is one."""
    return then() if condition is None else branch(condition, then, otherwise)


def branch(condition: tf.Tensor, then: Callable, otherwise: Callable) -> Any:
    """`tf.cond(condition, then, otherwise)`, kept as one operation.

    TensorFlow lowers a `cond` of a graph to one switch for each input, and a hundred switches cost
    more than a small layer. Kept as one operation it is one call of the branch that is taken. The
    attribute that says so is not public; without it the `cond` is lowered, which is only slower.
    """
    if tf.executing_eagerly():
        return tf.cond(condition, then, otherwise)
    graph: Any = tf.compat.v1.get_default_graph()
    before = len(graph.get_operations())
    result = tf.cond(condition, then, otherwise)
    for op in graph.get_operations()[before:]:
        if op.type in ("If", "StatelessIf") and hasattr(op, "_set_attr"):
            op._set_attr("_lower_using_switch_merge", tf.compat.v1.AttrValue(b=False))
    return result


def gate(condition: tf.Tensor, then: Callable, otherwise: Callable) -> Any:
    """`tf.cond(condition, then, otherwise)` that does not delay the step when it is false.

    A branch kept as one operation waits for all of its inputs, and keeps their memory until then.
    Here every input first meets a switch, which drops it at once when the condition is false;
    behind the switches `then` is kept as one operation.
    """
    if tf.executing_eagerly() or under_xla():
        return tf.cond(condition, then, otherwise)
    return tf.cond(condition, lambda: branch(tf.identity(condition), then, otherwise), otherwise)
