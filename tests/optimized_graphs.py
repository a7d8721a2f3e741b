"""The graphs that TensorFlow has made of functions: what runs after Grappler's rewrites."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

tf1: Any = tf.compat.v1


def optimized_graphs(folder: Path, run: Callable[[], Any]) -> list[Any]:
    """Return the optimized graph, a `GraphDef`, of each function that `run` calls first.

    Args:
        folder: An empty folder.
        run: Calls the functions.
    """
    writer = tf.summary.create_file_writer(str(folder))
    tf.summary.trace_on(graph=True)
    run()
    with writer.as_default():
        tf.summary.trace_export("graphs", step=0)
    writer.close()
    found = []
    for file in folder.glob("events.*"):
        for event in tf1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                metadata = tf1.RunMetadata.FromString(value.tensor.string_val[0])
                found += [f.post_optimization_graph for f in metadata.function_graphs]
    return found


def fused_nodes(graph: Any) -> Counter:
    """Count the operations that Grappler has joined: by type, and what was joined with it."""
    return Counter(
        (node.op, b" ".join(node.attr["fused_ops"].list.s).decode())
        for node in graph.node
        if node.op.startswith("_") and node.attr["fused_ops"].list.s
    )
