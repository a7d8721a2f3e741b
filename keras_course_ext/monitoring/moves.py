"""How far an update moves each weight, as the optimizer hands it to the variable."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

_READS = {"ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VariableShape"}
_MOVES = {"AssignSubVariableOp", "AssignAddVariableOp"}


def moves(weights: Sequence[Any], operations: Sequence[tf.Operation]) -> list[tf.Tensor | None]:
    """Return ± ΔW of each weight that the operations move by one addition or subtraction.

    W after the update less W before it is the same, but needs W as it was: a copy of every weight
    in every step, since the update would otherwise happen in place.

    Args:
        weights: Variables, each of which is in use in the current graph.
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
    return [_moved(writes.get(_handle(w).ref(), [])) for w in weights]


def _handle(w: Any) -> tf.Tensor:
    """Return the tensor by which the graph knows a variable."""
    variable = w.value
    return tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=variable.dtype).op.inputs[0]


def _moved(writes: Sequence[tf.Operation]) -> tf.Tensor | None:
    if len(writes) != 1 or writes[0].type not in _MOVES:
        return None
    value = writes[0].inputs[1]
    return value if value.dtype == tf.float32 else None
