"""A hidden layer as a map of the plane, and the rest of the model as a function of its units."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

_BATCH = 8192
# From a threshold of the output to that of the weighted sum, whose contour is an exactly straight
# line.
_LOGIT = {
    "sigmoid": lambda p: float(np.log(p) - np.log1p(-p)),
    "step": lambda p: 0.0,
}


@dataclass(frozen=True)
class HiddenLayer:
    """A hidden layer of a model.

    Attributes:
        name: Its name.
        units: Its number of units.
        map: From points of the plane, `(n, 2)`, to its outputs, `(n, units)`.
        rest: From its outputs to the model's, `(n,)`; None if the model has several outputs.
        following: Kernel, `(units,)`, and bias of the dense layer of one unit after it; None if
            another layer follows.
        activation: The name of that layer's activation.
    """

    name: str
    units: int
    map: Callable[[np.ndarray], np.ndarray]
    rest: Callable[[np.ndarray], np.ndarray] | None
    following: tuple[np.ndarray, float] | None
    activation: str

    def level(self, threshold: float) -> float | None:
        """Return the weighted sum at which the output is the threshold; None if it is unknown."""
        if self.following is None or self.activation not in _LOGIT or not 0 < threshold < 1:
            return None
        return _LOGIT[self.activation](threshold)


def hidden_layer(model: Any, layer: Any) -> HiddenLayer:
    """Return the hidden layer of that name, index or object; by default the last one.

    Raises:
        TypeError: If `model` is not a Sequential or Functional model.
        ValueError: If its inputs are not points of a plane, or it has no such layer.
    """
    tensor, name = _tensor(model, layer)
    outputs = model.outputs[0]
    several = len(model.outputs) > 1 or outputs.shape[-1] != 1 or len(outputs.shape) != 2
    dense = next((one for one in model.layers if _input_is(one, tensor)), None)
    following = None
    if dense is not None and not several and dense.units == 1 and dense is model.layers[-1]:
        bias = float(dense.bias.numpy()[0]) if dense.use_bias else 0.0
        following = np.asarray(dense.kernel.numpy()[:, 0], np.float64), bias
    rest = None if several else keras.Model(tensor, outputs)
    inner = keras.Model(model.inputs[0], tensor)
    return HiddenLayer(
        name,
        int(tensor.shape[-1]),
        lambda x: _called(inner, x),
        None if rest is None else lambda h: _called(rest, h)[:, 0],
        following,
        getattr(getattr(dense, "activation", None), "__name__", ""),
    )


def _tensor(model: Any, layer: Any) -> tuple[Any, str]:
    """Return the outputs of the layer in the model, and its name."""
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise TypeError(
            "`model` of hidden_space must be a Sequential or Functional model that has been built. "
            f"Received: {model!r}. Give it an input: `keras.Input((2,))` as the first layer."
        )
    if len(model.inputs) != 1 or tuple(model.inputs[0].shape[1:]) != (2,):
        shapes = ", ".join(str(tuple(one.shape)) for one in model.inputs)
        raise ValueError(
            "`model` of hidden_space must take points of a plane, in shape (None, 2). "
            f"Received: a model of inputs {shapes}."
        )
    layers = [one for one in model.layers if not isinstance(one, keras.layers.InputLayer)]
    names = ", ".join(repr(one.name) for one in layers[:-1])
    if layer is None:
        dense = [one for one in layers if isinstance(one, keras.layers.Dense)]
        if len(dense) < 2:
            raise ValueError(
                "`model` of hidden_space must have a hidden layer: at least two dense layers. "
                f"Received: {len(dense)}. A perceptron is drawn by `decision_boundary`."
            )
        tensor = dense[-1].input
        return tensor, next((one.name for one in layers if one.output is tensor), dense[-2].name)
    if isinstance(layer, int) and not isinstance(layer, bool) and -len(layers) <= layer:
        found = layers[layer] if layer < len(layers) else None
    else:
        found = next((one for one in layers if layer is one or layer == one.name), None)
    if found is None or found is layers[-1]:
        raise ValueError(
            f"`layer` of hidden_space must be the name or index of a hidden layer: {names}. "
            f"Received: layer={layer!r}."
        )
    if len(found.output.shape) != 2:
        raise ValueError(
            "`layer` of hidden_space must have outputs of shape (batch, units). "
            f"Received: '{found.name}' with {tuple(found.output.shape)}."
        )
    return found.output, found.name


def _input_is(layer: Any, tensor: Any) -> bool:
    return isinstance(layer, keras.layers.Dense) and layer.input is tensor


def _called(model: Any, x: np.ndarray) -> np.ndarray:
    parts = [
        keras.ops.convert_to_numpy(model(x[start : start + _BATCH], training=False))
        for start in range(0, len(x), _BATCH)
    ]
    return np.concatenate(parts).astype(np.float64)
