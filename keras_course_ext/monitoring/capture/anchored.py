"""Which tensors of a step can be read without changing how Grappler rewrites the step.

Grappler makes one kernel of MatMul, BiasAdd and Add, AddN of a chain of Add, and multiplies the
factors of a product in another order. Each of these rounds differently, and each has the condition
that nothing but the next operation reads the tensor between the two. So a tensor can be read if the
step itself already has readers of it that rule this out.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from keras_course_ext.monitoring.capture.gradients import dense_values, is_term_of_a_long_sum
from keras_course_ext.monitoring.capture.graph import (
    SAME_ELEMENTS,
    SHAPES,
    is_over_broadcast_axes,
    source,
)

Use = tuple[tf.Operation, int]
"""An operation and the number of one of its inputs."""

# Grappler may remove them, or their order: then nothing is sure of what reads their input.
_UNSURE = {"Sum", "Mean", "Max", "Min", "Prod", "Transpose", "Cast", "Tile", "StridedSlice"}
# Kernels that need the elements of these inputs, that Grappler does not remove, and that it joins
# with what follows them only, not with what comes before.
_KERNELS = {
    "MatMul": (0, 1),
    "BatchMatMul": (0, 1),
    "BatchMatMulV2": (0, 1),
    "Einsum": (0, 1),
    "Conv2D": (0, 1),
    "Conv3D": (0, 1),
    "DepthwiseConv2dNative": (0, 1),
    "Conv2DBackpropInput": (1, 2),
    "Conv2DBackpropFilter": (0, 2),
    "Conv3DBackpropInputV2": (1, 2),
    "Conv3DBackpropFilterV2": (0, 2),
    "DepthwiseConv2dNativeBackpropInput": (1, 2),
    "DepthwiseConv2dNativeBackpropFilter": (0, 2),
    "MaxPool": (0,),
    "MaxPool3D": (0,),
    "AvgPool": (0,),
    "AvgPool3D": (0,),
    "MaxPoolGrad": (0, 1, 2),
    "MaxPool3DGrad": (0, 1, 2),
    "FusedBatchNormV3": (0,),
    "FusedBatchNormGradV3": (0, 1),
    "ReluGrad": (1,),
    "Relu6Grad": (1,),
    "LeakyReluGrad": (1,),
    "EluGrad": (1,),
    "SeluGrad": (1,),
    "SigmoidGrad": (0,),
    "TanhGrad": (0,),
    "SoftplusGrad": (1,),
    "SoftsignGrad": (1,),
    "SoftmaxCrossEntropyWithLogits": (0,),
    "SparseSoftmaxCrossEntropyWithLogits": (0,),
}
# Grappler joins these with a contraction that follows them.
_JOINED_WITH_WHAT_FOLLOWS = {"Pad", "PadV2", "MirrorPad", "Transpose", "Cast", "Dequantize"}
GIVEN = {"Placeholder", "Const", "ReadVariableOp", "IteratorGetNext", "OptionalGetValue"}
# Grappler joins their result with nothing.
_ALONE = {
    "While",
    "StatelessWhile",
    "If",
    "StatelessIf",
    "Case",
    "StatelessCase",
    "TensorListStack",
    "TensorListGetItem",
    "TensorListConcatV2",
    "ResourceGather",
    "GatherV2",
}


class Anchored:
    """Tells which tensors of the step that is being traced can be read.

    Args:
        gradients: The gradients that the optimizer gets. What they do not depend on (other readers,
            metrics) is not taken for a part of the step.
        forward: Tensors of the forward pass, up to the last ones.
    """

    def __init__(self, gradients: Iterable[Any], forward: Iterable[tf.Tensor]) -> None:
        self._forward = _ancestors(forward)
        self._uses: dict[Any, list[Use]] = defaultdict(list)
        dense = [dense_values(g) for g in gradients if g is not None]
        for op in _ancestors(g for g in dense if isinstance(g, tf.Tensor)):
            if op.type not in SHAPES:
                for i, x in enumerate(op.inputs):
                    self._uses[x.ref()].append((op, i))

    def can_read(self, x: tf.Tensor) -> bool:
        """Say whether a reader of x changes nothing in what Grappler makes of the step."""
        x = _beginning(x)
        if not x.dtype.is_floating or x.op.type in GIVEN:
            return True
        readers = self._readers(x)
        surely = [(op, i) for op, i in readers if not _may_vanish(op)]
        different = {_what_it_computes(op) for op, _ in surely}
        in_forward_pass = [op in self._forward for op, _ in surely]
        both_passes = any(in_forward_pass) and not all(in_forward_pass)
        if len(different) > 1 and both_passes:
            return True
        if is_term_of_a_long_sum(x):
            return False  # AddN begins with an input whose memory it may overwrite
        if x.op.type in _ALONE:
            return True
        kernels = [i in _KERNELS.get(op.type, ()) for op, i in readers]
        if not any(kernels):
            return False
        if len(different) > 1:
            return True
        return all(kernels) and x.op.type not in _JOINED_WITH_WHAT_FOLLOWS

    def _readers(self, x: tf.Tensor) -> list[Use]:
        """Return what reads the elements of x, in whatever shape."""
        found: list[Use] = []
        for op, i in self._uses[x.ref()]:
            if op.type == "IdentityN":
                found += self._readers(op.outputs[i])
            elif op.type in SAME_ELEMENTS or is_over_broadcast_axes(op):
                found += self._readers(op.outputs[0]) if i == 0 else []
            else:
                found.append((op, i))
        return found


def _ancestors(tensors: Iterable[tf.Tensor]) -> set[tf.Operation]:
    """Return the operations from whose elements, not shapes, some tensors are computed."""
    found: set[tf.Operation] = set()
    ahead = [x.op for x in tensors]
    while ahead:
        op = ahead.pop()
        if op not in found:
            found.add(op)
            if op.type not in SHAPES:
                ahead += [x.op for x in op.inputs]
    return found


def _beginning(x: tf.Tensor) -> tf.Tensor:
    """Return the tensor that x is the same as, in whatever shape."""
    return source(x).deref()


def _may_vanish(op: tf.Operation) -> bool:
    if op.type in ("Mul", "RealDiv"):  # by 1
        return any(source(x).deref().op.type in ("Const", "Fill") for x in op.inputs)
    return op.type in _UNSURE


def _what_it_computes(op: tf.Operation) -> Any:
    """Return the same for operations that Grappler may merge."""
    inputs = [x for x in op.inputs if x.op.type != "Const"]
    return op.type, frozenset(source(x) for x in inputs)
