"""Which layer's output goes into which layer, and which layers make an output of the model.

Keras keeps the graph of a Functional or Sequential model in private attributes of tensors and
operations, `_keras_history` and `_inbound_nodes`. If it drops them, or for a model whose `call` is
the user's own, the graph is unknown: `inputs` of a `LayerInfo` is None.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import keras

# Layers that pass their input's elements on as they are, in another shape.
_PASSING = ("Reshape", "Flatten", "Permute", "Dropout", "SpatialDropout1D", "SpatialDropout2D")


def layer_inputs(model: keras.Model, names: Mapping[int, str]) -> dict[str, tuple[str, ...]]:
    """Return the names of the layers whose outputs go into each layer.

    Args:
        model: The model.
        names: The names of its layers by the `id` of the layer.

    Returns:
        An entry for each layer whose inputs are known; () for one that takes inputs of the model.
    """
    found: dict[str, set[str]] = {}
    try:
        _collect(model, (), names, found)
    except (AttributeError, IndexError, TypeError, RecursionError):
        return {}
    return {name: tuple(sorted(inputs)) for name, inputs in found.items()}


def output_chains(model: Any) -> list[list[keras.Layer]]:
    """Return for each output of the model the layers that make it, the last one first.

    The chain ends with the first layer that has weights, and is empty where something else than a
    layer stands in it.
    """
    tensors = keras.tree.flatten(getattr(model, "outputs", None) or [])
    chains = []
    for tensor in tensors:
        try:
            chains.append(_chain(tensor))
        except (AttributeError, IndexError, TypeError):
            chains.append([])
    return chains


def _chain(tensor: Any) -> list[keras.Layer]:
    chain: list[keras.Layer] = []
    while True:
        history = tensor._keras_history
        operation = history.operation
        if isinstance(operation, keras.Model):
            tensor = keras.tree.flatten(operation.outputs)[history.tensor_index]
            continue
        if not isinstance(operation, keras.Layer):
            return []
        chain.append(operation)
        inputs = operation._inbound_nodes[history.node_index].input_tensors
        if operation.weights or not inputs:
            return chain
        if len(inputs) > 1 or not (_passes(operation) or is_activation(operation)):
            return chain
        tensor = inputs[0]


def is_activation(layer: keras.Layer) -> bool:
    """Say whether a layer does nothing but apply an activation function."""
    kinds = (keras.layers.Activation, keras.layers.ReLU, keras.layers.Softmax, keras.layers.ELU)
    more = (keras.layers.LeakyReLU,)
    return isinstance(layer, kinds + more)


def _passes(layer: keras.Layer) -> bool:
    return type(layer).__name__ in _PASSING


def _collect(
    model: Any,
    outside: tuple[str, ...],
    names: Mapping[int, str],
    found: dict[str, set[str]],
) -> None:
    """Add the inputs of the layers of a model, whose own inputs come from the layers `outside`."""
    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            outside = _add_layer(layer, outside, names, found)
        return
    operations = getattr(model, "operations", None)
    if operations is None:
        return
    inside = {id(operation) for operation in operations}
    sources: dict[int, set[str]] = {}

    def sources_of(tensors: Iterable[Any]) -> set[str]:
        return set().union(*(source(t) for t in tensors), set())

    def source(tensor: Any) -> set[str]:
        """Return the layers that a tensor comes from, through operations that are none."""
        if id(tensor) in sources:
            return sources[id(tensor)]
        history = tensor._keras_history
        operation = history.operation
        if isinstance(operation, keras.layers.InputLayer) or id(operation) not in inside:
            result = set(outside)
        elif id(operation) in names and not isinstance(operation, keras.Model):
            result = {names[id(operation)]}
        elif isinstance(operation, keras.Model):
            result = set(_output_names(operation, names))
        else:
            node = operation._inbound_nodes[history.node_index]
            result = sources_of(node.input_tensors)
        sources[id(tensor)] = result
        return result

    for operation in operations:
        if isinstance(operation, keras.layers.InputLayer) or id(operation) not in names:
            continue
        feeding: set[str] = set()
        for node in operation._inbound_nodes:
            # A layer that other models share has nodes there, too.
            tensors = node.input_tensors
            if all(id(t._keras_history.operation) in inside for t in tensors):
                feeding |= sources_of(tensors)
        _add_layer(operation, tuple(feeding), names, found)


def _add_layer(
    layer: Any, feeding: tuple[str, ...], names: Mapping[int, str], found: dict[str, set[str]]
) -> tuple[str, ...]:
    """Add the inputs of one layer, or of the layers of a model; return what its output is of."""
    if isinstance(layer, keras.Model):
        _collect(layer, feeding, names, found)
        return tuple(_output_names(layer, names))
    found.setdefault(names[id(layer)], set()).update(feeding)
    return (names[id(layer)],)


def _output_names(model: Any, names: Mapping[int, str]) -> list[str]:
    last = [chain[0] for chain in output_chains(model) if chain]
    return [names[id(layer)] for layer in last if id(layer) in names]
