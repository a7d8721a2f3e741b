"""Which kind of function is being traced, and its custom gradients."""

import contextlib
import sys
from collections.abc import Iterable
from typing import Any

import tensorflow as tf


def under_xla() -> bool:
    """Says whether a `tf.function` with `jit_compile=True` is being traced.

    TensorFlow has no public function for this. Without the private one every graph counts as
    plain, and the kernels and clusters of the engine become part of the compiled function: the
    results are correct, but the step is slower.
    """
    graph: Any = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    while graph is not None:
        context = getattr(graph, "_get_control_flow_context", lambda: None)()
        if context is not None and context.IsXLAContext():
            return True
        graph = getattr(graph, "outer_graph", None)
    return False


def custom_gradients() -> set[str]:
    """Returns the names under which TensorFlow registered the custom gradients in this graph."""
    if tf.executing_eagerly():
        return set()
    found: set[str] = set()
    for op in tf.compat.v1.get_default_graph().get_operations():
        # The results of a function with a custom gradient are outputs of such an operation.
        if op.type == "IdentityN":
            with contextlib.suppress(ValueError):
                found.add(op.get_attr("_gradient_op_type").decode())
    return found


def forget_gradients(names: Iterable[str]) -> None:
    """Removes the custom gradients of graphs that are not differentiated any more.

    TensorFlow keeps every custom gradient that was traced, and with it the whole graph. No public
    function removes one. If the private registry is not found, these graphs stay in memory.
    """
    # Not imported: where a version of TensorFlow has moved the module, the package still imports.
    ops = sys.modules.get("tensorflow.python.framework.ops")
    registry = getattr(getattr(ops, "_gradient_registry", None), "_registry", {})
    for name in names:
        registry.pop(name, None)


def in_plain_graph() -> bool:
    """Says whether a graph for one device is being traced that XLA does not compile as a whole."""
    return not tf.executing_eagerly() and not tf.distribute.has_strategy() and not under_xla()


def on_gpu(x: tf.Tensor) -> bool:
    """Says whether x is on a GPU. A tensor of a graph without a device will be, if there is one."""
    device = x.device.upper()
    anywhere = "GPU" not in device and "CPU" not in device
    return "GPU" in device or (anywhere and bool(tf.config.list_logical_devices("GPU")))
