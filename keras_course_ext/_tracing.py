"""What kind of function is being traced."""

import contextlib
from collections.abc import Iterable
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops


def under_xla() -> bool:
    """Says whether a `tf.function` with `jit_compile=True` is being traced.

    There is no public way to ask. Without the private one every graph counts as plain, and the
    kernels and clusters of the engine become part of the whole: right, if not as fast.
    """
    graph: Any = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    while graph is not None:
        context = getattr(graph, "_get_control_flow_context", lambda: None)()
        if context is not None and context.IsXLAContext():
            return True
        graph = getattr(graph, "outer_graph", None)
    return False


def custom_gradients() -> set[str]:
    """Return the names under which TensorFlow registered the custom gradients in this graph."""
    if tf.executing_eagerly():
        return set()
    found: set[str] = set()
    for op in tf.compat.v1.get_default_graph().get_operations():
        # What a function with a custom gradient returns comes out of such an operation.
        if op.type == "IdentityN":
            with contextlib.suppress(ValueError):
                found.add(op.get_attr("_gradient_op_type").decode())
    return found


def forget_gradients(names: Iterable[str]) -> None:
    """Drop custom gradients of graphs that nobody will differentiate any more.

    TensorFlow keeps every custom gradient that was ever traced, and with it the whole graph. There
    is no public way to take one back; without the private one, each such graph stays in memory.
    """
    registry = getattr(getattr(ops, "_gradient_registry", None), "_registry", {})
    for name in names:
        registry.pop(name, None)


def in_plain_graph() -> bool:
    """Says whether a graph for one device is being traced, and not one that XLA compiles whole."""
    return not tf.executing_eagerly() and not tf.distribute.has_strategy() and not under_xla()
