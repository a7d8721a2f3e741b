"""Where a pass looks into a model: the call of every layer, and the activation inside it."""

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
    """A layer of the model that is not itself a model, and what it is called."""

    name: str
    layer: keras.Layer


def sites(model: keras.Model) -> list[Site]:
    """The layers of a model and of the models inside it; what is inside a layer is part of it.

    Two layers with one name get the names of the models around them in front.
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
    """Replace the `call` of every layer for a while."""
    with ExitStack() as stack:
        for site in places:
            quantized = getattr(site.layer, "quantization_mode", None) is not None
            name = "quantized_call" if quantized else "call"
            call = getattr(site.layer, name)
            stack.enter_context(overridden(site.layer, name, wrap(site, call)))
        yield


@dataclass
class Probe:
    """What an activation function was given and returned, each time it was called."""

    seen: list[tuple[Any, Any]] = field(default_factory=list)

    def of(self, function: Callable, z_of: Callable[[Any], Any]) -> Callable:
        """`function`, watched; `z_of` may put a tensor of its own in the place of Z."""

        def watched(z: Any, *args: Any, **kwargs: Any) -> Any:
            z = z_of(z)
            a = function(z, *args, **kwargs)
            self.seen.append((z, a) if tf.executing_eagerly() else (None, None))
            return a

        return watched

    def only(self) -> tuple[Any, Any]:
        """The Z and A of the one call, or None and None if there was not one."""
        return self.seen[0] if len(self.seen) == 1 else (None, None)


@contextmanager
def probed(layer: keras.Layer, z_of: Callable[[Any], Any] = lambda z: z) -> Iterator[Probe]:
    """Watch the activation function that a layer has built in, if it has one."""
    probe = Probe()
    function = vars(layer).get("activation")
    if not callable(function) or is_linear(function):
        yield probe
    else:
        with overridden(layer, "activation", probe.of(function, z_of)):
            yield probe


def is_linear(function: Any) -> bool:
    """Whether an activation function is none."""
    return function in (None, keras.activations.linear, activations.linear, ops.linear)


def activation_name(layer: keras.Layer) -> str | None:
    """What a layer's activation function is called, built in or the layer's own; or None."""
    if is_own_activation(layer):
        return _snake(type(layer).__name__)
    function = vars(layer).get("activation")
    if not callable(function) or is_linear(function):
        return None
    if isinstance(function, keras.Layer):
        return _snake(type(function).__name__)
    return getattr(function, "__name__", type(function).__name__)


def is_own_activation(layer: keras.Layer) -> bool:
    """Whether a layer is nothing but an activation function of its input."""
    return isinstance(layer, _OWN) and "activation" not in vars(layer)


def is_linear_with_z(layer: keras.Layer) -> bool:
    """Whether a layer could have an activation function and has none, so that A is Z."""
    return "activation" in vars(layer) and is_linear(vars(layer)["activation"])


def copied(tensor: Any) -> Any:
    """A tensor of its own with the same values, mask and noted logits."""
    return with_notes(tf.identity(tensor), tensor)


def with_notes(copy: Any, tensor: Any, logits: Any = None) -> Any:
    """`copy`, with the mask of `tensor`, and the logits noted on it unless others are given."""
    mask = getattr(tensor, "_keras_mask", None)
    if mask is not None:
        copy._keras_mask = mask
    logits = noted_logits(tensor) if logits is None else logits
    return copy if logits is None else remember_logits(copy, logits)


def is_float(value: Any) -> bool:
    """Whether a value is a tensor that a gradient can flow through."""
    return isinstance(value, tf.Tensor) and value.dtype.is_floating


def _snake(name: str) -> str:
    name = name.replace("ReLU", "Relu").replace("SiLU", "Silu")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
