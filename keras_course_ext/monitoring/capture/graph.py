"""How Grappler and XLA treat a graph: reading tensors and running branches without changing it.

Grappler is TensorFlow's optimizer of graphs. What it does with an operation may depend on whether
anything else reads the operation's result, so a reader can change the last bits of the training.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import tensorflow as tf

from keras_course_ext._tracing import under_xla

ADDITIONS = {"Add", "AddV2", "AddN"}
SHAPES = {"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike", "BroadcastGradientArgs"}
"""Operations that read the shape of their input, or nothing that is left after Grappler."""

SAME_ELEMENTS = {
    "Identity",
    "IdentityN",
    "StopGradient",
    "PreventGradient",
    "Reshape",
    "Squeeze",
    "ExpandDims",
}


def current_graph() -> Any:
    """Return the graph that is being traced, or None."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def apart() -> AbstractContextManager:
    """Return a context whose operations Grappler does not merge with those of the step.

    It merges equal constants under the name of one of them, and sorts the factors of a product by
    name: lr (w c) became (lr c) w because the monitor had a constant equal to c. Operations with
    different attributes are not merged; XLA never compiles these apart from the step anyway.
    """
    if tf.executing_eagerly() or under_xla():
        return nullcontext()
    return tf.xla.experimental.jit_scope(compile_ops=False)


def source(x: tf.Tensor) -> Any:
    """Return a hashable name for the tensor whose elements x has, in whatever shape."""
    if tf.executing_eagerly():
        return id(x)
    while x.op.type in SAME_ELEMENTS:
        x = x.op.inputs[x.value_index]
    return x.ref()


def is_over_broadcast_axes(op: tf.Operation) -> bool:
    """Say whether an operation sums over the axes that a broadcast added, if any did."""
    return op.type == "Sum" and op.inputs[1].op.type == "BroadcastGradientArgs"


def is_apart(op: tf.Operation) -> bool:
    """Say whether an operation was made in the context `apart`."""
    return "_XlaCompile" in op.node_def.attr


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
    result = tf.cond(condition, _apart(then), _apart(otherwise))
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
    return tf.cond(
        condition,
        _apart(lambda: branch(tf.identity(condition), then, otherwise)),
        _apart(otherwise),
    )


def _apart(function: Callable) -> Callable:
    def called() -> Any:
        with apart():
            return function()

    return called
