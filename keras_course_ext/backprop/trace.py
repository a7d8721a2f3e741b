"""`trace`: one forward and backward pass through a model, with all numbers kept."""

import os
from dataclasses import dataclass
from typing import Any

import keras

from keras_course_ext.backprop.backward import backward
from keras_course_ext.backprop.check import check
from keras_course_ext.backprop.check_report import CheckReport
from keras_course_ext.backprop.collect import layer_traces
from keras_course_ext.backprop.forward import forward
from keras_course_ext.backprop.html import as_html, as_part
from keras_course_ext.backprop.problem import make_problem
from keras_course_ext.backprop.record import TraceRecord
from keras_course_ext.backprop.table import as_text


@dataclass(frozen=True, eq=False)
class Trace(TraceRecord):
    """The numbers of one forward and backward pass; `kce.backprop.trace` returns it.

    `print(trace)` shows them in the deck's tables, `trace["name"]` is one layer.

    Attributes:
        model_name: Name of the model.
        layers: The layers in order of execution, the inputs first.
        targets: The targets, by the name of the output.
        losses: Loss of each output, by its name, without loss weights.
        loss: The total loss L, with loss weights and regularizers.
        problem: The model, the data and the loss, from which `check` computes the reference.

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

    def __repr__(self) -> str:
        return f"<Trace of '{self.model_name}': {len(self.layers)} layers, loss {self.loss:.6g}>"

    def __str__(self) -> str:
        return as_text(self)

    def to_html(self, path: str | os.PathLike | None = None) -> str:
        """The same tables as a self-contained HTML page.

        Args:
            path: File to write the page to. Defaults to None: no file is written.

        Returns:
            The page.

        Raises:
            ImportError: If jinja2 is not installed; the message says how to install it.
        """
        page = as_html(self)
        if path is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(page)
        return page

    def _repr_html_(self) -> str | None:
        """Return the tables as a notebook shows them."""
        return as_part(self)

    def check(self, rtol: float | None = None) -> CheckReport:
        """Compare every entry with automatic differentiation of the whole model.

        Args:
            rtol: Float ≥ 0. The largest deviation allowed, relative to the largest element of the
                array. Defaults to None: chosen by the least precise dtype that the model uses.

        Returns:
            A report, which prints as a table.

        Raises:
            TraceError: If an entry deviates by more. The message names the element with the largest
                deviation, its index and both values.
        """
        return check(self, rtol)

    def plot(self, path: str | os.PathLike | None = None, **kwargs: Any) -> Any:
        """Draw the network with its values and gradients.

        Args:
            path: File to write the picture to; its suffix determines the format. Defaults to None:
                no file is written.
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


def trace(
    model: keras.Model,
    x: Any,
    y: Any,
    loss: Any = None,
    *,
    loss_weights: Any = None,
    sample_weight: Any = None,
    training: bool = False,
) -> Trace:
    """Run a batch forward and backward through a model and keep all numbers.

        Z = A W + b,  A = f(Z)                                  forward
        δ = ∂L/∂A · f'(Z)                                       backward
        ∂L/∂W = Aᵀ δ,  ∂L/∂b = Σ δ,  ∂L/∂A = δ Wᵀ

    where the A in A W and in Aᵀ δ is that of the layer before. For dense layers and activation
    functions, ours and Keras's, the gradients are computed by these formulas; for other layers
    TensorFlow computes them. Z is recorded even if the activation function is part of its layer.

    The state of the model does not change: weights, moving statistics, seeds of random layers.

    Args:
        model: A built `keras.Model`: Sequential or Functional, of any Keras layers, with several
            inputs and outputs, shared layers and models inside it; a subclassed one too. Layers
            inside a layer are not listed separately.
        x: The inputs: an array, or a list or dict of them, of at least one sample.
        y: The targets in the same way, by the order or the names of the outputs.
        loss: As `keras.Model.compile` takes it. Defaults to the one that the model is compiled
            with.
        loss_weights: As `keras.Model.compile` takes it. Defaults to none, or, if `loss` is omitted,
            to those that the model is compiled with.
        sample_weight: One weight per sample: an array, or one array per output. Defaults to none.
        training: The `training` argument of the layers: with True a Dropout drops units and a
            BatchNormalization uses the statistics of the batch. Defaults to False.

    Returns:
        A `Trace`: print it, look a layer up by its name, `check()` it, `to_html()`, `plot()`.

    Raises:
        TypeError: If `model` is not a Keras model, or `x` or `y` are not dense arrays.
        ValueError: If the model is not built, there is no loss, or the number or the shape of
            inputs or targets does not fit.
        RuntimeError: If it is called while a `tf.function` is being traced.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((2,)), kce.layers.Dense(1, "sigmoid", name="y")])
        >>> model.set_weights([np.array([[1.0], [-1.0]]), np.zeros(1)])
        >>> trace = kce.backprop.trace(model, np.array([[1.0, 1.0]]), np.array([[1.0]]), "mse")
        >>> layer = trace["y"]
        >>> print(layer.z, layer.a, layer.da, layer.delta)
        [[0.]] [[0.5]] [[-1.]] [[-0.25]]
        >>> layer.weights[0].gradient.tolist()
        [[-0.25], [-0.25]]
        >>> trace.check().ok
        True

    Differs from the deck:
        Rows of Z, A and δ are samples, so a weight from unit i to unit j is W[i, j], and
        Z = A W + b; the deck's w with subscripts j, i is the same number.

    Reference: Rumelhart, Hinton & Williams (1986), "Learning representations by back-propagating
    errors".

    Deck: chapter 4, the tables of error back-propagation.
    """
    problem = make_problem(model, x, y, loss, loss_weights, sample_weight, training)
    with problem.as_it_was():
        run = forward(problem)
        back = backward(run)
    return Trace(
        model_name=model.name,
        layers=layer_traces(problem, run, back),
        targets={
            n: t.numpy() for n, t in zip(problem.outputs, problem.y, strict=True) if t is not None
        },
        losses={output: float(value) for output, value in run.losses.items()},
        loss=float(run.loss),
        problem=problem,
    )
