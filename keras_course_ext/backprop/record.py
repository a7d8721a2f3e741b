"""The data of a trace: the numbers of one forward and backward pass, layer by layer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from keras_course_ext.backprop.problem import Problem


@dataclass(frozen=True, eq=False)
class WeightTrace:
    """One weight of a layer and its gradient.

    Attributes:
        name: Its name within the layer: `"kernel"`, `"bias"`, ...
        path: Its full name, the layer's included.
        value: W, an array of the shape of the weight, `(inputs, units)` for a kernel.
        gradient: ∂L/∂W, of the same shape, including regularizers; of a shared layer the sum over
            all its calls. Zeros if the loss does not depend on the weight.
        trainable: Whether it is trainable.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((2,)), kce.layers.Dense(1, "sigmoid", name="y")])
        >>> model.set_weights([np.array([[1.0], [-1.0]]), np.zeros(1)])
        >>> trace = kce.backprop.trace(model, np.array([[1.0, 1.0]]), np.array([[1.0]]), "mse")
        >>> kernel = trace["y"].weights[0]
        >>> print(kernel.name, kernel.value.ravel(), kernel.gradient.ravel())
        kernel [ 1. -1.] [-0.25 -0.25]

    Deck: chapter 4, W⁽²⁾ and W⁽³⁾, b⁽²⁾ and b⁽³⁾ of the table.
    """

    name: str
    path: str
    value: np.ndarray
    gradient: np.ndarray
    trainable: bool


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """One call of one layer, forward and backward.

    Attributes:
        number: Integer ≥ 1, the superscript of the deck: 1 is the input, then in order of
            execution.
        name: The layer's name; for the second call of a shared layer `"name, call 2"`.
        kind: The name of its class, `"Dense"`.
        role: String: `"input"`, `"hidden"` or `"output"`.
        inputs: Numbers of the layers whose outputs it reads.
        activation: Name of the layer's activation function, or of the one that the layer itself is;
            None if there is none.
        z: Z, before the activation, `(batch, units)`; None for the input and for layers that do not
            compute exactly one.
        a: A, the output, an array of the shape of Z; the first one if there are several.
        da: ∂L/∂A, of the shape of A; None if the loss does not depend on A, as where it is computed
            from the logits.
        delta: δ = ∂L/∂Z, of the shape of Z; None if there is no Z, or the loss does not depend on
            it.
        weights: The layer's weights that are trainable, or would be if it were not frozen.
        rule: How the gradients were computed: `"dense"`, `"activation"`, `"sum"` (an input, whose
            gradient is the sum over the layers that read it) or `"tensorflow"`.
        derivative: String, f' in the deck's symbols, if δ was computed by that formula; else None.
        outputs: Names of the model's outputs that are computed from this layer's output without
            another layer in between.
        from_logits: Whether the loss is computed from Z, not from A.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((2,)), kce.layers.Dense(1, "sigmoid", name="y")])
        >>> model.set_weights([np.array([[1.0], [-1.0]]), np.zeros(1)])
        >>> trace = kce.backprop.trace(model, np.array([[1.0, 1.0]]), np.array([[1.0]]), "mse")
        >>> layer = trace["y"]
        >>> print(layer.number, layer.role, layer.activation, layer.derivative)
        2 output sigmoid A (1 − A)
        >>> print(layer.z, layer.a, layer.da, layer.delta)
        [[0.]] [[0.5]] [[-1.]] [[-0.25]]

    Deck: chapter 4, Z, A and the errors of one layer in the tables.
    """

    number: int
    name: str
    kind: str
    role: str
    inputs: tuple[int, ...]
    activation: str | None
    z: np.ndarray | None
    a: np.ndarray
    da: np.ndarray | None
    delta: np.ndarray | None
    weights: tuple[WeightTrace, ...]
    rule: str = "tensorflow"
    derivative: str | None = None
    outputs: tuple[str, ...] = ()
    from_logits: bool = False


@dataclass(frozen=True, eq=False)
class TraceRecord:
    """The fields of a `Trace`, which documents them, for the modules that process a trace.

    `Trace` adds the methods that need those modules; in one class the imports would be circular.
    """

    model_name: str
    layers: tuple[LayerTrace, ...]
    targets: Mapping[str, np.ndarray]
    losses: Mapping[str, float]
    loss: float
    problem: Problem = field(repr=False)

    def __getitem__(self, name: str) -> LayerTrace:
        """The layer of that name; for the second call of a shared layer, `"name, call 2"`."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(
            f"No layer of that name in the trace. Received: {name!r}. The names are: "
            f"{', '.join(repr(layer.name) for layer in self.layers)}."
        )
