"""The layers of a model under readable names, the weights of each, and the role of each weight."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_course_ext._layers import sublayers, walk
from keras_course_ext.monitoring.record.schema import (
    BIAS,
    EMBEDDING,
    KERNEL,
    RECURRENT,
    SCALE,
    LayerInfo,
)

# Keras numbers the weights that were given no name over the whole process: `variable_10`.
_NUMBERED = re.compile(r"variable(_\d+)?")
_WITHOUT_NAME = "variable"
# Attributes in which Keras and TensorFlow list the variables of a layer themselves.
_OF_KERAS = ("_trainable_variables", "_non_trainable_variables", "_self_")
# A list or dictionary may hold itself.
_DEEPEST = 4


@dataclass(frozen=True)
class LayerEntry:
    """One layer of a model.

    Attributes:
        name: The layer's name, with the names of the layers around it in front:
            `"encoder/dense"` for a layer `dense` of a nested model `encoder`.
        layer: The layer itself.
        weights: The trainable variables that the layer owns directly, by tensor name
            (`"kernel"`, `"bias"`, ...).
        info: What the records and the diagnosis keep of the layer.
    """

    name: str
    layer: keras.Layer
    weights: dict[str, keras.Variable]
    info: LayerInfo


def layer_entries(model: keras.Model) -> list[LayerEntry]:
    """List the layers of a model, nested ones included, a shared one once.

    The order is that in which the model holds its layers. The model itself is not in the list;
    neither are input layers.

    Args:
        model: A `keras.Model`; before it is built its layers have no weights yet.

    Returns:
        A list of `LayerEntry`.
    """
    entries: list[LayerEntry] = []
    names: set[str] = set()
    for path, layer in walk(model, into=_has_inner_layers):
        if isinstance(layer, keras.layers.InputLayer):
            continue
        name = _unique("/".join(path), names)
        weights = _own_weights(layer)
        entries.append(LayerEntry(name, layer, weights, _describe(name, layer, weights)))
    return entries


def _has_inner_layers(layer: keras.Layer) -> bool:
    """Say whether layers inside this one count by themselves; the cell of an RNN does not."""
    return not isinstance(layer, keras.layers.RNN)


def _own_weights(layer: keras.Layer) -> dict[str, keras.Variable]:
    children = sublayers(layer)
    inner = set()
    if _has_inner_layers(layer):
        inner = {id(w) for child in children for w in child.weights}
        children = []
    own = [w for w in layer.trainable_variables if id(w) not in inner]
    if any(_NUMBERED.fullmatch(w.name) for w in own):
        attributes = _attributes([layer, *children])
    else:
        attributes = {}
    names: set[str] = set()
    return {_unique(_weight_name(w, attributes), names): w for w in own}


def _weight_name(weight: keras.Variable, attributes: dict[int, str]) -> str:
    """Return the name that a weight was given, or else that of the attribute which holds it."""
    if not _NUMBERED.fullmatch(weight.name):
        return weight.name
    return attributes.get(id(weight), _WITHOUT_NAME)


def _attributes(layers: Sequence[keras.Layer]) -> dict[int, str]:
    """Return the name of the attribute that holds a variable, by the id of the variable.

    In a list or a dictionary, the index or the key follows the name of the attribute.
    """
    found: dict[int, str] = {}

    def add(name: str, value: Any, depth: int = 0) -> None:
        if depth > _DEEPEST:
            return
        if isinstance(value, keras.Variable):
            found.setdefault(id(value), name)
        elif isinstance(value, dict):
            for key, inner in value.items():
                add(f"{name}_{key}", inner, depth + 1)
        elif isinstance(value, list | tuple):
            for index, inner in enumerate(value):
                add(f"{name}_{index}", inner, depth + 1)

    for layer in layers:
        for name, value in vars(layer).items():
            if not name.startswith(_OF_KERAS):
                add(name.lstrip("_"), value)
    return found


def _unique(name: str, taken: set[str]) -> str:
    unique, n = name, 2
    while unique in taken:
        unique, n = f"{name}_{n}", n + 1
    taken.add(unique)
    return unique


def _units(layer: keras.Layer) -> int | None:
    shape = getattr(getattr(layer, "output", None), "shape", None)
    if shape:
        return shape[-1]
    # A subclassed model's layers have no symbolic output.
    return getattr(layer, "units", None) or getattr(layer, "filters", None)


def _describe(name: str, layer: keras.Layer, weights: dict[str, keras.Variable]) -> LayerInfo:
    activation = getattr(layer, "activation", None)
    initializer = getattr(layer, "kernel_initializer", None)
    roles = _roles(layer, list(weights.values()))
    kernels = [w for w, role in zip(weights.values(), roles, strict=True) if role == KERNEL]
    # As initializers count them: the last two axes are channels, those before them the window.
    shape = tuple(kernels[0].shape) if kernels else ()
    fans = [math.prod(shape[:-2]) * n for n in shape[-2:]] if len(shape) > 1 else [None, None]
    return LayerInfo(
        name=name,
        kind=type(layer).__name__,
        activation=getattr(activation, "__name__", None),
        initializer=type(initializer).__name__ if initializer is not None else None,
        weights=tuple(weights),
        fan_in=fans[0],
        fan_out=fans[1],
        units=_units(layer),
        roles=tuple(roles),
    )


def _roles(layer: keras.Layer, weights: list[keras.Variable]) -> list[str]:
    """Return the role of each weight of a layer, from the structure of the layer.

    A weight that has fewer axes than another one and the shape of that one's last axes is added to
    its product: a bias. So is the third weight of a recurrent cell, whose first two multiply the
    input and the state, and the second weight of a normalization.
    """
    if isinstance(layer, keras.layers.Embedding):
        return [EMBEDDING, *[BIAS] * (len(weights) - 1)][: len(weights)]
    shapes = [tuple(w.shape) for w in weights]
    matrices = [i for i, shape in enumerate(shapes) if len(shape) > 1]
    if isinstance(layer, keras.layers.PReLU):
        return [SCALE] * len(weights)
    roles = []
    for i, shape in enumerate(shapes):
        longer = [s for s in shapes if len(s) > len(shape)]
        is_last_axes = any(s[len(s) - len(shape) :] == shape for s in longer)
        if getattr(layer, "beta", None) is weights[i] or is_last_axes:
            roles.append(BIAS)
        elif len(shape) > 1:
            roles.append(KERNEL)
        else:
            roles.append(BIAS if matrices or i else SCALE)
    if isinstance(layer, keras.layers.RNN):
        of_cell = (KERNEL, RECURRENT)
        for number, i in enumerate(matrices):
            roles[i] = of_cell[number] if number < len(of_cell) else BIAS
    return roles
