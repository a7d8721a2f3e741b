"""Build the `LayerTrace` of every layer from the results of the forward and backward pass."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_course_ext.backprop.backward import Back, Backward
from keras_course_ext.backprop.forward import Call, Forward
from keras_course_ext.backprop.problem import Problem
from keras_course_ext.backprop.record import LayerTrace, WeightTrace


def layer_traces(problem: Problem, run: Forward, back: Backward) -> tuple[LayerTrace, ...]:
    """The inputs of the model, then its layers in order of execution."""
    return (*_inputs(problem, run, back), *_layers(problem, run, back))


def _inputs(problem: Problem, run: Forward, back: Backward) -> list[LayerTrace]:
    return [
        LayerTrace(
            number=i + 1,
            name=name,
            kind="InputLayer",
            role="input",
            inputs=(),
            activation=None,
            z=None,
            a=x.numpy(),
            da=_array(dx),
            delta=None,
            weights=(),
            rule="sum",
        )
        for i, (name, x, dx) in enumerate(zip(problem.inputs, run.x, back.dx, strict=True))
    ]


def _layers(problem: Problem, run: Forward, back: Backward) -> list[LayerTrace]:
    n = len(run.x)
    return [
        _layer(
            n + k + 1,
            call,
            found,
            tuple(
                name
                for name, positions in zip(problem.outputs, back.reaches, strict=True)
                if n + k in positions
            ),
            _weights(call, run, back),
        )
        for k, (call, found) in enumerate(zip(run.calls, back.calls, strict=True))
    ]


def _layer(
    number: int,
    call: Call,
    back: Back,
    outputs: tuple[str, ...],
    weights: tuple[WeightTrace, ...],
) -> LayerTrace:
    return LayerTrace(
        number=number,
        name=call.name,
        kind=type(call.site.layer).__name__,
        role="output" if outputs else "hidden",
        inputs=tuple(position + 1 for position in back.feeds),
        activation=call.activation,
        z=_array(call.z),
        a=call.first.numpy(),
        da=_array(back.da),
        delta=_array(back.delta),
        weights=weights,
        rule=back.rule,
        derivative=None if back.derivative is None else back.derivative.formula,
        outputs=outputs,
        from_logits=back.da is None and call.logits is not None and back.delta is not None,
    )


def _weights(call: Call, run: Forward, back: Backward) -> tuple[WeightTrace, ...]:
    weights = [weight for weight in call.site.layer.weights if id(weight) in run.variables]
    traced = []
    for weight, name in zip(weights, _names(call.site.layer, weights), strict=True):
        value, found = weight.numpy(), back.weights.get(id(weight))
        gradient = np.zeros_like(value) if found is None else found.numpy()
        traced.append(WeightTrace(name, weight.path, value, gradient, bool(weight.trainable)))
    return tuple(traced)


def _names(layer: keras.Layer, weights: Sequence[Any]) -> list[str]:
    """`"kernel"`, or `"query/kernel"` if several weights of the layer are called kernel."""
    names = [weight.name for weight in weights]
    return [
        weight.path.split(f"{layer.name}/", 1)[-1] if names.count(name) > 1 else name
        for name, weight in zip(names, weights, strict=True)
    ]


def _array(tensor: Any) -> np.ndarray | None:
    return None if tensor is None else tensor.numpy()
