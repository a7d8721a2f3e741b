"""The forward pass: one gradient tape per layer, and another for the operations between layers.

A layer is called on copies of its inputs, and copies of its outputs are returned. So the tape
*between* the layers records operators, casts, activity regularizers and the loss, but no layer;
`backward.py` propagates through each layer separately.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from keras_course_ext._layers import walk
from keras_course_ext._logits import noted_logits
from keras_course_ext._override import overridden
from keras_course_ext.backprop.hooks import (
    Site,
    activation_name,
    copied,
    is_float,
    is_linear_with_z,
    is_own_activation,
    probed,
    replaced_calls,
    sites,
    with_notes,
)
from keras_course_ext.backprop.problem import Problem


@dataclass
class Call:
    """One call of one layer.

    A pair is a tensor on the layer's tape and its copy outside it.

    Attributes:
        site: The layer.
        name: Its name, with the number of the call from the second on.
        inputs: Pairs of the differentiable inputs.
        fed_by: The tensors it was called on, differentiable or not.
        outputs: Pairs of the differentiable outputs.
        first: The copy of the first output, differentiable or not.
        extra: Pairs of further results: noted logits, and losses that the layer adds.
        logits: The pair of the logits among them.
        z: Z on the layer's tape, or None.
        activated: What the activation function returned, on the layer's tape.
        activation: The name of the activation function.
        masked: Whether the layer was given a mask.
        tape: The tape of the layer.
    """

    site: Site
    name: str
    inputs: list[tuple[Any, Any]] = field(default_factory=list)
    fed_by: list[Any] = field(default_factory=list)
    outputs: list[tuple[Any, Any]] = field(default_factory=list)
    first: Any = None
    extra: list[tuple[Any, Any]] = field(default_factory=list)
    logits: tuple[Any, Any] | None = None
    z: Any = None
    activated: Any = None
    activation: str | None = None
    masked: bool = False
    tape: Any = None


@dataclass
class Forward:
    """The result of the forward pass.

    Attributes:
        calls: The layers in order of execution.
        x: The inputs, flat.
        y_pred: The outputs, flat.
        between: The tape of the operations between the layers.
        loss: The total loss.
        losses: The loss of each output.
        variables: The TensorFlow variable behind each weight that has a gradient, by id.
    """

    calls: list[Call]
    x: list[Any]
    y_pred: list[Any]
    between: Any
    loss: Any
    losses: Mapping[str, Any]
    variables: dict[int, Any]


def forward(problem: Problem) -> Forward:
    """Run the model and the loss, with each layer on its own tape."""
    places = sites(problem.model)
    # Read before any layer runs: inside a layer's call, `value` may be a cast copy.
    variables = {id(w): w.value for w in problem.model.weights if has_gradient(w)}
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as between:
        for variable in variables.values():
            between.watch(variable)
        x = keras.tree.map_structure(copied, problem.x)
        for tensor in keras.tree.flatten(x):
            if is_float(tensor):
                between.watch(tensor)
        state = _ForwardPass(between, variables)
        with ExitStack() as stack:
            stack.enter_context(replaced_calls(places, state.wrap))
            for layer in {id(part): part for s in places for part in parts_of(s.layer)}.values():
                stack.enter_context(overridden(layer, "add_loss", state.wrap_add_loss(layer)))
            y_pred = problem.model(x, training=problem.training)
        loss, losses = problem.loss(y_pred)
    return Forward(
        state.calls,
        keras.tree.flatten(x),
        keras.tree.flatten(y_pred),
        between,
        loss,
        losses,
        variables,
    )


def has_gradient(weight: Any) -> bool:
    """Whether a weight is trainable, or would be if its layer were not frozen."""
    if not tf.as_dtype(weight.dtype).is_floating:
        return False
    # `value` is the tf.Variable, which keeps the flag it was created with: true for a frozen
    # kernel, false for a moving average.
    return weight.trainable or weight.value.trainable


def parts_of(layer: keras.Layer) -> list[keras.Layer]:
    """A layer and the layers inside it, any of which may add a loss."""
    return [layer, *(inner for _, inner in walk(layer))]


class _ForwardPass:
    def __init__(self, between: Any, variables: dict[int, Any]) -> None:
        self.calls: list[Call] = []
        self._between = between
        self._variables = variables
        self._current: Call | None = None
        self._uses: dict[int, int] = {}

    def wrap(self, site: Site, call: Callable) -> Callable:
        def recorded(*args: Any, **kwargs: Any) -> Any:
            if self._current is not None or not tf.executing_eagerly():
                return call(*args, **kwargs)  # a layer inside a layer is part of it
            self._current = record = self._begin(site)
            record.masked = kwargs.get("mask") is not None
            try:
                with self._between.stop_recording():
                    return self._run(record, call, args, kwargs)
            finally:
                self._current = None
                self._watch(record)

        return recorded

    def wrap_add_loss(self, layer: keras.Layer) -> Callable:
        add_loss = layer.add_loss

        def recorded_loss(loss: Any) -> None:
            record = self._current
            if record is None:
                return add_loss(loss)
            outside = []
            for inner in keras.tree.flatten(loss):
                inner = tf.convert_to_tensor(inner)
                with record.tape.stop_recording():
                    cut = tf.identity(inner)
                record.extra.append((inner, cut))
                outside.append(cut)
            return add_loss(outside)

        return recorded_loss

    def _begin(self, site: Site) -> Call:
        use = self._uses[id(site.layer)] = self._uses.get(id(site.layer), 0) + 1
        name = site.name if use == 1 else f"{site.name}, call {use}"
        record = Call(site, name, activation=activation_name(site.layer))
        self.calls.append(record)
        return record

    def _run(self, record: Call, call: Callable, args: Any, kwargs: Any) -> Any:
        layer = record.site.layer
        copies: dict[int, Any] = {}

        def copy(value: Any) -> Any:
            if not isinstance(value, tf.Tensor):
                return value
            record.fed_by.append(value)
            if not is_float(value):
                return value
            if id(value) not in copies:
                copies[id(value)] = copied(value)
                record.inputs.append((copies[id(value)], value))
            return copies[id(value)]

        args, kwargs = keras.tree.map_structure(copy, (args, kwargs))
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as record.tape:
            for inner, _ in record.inputs:
                record.tape.watch(inner)
            for weight in layer.weights:
                if id(weight) in self._variables:
                    record.tape.watch(self._variables[id(weight)])
            with probed(layer) as probe:
                returned = call(*args, **kwargs)
        record.z, record.activated = probe.only()
        flat = keras.tree.flatten(returned)
        if is_own_activation(layer) and len(record.inputs) == 1:
            record.z, record.activated = record.inputs[0][0], flat[0]
        elif is_linear_with_z(layer) and len(flat) == 1:
            record.z = record.activated = flat[0]
        cut = [self._cut(record, inner) for inner in flat]
        record.first = next((a for a in cut if isinstance(a, tf.Tensor)), None)
        if record.first is None:
            raise ValueError(
                f"The layer '{record.name}' returns no dense tensor, so it cannot be traced. "
                f"Received: {type(flat[0]).__name__}."
            )
        return keras.tree.pack_sequence_as(returned, cut)

    def _cut(self, record: Call, inner: Any) -> Any:
        if not isinstance(inner, tf.Tensor):
            return inner
        logits, outside = noted_logits(inner), None
        if logits is not None and not self._is_outside(logits):
            outside = tf.identity(logits)
            record.logits = (logits, outside)
            record.extra.append(record.logits)
        cut = with_notes(tf.identity(inner), inner, outside)
        if is_float(inner):
            record.outputs.append((inner, cut))
        return cut

    def _is_outside(self, logits: Any) -> bool:
        return any(c.logits is not None and c.logits[1] is logits for c in self.calls)

    def _watch(self, record: Call) -> None:
        for _, outside in (*record.outputs, *record.extra):
            self._between.watch(outside)
