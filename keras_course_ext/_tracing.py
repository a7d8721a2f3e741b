"""What kind of function is being traced."""

from typing import Any

import tensorflow as tf


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


def in_plain_graph() -> bool:
    """Says whether a graph for one device is being traced, and not one that XLA compiles whole."""
    return not tf.executing_eagerly() and not tf.distribute.has_strategy() and not under_xla()
