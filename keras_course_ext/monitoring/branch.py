"""`tf.cond` that costs next to nothing while its condition does not hold."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_course_ext._tracing import under_xla


def branch(condition: tf.Tensor, then: Callable, otherwise: Callable) -> Any:
    """`tf.cond(condition, then, otherwise)`, kept together as one operation.

    TensorFlow takes a `cond` of a graph apart into a switch for every tensor that goes in, and a
    hundred switches are dearer than a small layer. Kept whole, it is one call of the branch that
    is taken. The attribute that says so is not public; without it, the cond is taken apart.
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
    """`tf.cond(condition, then, otherwise)` that holds nothing up where it is passed by.

    A branch that is kept whole starts when all that goes in is there and a thread is free to run
    it, and keeps what goes in until then. Here what goes in meets a switch each, which lets go of
    it at once, and behind the switches `then` is kept whole.
    """
    if tf.executing_eagerly() or under_xla():
        return tf.cond(condition, then, otherwise)
    return tf.cond(condition, lambda: branch(tf.identity(condition), then, otherwise), otherwise)
