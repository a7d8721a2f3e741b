"""A custom gradient that TensorFlow forgets together with its graph."""

import functools
import sys
import weakref
from collections.abc import Callable
from typing import Any

import tensorflow as tf

_KEPT = "_keras_course_ext_gradients"


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Returns `tf.custom_gradient(f)`, whose graphs can be freed.

    TensorFlow enters each custom gradient that is traced into a registry and never removes it. The
    gradient refers to the tensors of its graph, so every traced step would stay in memory: a model
    that was compiled and fitted anew kept two graphs and 2 MB each time. Here the graph keeps the
    gradient, the registry has a weak reference, and the entry goes with the graph.
    """
    differentiable = tf.custom_gradient(f)

    @tf.autograph.experimental.do_not_convert
    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        result = differentiable(*args, **kwargs)
        if not tf.executing_eagerly():
            _give_to_graph(tf.nest.flatten(result)[0])
        return result

    return call


def _give_to_graph(tensor: Any) -> None:
    """Moves the gradient of a result from the registry to the graph.

    The results of a function with a custom gradient are those of one operation, which has the name
    in the registry as an attribute. Without the private names nothing is done.
    """
    # Not imported: where a version of TensorFlow has moved the module, the package still imports.
    ops = sys.modules.get("tensorflow.python.framework.ops")
    registry: Any = getattr(getattr(ops, "_gradient_registry", None), "_registry", None)
    try:
        name = tensor.op.get_attr("_gradient_op_type").decode()
        entry = registry[name]
        gradient, graph = entry["type"], tensor.graph
        if not hasattr(graph, _KEPT):
            setattr(graph, _KEPT, [])
    except (AttributeError, KeyError, TypeError, ValueError):
        return
    getattr(graph, _KEPT).append(gradient)
    weak: Any = weakref.ref(gradient)
    registry[name] = entry | {"type": lambda op, *dy: weak()(op, *dy)}
    weakref.finalize(graph, registry.pop, name, None).atexit = False
