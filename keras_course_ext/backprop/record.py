"""What a trace holds: the numbers of one pass forward and back, layer by layer."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from keras_course_ext.backprop.check import CheckReport
    from keras_course_ext.backprop.problem import Problem


@dataclass(frozen=True, eq=False)
class WeightTrace:
    """One weight of a layer and its gradient.

    Attributes:
        name: Its name within the layer: `"kernel"`, `"bias"`, ...
        path: Its full name, the layer's included.
        value: W, an array of the shape of the weight, `(inputs, units)` for a kernel.
        gradient: ∂L/∂W, of the same shape, with what regularizers add to it, over all uses of a
            shared layer together. Zeros where no gradient reaches the weight.
        trainable: Whether training would change it.

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
    """One use of one layer, forward and back.

    Attributes:
        number: Integer ≥ 1, the superscript of the deck: 1 is the input, then in order of
            execution.
        name: The layer's name; of a shared layer's second use `"name, call 2"`.
        kind: The name of its class, `"Dense"`.
        role: String: `"input"`, `"hidden"` or `"output"`.
        inputs: Numbers of the layers that feed it.
        activation: Name of the activation function, whether the layer has one built in or is one
            itself; None if there is none.
        z: Z, before the activation, `(batch, units)`; None for the input and for layers without a
            single one.
        a: A, the output, an array of the shape of Z; the first one if there are several.
        da: ∂L/∂A, of the shape of A; None where no gradient arrives at A, as where the loss starts
            from the logits.
        delta: δ = ∂L/∂Z, of the shape of Z; None where there is no Z, or no gradient arrives.
        weights: The layer's weights, those that training changes or would change if not frozen.
        rule: How the gradients were computed: `"dense"`, `"activation"`, `"sum"` (the input, which
            only collects what comes back) or `"tensorflow"`.
        derivative: String: f' in the deck's symbols, where it was computed by that formula, or
            None.
        outputs: Names of the model's outputs that this layer makes.
        from_logits: Whether the loss starts from Z and passes over A.

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
class Trace:
    """The numbers of one pass forward and back through a model; made by `kce.backprop.trace`.

    `print(trace)` lays them out in the deck's tables, `trace["name"]` is one layer.

    Attributes:
        model_name: Name of the model.
        layers: The layers in order of execution, the inputs first.
        targets: What the outputs should be, by the name of the output.
        losses: Loss of each output, by its name, before loss weights.
        loss: The loss L in all: with loss weights and what regularizers add.
        problem: The model, the data and the loss, from which `check` computes the same again.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((2,)), kce.layers.Dense(1, "sigmoid", name="y")])
        >>> model.set_weights([np.array([[1.0], [-1.0]]), np.zeros(1)])
        >>> trace = kce.backprop.trace(model, np.array([[1.0, 1.0]]), np.array([[1.0]]), "mse")
        >>> [layer.name for layer in trace.layers], trace.loss
        (['input', 'y'], 0.25)
        >>> trace.check().ok
        True
        >>> page = trace.to_html()
        >>> axes = trace.plot()

    Deck: chapter 4, the tables of error back-propagation.
    """

    model_name: str
    layers: tuple[LayerTrace, ...]
    targets: Mapping[str, np.ndarray]
    losses: Mapping[str, float]
    loss: float
    problem: "Problem" = field(repr=False)

    def __getitem__(self, name: str) -> LayerTrace:
        """The layer of that name, a shared layer's second use as `"name, call 2"`."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(
            f"No layer of that name in the trace. Received: {name!r}. The names are: "
            f"{', '.join(repr(layer.name) for layer in self.layers)}."
        )

    def __repr__(self) -> str:
        return f"<Trace of '{self.model_name}': {len(self.layers)} layers, loss {self.loss:.6g}>"

    def __str__(self) -> str:
        from keras_course_ext.backprop.table import as_text

        return as_text(self)

    def to_html(self, path: str | os.PathLike | None = None) -> str:
        """The same tables as a page that needs nothing beside itself.

        Args:
            path: File to write the page to as well. Defaults to None: to none.

        Returns:
            The page.

        Raises:
            ImportError: If jinja2 is not installed; the message says how to install it.
        """
        from keras_course_ext.backprop.html import as_html

        page = as_html(self)
        if path is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(page)
        return page

    def check(self, rtol: float | None = None) -> "CheckReport":
        """Compare every entry with automatic differentiation of the whole model.

        Args:
            rtol: Float ≥ 0. What an element may be off, as a share of the largest of its array.
                Defaults to None: what fits the coarsest dtype that the model computes in.

        Returns:
            A report, which prints as a table.

        Raises:
            TraceError: If an entry is off: the worst element, its place and both values.
        """
        from keras_course_ext.backprop.check import check

        return check(self, rtol)

    def plot(self, path: str | os.PathLike | None = None, **kwargs: Any) -> Any:
        """Draw the network with its values and gradients.

        Args:
            path: File to write the picture to as well; the ending decides the format. Defaults to
                None: to none.
            **kwargs: The further arguments of `kce.plotting.network`.

        Returns:
            The `matplotlib.axes.Axes`.

        Raises:
            ImportError: If matplotlib is not installed; the message says how to install it.
        """
        from keras_course_ext.plotting.network import network

        axes = network(self, **kwargs)
        if path is not None:
            axes.figure.savefig(path, bbox_inches="tight")
        return axes
