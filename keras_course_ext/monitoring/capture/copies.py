"""The tensors of a step for reading: as they are, or computed a second time.

What may not be read itself (`anchored.py`) is computed again, from what may be read, usually by one
contraction and a bias. The second computation is a function that Grappler does not inline: in the
step's graph it would change which unknown shapes Grappler takes for equal, and by that which sums
over broadcast axes it removes.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from keras_course_ext._tracing import under_xla
from keras_course_ext.monitoring.capture.anchored import GIVEN, Anchored
from keras_course_ext.monitoring.capture.gradients import can_read, readable
from keras_course_ext.monitoring.capture.graph import ADDITIONS, SAME_ELEMENTS, current_graph
from keras_course_ext.monitoring.capture.reductions import is_large

_FEW = 8
_FAR = 24  # operations among which the few are looked for
_SIMPLE = {
    *ADDITIONS,
    *SAME_ELEMENTS,
    *("Const", "Cast", "Fill", "OnesLike", "ZerosLike", "Shape", "SelectV2", "Neg", "Abs"),
    *("Sub", "Mul", "RealDiv", "Maximum", "Minimum", "Exp", "Log", "Square", "Sqrt", "Rsqrt"),
    *("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Sigmoid", "Tanh", "Softplus", "Softmax"),
    *("MatMul", "BiasAdd"),
}

Tensors = Mapping[str, Sequence[tf.Tensor]]
"""Tensors by the name of their layer, one for each use."""


class Reader:
    """Reads the tensors of a step without changing what Grappler makes of it.

    Eager tensors and those of a function that XLA compiles are read as they are.

    Args:
        outputs: The outputs of each layer.
        inputs: Z of each layer whose saturation can be seen only there.
        gradients: The gradients that the optimizer gets.
    """

    def __init__(self, outputs: Tensors, inputs: Tensors, gradients: Iterable[Any]) -> None:
        self._outputs, self._inputs = outputs, inputs
        self._anchored: Anchored | None = None
        if not tf.executing_eagerly() and not under_xla():
            self._anchored = Anchored(gradients, _all(outputs, inputs))
        self._copies: dict[Any, dict[Any, tf.Tensor]] = {}
        self._plan: _Plan | None = None
        self._gradient_plans: dict[Any, _Plan | None] = {}

    def outputs_at_every_step(self) -> Tensors:
        """Return the outputs that can be read at next to no cost.

        Those that can be read themselves, and small ones that a few operations compute again.
        """
        if self._anchored is None:
            return self._outputs
        readable = {a.ref(): a for a in _all(self._outputs) if self._can_read(a)}
        wanted = [a for a in _all(self._outputs) if a.ref() not in readable and not is_large(a)]
        cheap = [a for a in wanted if _Plan([a], self._anchored, _FAR).is_cheap]
        readable |= _Plan(cheap, self._anchored).run()
        return {
            name: [readable[a.ref()] for a in each if a.ref() in readable]
            for name, each in self._outputs.items()
        }

    def outputs(self) -> Tensors:
        """Return the outputs of all layers whose outputs can be read or computed again."""
        return self._read(self._outputs)

    def inputs(self) -> Tensors:
        """Return Z of the layers of which it is needed, if it can be read or computed again."""
        return self._read(self._inputs)

    def can_read_gradient(self, x: tf.Tensor) -> bool:
        """Say whether a gradient can be read or computed again."""
        plan = self._gradient_plan(x)
        return plan is None or bool(plan.wanted)

    def gradient(self, x: tf.Tensor) -> tf.Tensor:
        """Return a gradient of which `can_read_gradient` is true, in a form to be read."""
        plan = self._gradient_plan(x)
        if plan is None:
            found = readable(x)
            return x if found is None else found
        return plan.run()[x.ref()]

    def _gradient_plan(self, x: tf.Tensor) -> "_Plan | None":
        """Return how to compute a gradient again; None if it can be read."""
        if self._anchored is None:
            return None
        if x.ref() not in self._gradient_plans:
            plan = None if can_read(x) else _Plan([x], self._anchored)
            self._gradient_plans[x.ref()] = plan
        return self._gradient_plans[x.ref()]

    def _can_read(self, a: tf.Tensor) -> bool:
        return self._anchored is None or self._anchored.can_read(a)

    def _read(self, tensors: Tensors) -> Tensors:
        copies = {} if self._anchored is None else self._computed_again()
        found = {}
        for name, each in tensors.items():
            read = [a if self._can_read(a) else copies.get(a.ref()) for a in each]
            known = [a for a in read if a is not None]
            if len(known) == len(read):
                found[name] = known
        return found

    def _computed_again(self) -> dict[Any, tf.Tensor]:
        """Return the copies of what cannot be read, made in the current graph."""
        if self._plan is None:
            assert self._anchored is not None
            wanted = [a for a in _all(self._outputs, self._inputs) if not self._can_read(a)]
            self._plan = _Plan(wanted, self._anchored)
        graph = current_graph()
        if graph not in self._copies:
            self._copies[graph] = self._plan.run()
        return self._copies[graph]


class _Plan:
    """Which operations compute some tensors again, and from what.

    Args:
        wanted: The tensors.
        anchored: Tells which tensors can be read.
        most: About how many operations are followed back at most; default all.
    """

    def __init__(
        self, wanted: Sequence[tf.Tensor], anchored: Anchored, most: float = math.inf
    ) -> None:
        self._anchored, self._most = anchored, most
        self._fed: dict[Any, tf.Tensor] = {}
        self._operations: dict[tf.Operation, None] = {}
        self._impossible: set[tf.Operation] = set()
        self.wanted = [a for a in wanted if self._plan(a)]
        """Those of the tensors that can be computed again."""

    @property
    def is_cheap(self) -> bool:
        """Whether a few simple operations on small tensors compute all of them."""
        if not self.wanted or len(self._operations) > _FEW:
            return False
        small = not any(is_large(x) for op in self._operations for x in op.inputs)
        return small and all(op.type in _SIMPLE for op in self._operations)

    def run(self) -> dict[Any, tf.Tensor]:
        """Compute them again; return each copy by the reference of its tensor."""
        if not self.wanted:
            return {}

        @tf.function(autograph=False, experimental_attributes={"_noinline": True})
        def again(*fed: tf.Tensor) -> list[tf.Tensor]:
            made = dict(zip(self._fed, fed, strict=True))
            for op in self._operations:
                copy = _copied(op, [made[x.ref()] for x in op.inputs])
                made |= {x.ref(): y for x, y in zip(op.outputs, copy.outputs, strict=True)}
            return [made[a.ref()] for a in self.wanted]

        copies = again(*self._fed.values())
        return {a.ref(): copy for a, copy in zip(self.wanted, copies, strict=True)}

    def _plan(self, wanted: tf.Tensor) -> bool:
        """Plan how to compute a tensor; say whether it is possible."""
        ahead = [wanted.op]
        while ahead:
            if len(ahead) + len(self._operations) > self._most:
                return False
            op = ahead[-1]
            if op in self._operations or op in self._impossible:
                ahead.pop()
                continue
            missing = []
            for x in op.inputs:
                if x.ref() in self._fed or x.op in self._operations:
                    continue
                # Terms of a sum are computed again: AddN begins with one that it may overwrite.
                free = op.type not in ADDITIONS or x.op.type in GIVEN
                if x.op.type != "Const" and free and self._anchored.can_read(x):
                    self._fed[x.ref()] = x
                else:
                    missing.append(x.op)
            if not _is_repeatable(op) or self._impossible.intersection(missing):
                self._impossible.add(op)
            elif missing:
                ahead += missing
            else:
                self._operations[op] = None
        return wanted.op in self._operations


def _is_repeatable(op: tf.Operation) -> bool:
    """Say whether a second computation gives the same and has no effect."""
    if op.type in ("Placeholder", "ReadVariableOp") or op.op_def is None or op.op_def.is_stateful:
        return False
    if any(x.dtype in (tf.resource, tf.variant) for x in op.inputs):
        return False
    return not any(a.type in ("func", "list(func)") for a in op.op_def.attr)


def _copied(op: tf.Operation, inputs: list[tf.Tensor]) -> tf.Operation:
    graph: Any = current_graph()
    # IdentityN of a custom gradient names a gradient that is not needed here.
    attributes = {k: v for k, v in op.node_def.attr.items() if not k.startswith("_")}
    types = [x.dtype for x in op.outputs]
    return graph.create_op(op.type, inputs, types, attrs=attributes, op_def=op.op_def)


def _all(*groups: Tensors) -> list[tf.Tensor]:
    return [a for tensors in groups for each in tensors.values() for a in each]
