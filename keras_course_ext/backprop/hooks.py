"""Hooks into a model: the call of every layer, and the activation function inside it."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from keras_course_ext import activations, ops
from keras_course_ext._layers import walk
from keras_course_ext._logits import noted_logits, remember_logits
from keras_course_ext._masks import mask_of, put_mask
from keras_course_ext._override import overridden
from keras_course_ext.layers._activation_layer import ActivationLayer

_OWN = (
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.Softmax,
    ActivationLayer,
)


@dataclass(frozen=True)
class Site:
    """A layer of the model that is not itself a model, and its name in the trace."""

    name: str
    layer: keras.Layer


def sites(model: keras.Model) -> list[Site]:
    """The layers of a model and of the models inside it, but not the layers inside a layer.

    If two layers have the same name, the names of the models around them are prepended.
    """
    found = [
        (path, layer)
        for path, layer in walk(model, into=lambda inner: isinstance(inner, keras.Model))
        if not isinstance(layer, (keras.Model, keras.layers.InputLayer))
    ]
    names = [layer.name for _, layer in found]
    return [
        Site("/".join(path) if names.count(layer.name) > 1 else layer.name, layer)
        for path, layer in found
    ]


@contextmanager
def replaced_calls(
    places: Sequence[Site], wrap: Callable[[Site, Callable], Callable]
) -> Iterator[None]:
    """Replace the `call` of every layer within a context."""
    with ExitStack() as stack:
        for site in places:
            quantized = getattr(site.layer, "quantization_mode", None) is not None
            name = "quantized_call" if quantized else "call"
            call = getattr(site.layer, name)
            stack.enter_context(overridden(site.layer, name, wrap(site, call)))
        yield


@dataclass
class Probe:
    """The argument and the result of every call of an activation function."""

    seen: list[tuple[Any, Any]] = field(default_factory=list)

    def of(self, function: Callable, z_of: Callable[[Any], Any]) -> Callable:
        """Wrap `function` so that its calls are recorded; `z_of` may replace Z by a copy."""

        def watched(z: Any, *args: Any, **kwargs: Any) -> Any:
            z = z_of(z)
            a = function(z, *args, **kwargs)
            self.seen.append((z, a) if tf.executing_eagerly() else (None, None))
            return a

        return watched

    def only(self) -> tuple[Any, Any]:
        """The Z and A of the only call, or None and None if there was not exactly one."""
        return self.seen[0] if len(self.seen) == 1 else (None, None)


@contextmanager
def probed(layer: keras.Layer, z_of: Callable[[Any], Any] = lambda z: z) -> Iterator[Probe]:
    """Record the calls of a layer's `activation`, if it has one."""
    probe = Probe()
    function = vars(layer).get("activation")
    if not callable(function) or is_linear(function):
        yield probe
    else:
        with overridden(layer, "activation", probe.of(function, z_of)):
            yield probe


def is_linear(function: Any) -> bool:
    """Whether an activation is None or the identity."""
    return function in (None, keras.activations.linear, activations.linear, ops.linear)


def activation_name(layer: keras.Layer) -> str | None:
    """The name of a layer's `activation`, or of the function that the layer itself is; or None."""
    if is_own_activation(layer):
        return _snake(type(layer).__name__)
    function = vars(layer).get("activation")
    if not callable(function) or is_linear(function):
        return None
    if isinstance(function, keras.Layer):
        return _snake(type(function).__name__)
    return getattr(function, "__name__", type(function).__name__)


def is_own_activation(layer: keras.Layer) -> bool:
    """Whether a layer only applies an activation function to its input."""
    return isinstance(layer, _OWN) and "activation" not in vars(layer)


def is_linear_with_z(layer: keras.Layer) -> bool:
    """Whether a layer has an `activation` argument but no activation function: then A is Z."""
    return "activation" in vars(layer) and is_linear(vars(layer)["activation"])


def copied(tensor: Any) -> Any:
    """A copy of a tensor with the same mask and noted logits."""
    return with_notes(tf.identity(tensor), tensor)


def with_notes(copy: Any, tensor: Any, logits: Any = None) -> Any:
    """`copy` with the mask of `tensor`, and with `logits` noted, by default those of `tensor`."""
    mask = mask_of(tensor)
    if mask is not None:
        put_mask(copy, mask)
    logits = noted_logits(tensor) if logits is None else logits
    return copy if logits is None else remember_logits(copy, logits)


def is_float(value: Any) -> bool:
    """Whether a value is a floating-point tensor, so that it can have a gradient."""
    return isinstance(value, tf.Tensor) and value.dtype.is_floating


def _snake(name: str) -> str:
    name = name.replace("ReLU", "Relu").replace("SiLU", "Silu")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
