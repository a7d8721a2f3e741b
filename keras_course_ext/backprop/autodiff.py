"""The reference for `check`: one `tf.GradientTape` over the whole model and its loss.

No layer is separated from the others and no formula is used: TensorFlow computes the gradient with
respect to every Z, every A, every weight and the inputs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from keras_course_ext.backprop.forward import has_gradient
from keras_course_ext.backprop.hooks import (
    Site,
    copied,
    is_float,
    is_linear_with_z,
    is_own_activation,
    probed,
    replaced_calls,
    sites,
)
from keras_course_ext.backprop.problem import Problem


@dataclass
class Observed:
    """Z and A of one call of a layer, and the gradients that TensorFlow computes.

    Attributes:
        z: Z, or None.
        a: A.
        layer: The layer; None for an input.
        da: ∂L/∂A, or None.
        delta: ∂L/∂Z, or None.
        weights: The gradient of each weight that has one, in the layer's order; None for a weight
            that the loss does not depend on.
    """

    z: Any
    a: Any
    layer: Any = None
    da: Any = None
    delta: Any = None
    weights: list[Any] = field(default_factory=list)


@dataclass
class Autodiff:
    """What TensorFlow computes for a whole model.

    Attributes:
        inputs: One `Observed` per input.
        calls: One `Observed` per call of a layer, in order of execution.
        loss: The total loss.
        losses: The loss of each output.
    """

    inputs: list[Observed]
    calls: list[Observed]
    loss: Any
    losses: Mapping[str, Any]


def autodiff(problem: Problem) -> Autodiff:
    """Run the model as a whole and differentiate it as a whole."""
    variables = {id(w): w.value for w in problem.model.weights if has_gradient(w)}
    recorder = _Recorder()
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        for variable in variables.values():
            tape.watch(variable)
        x = keras.tree.map_structure(copied, problem.x)
        for tensor in keras.tree.flatten(x):
            if is_float(tensor):
                tape.watch(tensor)
        with replaced_calls(sites(problem.model), recorder.wrap):
            y_pred = problem.model(x, training=problem.training)
        loss, losses = problem.loss(y_pred)
    inputs = [Observed(None, tensor) for tensor in keras.tree.flatten(x)]
    wanted = [(s, name) for s in (*inputs, *recorder.calls) for name in ("z", "a")]
    wanted = [(s, name) for s, name in wanted if is_float(getattr(s, name))]
    found = tape.gradient(loss, [*(getattr(s, name) for s, name in wanted), *variables.values()])
    for (seen, name), gradient in zip(wanted, found[: len(wanted)], strict=True):
        setattr(seen, {"z": "delta", "a": "da"}[name], gradient)
    gradients = dict(zip(variables, found[len(wanted) :], strict=True))
    for seen in recorder.calls:
        own = [gradients[id(w)] for w in seen.layer.weights if id(w) in gradients]
        seen.weights = [None if g is None else tf.convert_to_tensor(g) for g in own]
    return Autodiff(inputs, recorder.calls, loss, losses)


class _Recorder:
    def __init__(self) -> None:
        self.calls: list[Observed] = []
        self._inside = False

    def wrap(self, site: Site, call: Callable) -> Callable:
        def recorded(*args: Any, **kwargs: Any) -> Any:
            if self._inside or not tf.executing_eagerly():
                return call(*args, **kwargs)
            self._inside = True
            try:
                return self._record(site.layer, call, args, kwargs)
            finally:
                self._inside = False

        return recorded

    def _record(self, layer: keras.Layer, call: Callable, args: Any, kwargs: Any) -> Any:
        # Copies, because a layer may return its input, and the gradients of the two are different.
        args, kwargs = keras.tree.map_structure(_copied_if_float, (args, kwargs))
        with probed(layer, copied) as probe:
            outputs = call(*args, **kwargs)
        outputs = keras.tree.map_structure(_copied_if_float, outputs)
        flat = keras.tree.flatten(outputs)
        a = next(t for t in flat if isinstance(t, tf.Tensor))
        z = probe.only()[0]
        inputs = {id(t): t for t in keras.tree.flatten((args, kwargs)) if is_float(t)}
        if is_own_activation(layer) and len(inputs) == 1:
            z = next(iter(inputs.values()))
        elif is_linear_with_z(layer) and len(flat) == 1:
            z = a
        self.calls.append(Observed(z, a, layer))
        return outputs


def _copied_if_float(value: Any) -> Any:
    return copied(value) if is_float(value) else value
