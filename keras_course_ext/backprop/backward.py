"""The backward pass: layer by layer from the loss, by the deck's formulas where they apply.

    δ  = ∂L/∂A · f'(Z)          through an activation function, `derivatives.py`
    ∂L/∂W = Xᵀ δ,  ∂L/∂b = Σ δ,  ∂L/∂X = δ Wᵀ          through a dense layer

Through any other layer, and through the operations between two layers, their tapes compute the
gradient.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from keras_course_ext import layers
from keras_course_ext.backprop.derivatives import derivative
from keras_course_ext.backprop.forward import Call, Forward
from keras_course_ext.ops.activations.derivatives import Derivative

_DENSE_CALLS = (keras.layers.Dense.call, layers.Dense.call)


@dataclass
class Back:
    """The gradients of one call of a layer.

    Attributes:
        da: ∂L/∂A, or None.
        delta: ∂L/∂Z, or None.
        rule: How they were computed, as in `LayerTrace.rule`.
        derivative: The derivative that δ was computed with, or None.
        feeds: Positions, among the sources, of the layers that feed it.
    """

    da: Any = None
    delta: Any = None
    rule: str = "tensorflow"
    derivative: Derivative | None = None
    feeds: tuple[int, ...] = ()


@dataclass
class Backward:
    """The result of the backward pass.

    Attributes:
        calls: One `Back` per call of a layer.
        dx: ∂L/∂X of each input.
        weights: The gradient of each weight, by the id of its variable.
        reaches: For each output of the model, the positions of the layers that it is computed from
            without another layer in between.
    """

    calls: list[Back]
    dx: list[Any]
    weights: dict[int, Any]
    reaches: list[tuple[int, ...]]


def backward(run: Forward) -> Backward:
    """Compute all gradients, from the loss to the inputs."""
    state = _BackwardPass(run)
    state.propagate([run.loss], [None], len(run.calls))
    backs = [Back() for _ in run.calls]
    for k in reversed(range(len(run.calls))):
        call, back = run.calls[k], backs[k]
        gradients = state.through_layer(call, back)
        targets = [(outer, dx) for (_, outer), dx in zip(call.inputs, gradients, strict=True)]
        targets = [(outer, dx) for outer, dx in targets if dx is not None]
        state.propagate([outer for outer, _ in targets], [dx for _, dx in targets], k)
        back.feeds = state.sources_of(call.fed_by, k)
    reaches = [state.sources_of([p], len(run.calls)) for p in run.y_pred]
    return Backward(backs, [state.gradient_of(x) for x in run.x], state.weights, reaches)


class _BackwardPass:
    def __init__(self, run: Forward) -> None:
        self._run = run
        self._gradients: dict[int, Any] = {}
        self.weights: dict[int, Any] = {}
        # Every tensor between two layers, with the position of the input or layer that returned it;
        # inputs come first.
        self._sources: list[tuple[int, Any]] = list(enumerate(run.x))
        for k, call in enumerate(run.calls):
            outside = [outer for _, outer in (*call.outputs, *call.extra)]
            outside += [] if any(o is call.first for o in outside) else [call.first]
            self._sources += [(len(run.x) + k, outer) for outer in outside]

    def gradient_of(self, outside: Any) -> Any:
        return self._gradients.get(id(outside))

    def propagate(self, targets: Sequence[Any], gradients: Sequence[Any], before: int) -> None:
        """Propagate the gradients of tensors back to the outputs of the layers before them."""
        known = {id(source): source for _, source in self._sources}
        between = []
        for target, gradient in zip(targets, gradients, strict=True):
            if id(target) in known:
                self._add(self._gradients, id(target), gradient)
            else:
                between.append((target, gradient))
        if not between:
            return
        sources = self._differentiable(before)
        variables = self._run.variables
        found = self._run.between.gradient(
            [target for target, _ in between],
            [*sources, *variables.values()],
            None if between[0][1] is None else [gradient for _, gradient in between],
        )
        for source, gradient in zip(sources, found[: len(sources)], strict=True):
            self._add(self._gradients, id(source), gradient)
        for key, gradient in zip(variables, found[len(sources) :], strict=True):
            self._add(self.weights, key, gradient)

    def sources_of(self, tensors: Sequence[Any], before: int) -> tuple[int, ...]:
        """Positions of the layers whose outputs these tensors are or were computed from."""
        made_by = {id(source): position for position, source in self._sources}
        found = {made_by[id(t)] for t in tensors if id(t) in made_by}
        others = [t for t in tensors if id(t) not in made_by and t.dtype.is_floating]
        if others:
            sources = self._differentiable(before)
            linked = self._run.between.gradient(others, sources)
            found |= {made_by[id(s)] for s, g in zip(sources, linked, strict=True) if g is not None}
        return tuple(sorted(found))

    def through_layer(self, call: Call, back: Back) -> list[Any]:
        """Propagate through one layer: return ∂L/∂X for each of its inputs."""
        outputs = [(inner, self.gradient_of(outer)) for inner, outer in call.outputs]
        extra = [(inner, self.gradient_of(outer)) for inner, outer in call.extra]
        back.da = self.gradient_of(call.first)
        reached = [(inner, g) for inner, g in (*outputs, *extra) if g is not None]
        if not reached:
            return [None] * len(call.inputs)
        if not _all_flows_through_z(call):
            return self._by_tape(call, back, reached)
        back.delta = self._delta(call, back)
        if call.z is call.inputs[0][0]:
            back.rule = "activation"
            return [back.delta]
        if _is_plain_dense(call):
            back.rule = "dense"
            return self._dense(call, back.delta)
        return self._by_tape(call, back, [(call.z, back.delta)], z_is_known=True)

    def _delta(self, call: Call, back: Back) -> Any:
        straight = None if call.logits is None else self.gradient_of(call.logits[1])
        if back.da is None:
            return straight
        if call.z is call.activated:
            delta = back.da
        else:
            known = None if call.masked else derivative(call.activation, call.z, call.activated)
            if known is not None:
                back.derivative = known
                delta = known.back(call.z, call.activated, back.da)
            else:
                delta = call.tape.gradient(call.activated, call.z, back.da)
        return delta if straight is None or delta is None else delta + straight

    def _dense(self, call: Call, delta: Any) -> list[Any]:
        layer: Any = call.site.layer
        x = tf.cast(call.inputs[0][0], delta.dtype)
        w = tf.cast(tf.convert_to_tensor(layer.kernel), delta.dtype)
        rows, delta_rows = _rows(x), _rows(delta)
        self._weight(layer.kernel, tf.matmul(rows, delta_rows, transpose_a=True))
        if layer.bias is not None:
            self._weight(layer.bias, tf.reduce_sum(delta_rows, axis=0))
        dx = tf.reshape(tf.matmul(delta_rows, w, transpose_b=True), tf.shape(x))
        return [tf.cast(dx, call.inputs[0][0].dtype)]

    def _by_tape(
        self, call: Call, back: Back, reached: Sequence[Any], z_is_known: bool = False
    ) -> list[Any]:
        reached = [(inner, g) for inner, g in reached if g is not None]
        weights = [w for w in call.site.layer.weights if id(w) in self._run.variables]
        inputs = [inner for inner, _ in call.inputs]
        z = [] if call.z is None or z_is_known else [call.z]
        sources = [*inputs, *(self._run.variables[id(w)] for w in weights), *z]
        found = call.tape.gradient(
            [inner for inner, _ in reached], sources, [g for _, g in reached]
        )
        for weight, gradient in zip(weights, found[len(inputs) :], strict=False):
            self._weight(weight, gradient)
        if z:
            back.delta = found[-1]
        return [None if g is None else tf.convert_to_tensor(g) for g in found[: len(inputs)]]

    def _weight(self, weight: Any, gradient: Any) -> None:
        if gradient is not None:
            gradient = tf.cast(tf.convert_to_tensor(gradient), weight.dtype)
        self._add(self.weights, id(weight), gradient)

    def _differentiable(self, before: int) -> list[Any]:
        limit = len(self._run.x) + before
        return [s for position, s in self._sources if position < limit and s.dtype.is_floating]

    @staticmethod
    def _add(sums: dict[int, Any], key: int, gradient: Any) -> None:
        if gradient is None:
            return
        gradient = tf.convert_to_tensor(gradient)
        sums[key] = gradient if key not in sums else sums[key] + gradient


def _all_flows_through_z(call: Call) -> bool:
    """Whether all outputs depend on the inputs and the weights through Z only."""
    logits = [] if call.logits is None else [call.logits]
    return (
        call.z is not None
        and len(call.inputs) == 1
        and len(call.outputs) == 1
        and call.outputs[0][0] is call.activated
        and len(call.extra) == len(logits)
        and all(inner is call.z for inner, _ in logits)
        and not (call.z is call.inputs[0][0] and call.site.layer.weights)  # PReLU
    )


def _is_plain_dense(call: Call) -> bool:
    layer: Any = call.site.layer
    return (
        type(layer).call in _DENSE_CALLS
        and not layer.lora_enabled
        and layer.quantization_mode is None
    )


def _rows(tensor: Any) -> Any:
    return tf.reshape(tensor, [-1, tensor.shape[-1]])
