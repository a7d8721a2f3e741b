"""How far an update moves each weight, as the optimizer hands it to the variable."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_course_ext.monitoring.reductions import source

_READS = {"ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VariableShape"}
_MOVES = {"AssignSubVariableOp", "AssignAddVariableOp"}


def moves(
    values: Sequence[tf.Tensor], operations: Sequence[tf.Operation]
) -> list[tf.Tensor | None]:
    """Return ± ΔW of each weight that the operations move by one addition or subtraction.

    W after the update less W before it is the same, but needs W as it was: a copy of every weight
    in every step, since the update would otherwise happen in place.

    Args:
        values: The weights, as they were read in the current graph.
        operations: Those of the update, of the current graph.

    Returns:
        A tensor for each weight, or None where the update is anything else, such as a kernel of
        TensorFlow's, several assignments (weight decay, a constraint) or none.
    """
    writes: dict[Any, list[tf.Operation]] = {}
    for operation in operations:
        if operation.type not in _READS:
            for handle in operation.inputs:
                if handle.dtype == tf.resource:
                    writes.setdefault(handle.ref(), []).append(operation)
    handles = [source(value).deref().op.inputs[0] for value in values]
    return [_moved(writes.get(handle.ref(), [])) for handle in handles]


def _moved(writes: Sequence[tf.Operation]) -> tf.Tensor | None:
    if len(writes) != 1 or writes[0].type not in _MOVES:
        return None
    value = writes[0].inputs[1]
    return value if value.dtype == tf.float32 else None
