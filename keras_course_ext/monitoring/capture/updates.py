"""How far an update moves each weight, read from the assignment that makes it."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_course_ext.monitoring.capture.graph import source

# Operations on a variable that do not assign to it.
_READS = {"ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VariableShape"}
_ONE_STEP = {"AssignSubVariableOp", "AssignAddVariableOp"}


def assigned_steps(
    values: Sequence[tf.Tensor], operations: Sequence[tf.Operation]
) -> list[tf.Tensor | None]:
    """Return ± ΔW of each weight that the operations change by one addition or subtraction.

    W' − W is the same, but needs the value of W before the update: TensorFlow then copies every
    weight at every step, instead of updating it in place (20 to 30 % of a step of a wide network).

    Args:
        values: The weights, as read in the current graph before the update.
        operations: The operations of the update, in the current graph.

    Returns:
        A tensor for each weight; None where the update is anything else, such as one of
        TensorFlow's kernels, several assignments (weight decay, a constraint) or none.
    """
    writes: dict[Any, list[tf.Operation]] = {}
    for operation in operations:
        if operation.type not in _READS:
            for handle in operation.inputs:
                if handle.dtype == tf.resource:
                    writes.setdefault(handle.ref(), []).append(operation)
    handles = [source(value).deref().op.inputs[0] for value in values]
    return [_step_of(writes.get(handle.ref(), [])) for handle in handles]


def _step_of(writes: Sequence[tf.Operation]) -> tf.Tensor | None:
    if len(writes) != 1 or writes[0].type not in _ONE_STEP:
        return None
    value = writes[0].inputs[1]
    return value if value.dtype == tf.float32 else None


def steps_taken(
    weights: Sequence[Any], before: Sequence[tf.Tensor], operations_before: int | None
) -> list[tf.Tensor]:
    """Return how far each weight has moved, up to the sign.

    Args:
        weights: The variables, after the update.
        before: Their values before it.
        operations_before: Number of operations of the current graph before the update, to read the
            steps from the assignments; None to take W' − W.
    """
    read: list[tf.Tensor | None] = [None] * len(before)
    if operations_before is not None and not tf.executing_eagerly():
        graph = tf.compat.v1.get_default_graph()
        read = assigned_steps(before, graph.get_operations()[operations_before:])
    return [
        tf.convert_to_tensor(w) - old if step is None else step
        for w, old, step in zip(weights, before, read, strict=True)
    ]
