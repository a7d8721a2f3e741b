"""What a model consists of: its layers under readable names, and the weights each one owns."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import keras

from keras_course_ext.monitoring.history import LayerInfo


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


def inventory(model: keras.Model) -> list[LayerEntry]:
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
    for name, layer in _walk(model, prefix="", seen={id(model)}):
        if isinstance(layer, keras.layers.InputLayer):
            continue
        unique = _unique(name, names)
        weights = _own_weights(layer)
        entries.append(LayerEntry(unique, layer, weights, _describe(unique, layer, weights)))
    return entries


def _walk(layer: keras.Layer, prefix: str, seen: set[int]) -> Iterator[tuple[str, keras.Layer]]:
    for child in _sublayers(layer):
        if id(child) in seen:
            continue
        seen.add(id(child))
        yield prefix + child.name, child
        yield from _walk(child, f"{prefix}{child.name}/", seen)


def _sublayers(layer: keras.Layer) -> list[keras.Layer]:
    """Return the layers directly inside a layer; the cell of an RNN counts as part of it.

    `Model.layers` is public but says nothing of layers inside a custom layer or inside Keras's
    own composite ones (MultiHeadAttention, Bidirectional), so the private list that it is
    computed from is asked first.
    """
    if isinstance(layer, keras.layers.RNN):
        return []
    flatten = getattr(layer, "_flatten_layers", None)
    if flatten is not None:
        return list(flatten(include_self=False, recursive=False))
    return list(getattr(layer, "layers", ()))


def _own_weights(layer: keras.Layer) -> dict[str, keras.Variable]:
    inner = {id(w) for child in _sublayers(layer) for w in child.weights}
    names: set[str] = set()
    return {_unique(w.name, names): w for w in layer.trainable_variables if id(w) not in inner}


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
    # As initializers count them: the last two axes are channels, those before them the window.
    shape = tuple(weights["kernel"].shape) if "kernel" in weights else ()
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
    )
