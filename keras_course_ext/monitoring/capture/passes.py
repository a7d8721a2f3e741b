"""The backward passes of a step, and which of them the optimizer's gradients come from.

A step may differentiate several times: a GAN once for each net, sharpness-aware minimization (SAM)
once to find the point where it differentiates again, a gradient penalty once inside of the loss.
What flows back in each pass is kept apart. The pass that counts is the last one whose
`GradientTape.gradient` was called for the weights that the optimizer updates.
"""

import inspect
import weakref
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from keras_course_ext.monitoring.record.schema import TensorId


@dataclass(eq=False)
class Use:
    """One call of a layer.

    Attributes:
        layer: Name of the layer.
        at: When it was called, as a number of the events of the step.
        outputs: Its outputs.
        inputs: What went into its activation, where that is kept.
        hooks: Number of its tensors whose gradient is kept.
    """

    layer: str
    at: int
    outputs: list[tf.Tensor] = field(default_factory=list)
    inputs: list[tf.Tensor] = field(default_factory=list)
    hooks: int = 0


Flow = tuple[TensorId, int, int]
"""What something flowed back to: an output, the id of the use, and the number of the hook."""


@dataclass(eq=False)
class Pass:
    """One backward pass.

    Attributes:
        weights: The ids of the variables whose gradients were asked for.
        began: When it began, as a number of the events of the step.
        after: When the pass before it ended.
        ended: When something flowed back in it for the last time.
        flows: The use of the layer, and what flowed back to it.
    """

    weights: frozenset[int]
    began: int
    after: int
    ended: int = 0
    flows: dict[Flow, tuple[Use, tf.Tensor]] = field(default_factory=dict)

    def signals(self) -> dict[TensorId, list[tf.Tensor]]:
        """Return ∂L/∂A by output, one for each use of the layer."""
        signals: dict[TensorId, list[tf.Tensor]] = {}
        for (signal, _, _), (_, da) in self.flows.items():
            signals.setdefault(signal, []).append(da)
        return signals

    def leave_out_before(self, layers: Collection[str]) -> None:
        """Leave out what flowed to layers that were called before all of these.

        A tape goes on from the critic of a GAN to the generator, also for the critic's weights. In
        a graph TensorFlow prunes that, unless it is read.

        Args:
            layers: Names of the layers whose weights are updated.
        """
        first: dict[str, int] = {}
        for use, _ in self.flows.values():
            if use.layer in layers:
                first[use.layer] = min(use.at, first.get(use.layer, use.at))
        # Weights of a layer that nothing flowed back to may be used anywhere.
        if layers and len(first) == len(set(layers)):
            start = min(first.values())
            self.flows = {key: flow for key, flow in self.flows.items() if flow[0].at >= start}


class Passes:
    """The calls of layers in a step, and the backward passes through them.

    Args:
        before: Those of the step before, whose optimizer may have used one of several passes.
    """

    def __init__(self, before: "Passes | None" = None) -> None:
        self._now = 0 if before is None else before._now
        self._uses: list[Use] = []
        self._passes: list[Pass] = []
        self._call: tuple[Any, int] | None = None
        # What the steps before have left, at most one pass for the same weights.
        self._left: dict[frozenset[int], Pass] = {}
        if before is not None:
            left = [*before._left.values(), *before._passes]
            self._left = {p.weights: p for p in left if p is not before._taken}
        self._taken: Pass | None = None

    def called(self, layer: str) -> Use:
        """Note that a layer is called."""
        use = Use(layer, self._tick())
        self._uses.append(use)
        return use

    def flowed_back(self, signal: TensorId, use: Use, hook: int, da: tf.Tensor) -> None:
        """Keep ∂L/∂A of an output of a use of a layer."""
        tape, sources = _differentiating()
        key = signal, id(use), hook
        last = self._passes[-1] if self._passes else None
        # A tape that is kept would keep the tensors of the step. A persistent one can be asked
        # twice, and a list that is gone leave its id to another one.
        call = None if tape is None else (weakref.ref(tape), id(sources))
        if last is None or call != self._call or key in last.flows:
            self._call = call
            weights = _ids(sources)
            for earlier in self._passes:
                if earlier.weights == weights:
                    earlier.flows = {}  # it will not be taken
            last = Pass(weights, self._tick(), 0 if last is None else last.ended)
            self._passes.append(last)
        last.flows[key] = use, da
        last.ended = self._tick()

    def take(self, variables: Sequence[Any]) -> Pass | None:
        """Return the pass that gradients of some variables come from; None if there is none."""
        wanted = _ids(variables)
        candidates = [*self._left.values(), *self._passes]
        found = [p for p in candidates if p.weights & wanted] or self._passes
        self._taken = found[-1] if found else None
        return self._taken

    @property
    def several(self) -> bool:
        """Whether the pass that was taken is not the only one that flowed back."""
        return self._taken is not None and self._passes != [self._taken]

    def uses(self) -> list[Use]:
        """Return the uses of layers in the pass that was taken; before that, all so far.

        A layer that has no gradient, such as a frozen one, counts as used in a pass if it was
        called since the pass before.
        """
        taken = self._taken
        if not self.several or taken is None:
            return self._uses
        uses = {id(use): use for use, _ in taken.flows.values()}
        layers = {use.layer for use in uses.values()}
        others = [u for u in self._uses if taken.after < u.at < taken.began]
        uses |= {id(use): use for use in others if use.layer not in layers}
        return sorted(uses.values(), key=lambda use: use.at)

    def _tick(self) -> int:
        self._now += 1
        return self._now


def _differentiating() -> tuple[Any, Any]:
    """Return the tape whose `gradient` is being called, and for what; None if there is none.

    Gradients may be computed within gradients (`tf.recompute_grad`): the outermost call counts.
    """
    found: tuple[Any, Any] = (None, None)
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_name == "gradient":
            names = frame.f_locals
            if isinstance(names.get("self"), tf.GradientTape) and "sources" in names:
                found = names["self"], names["sources"]
        frame = frame.f_back
    return found


def _ids(variables: Iterable[Any] | None) -> frozenset[int]:
    """Return the ids of the TensorFlow variables among some values."""
    flat = [] if variables is None else tf.nest.flatten(variables)
    return frozenset(id(v.value if isinstance(v, keras.Variable) else v) for v in flat)
