"""`trace`: one pass through a model, forward and back, with every number kept."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_course_ext.backprop.backward import Back, Backward, backward
from keras_course_ext.backprop.forward import Call, Forward, forward
from keras_course_ext.backprop.problem import Problem, problem
from keras_course_ext.backprop.record import LayerTrace, Trace, WeightTrace


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
    """Run a batch forward and back through a model and keep every number of it.

        Z = A W + b,  A = f(Z)                                  forward
        δ = ∂L/∂A · f'(Z)                                       and back
        ∂L/∂W = Aᵀ δ,  ∂L/∂b = Σ δ,  ∂L/∂A = δ Wᵀ

    where A left of an arrow is that of the layer before. Dense layers and activation functions,
    ours and Keras's, are gone back through by these formulas, other layers by TensorFlow's
    gradient. Z is there also where the activation function is built into its layer.

    The model is left as it was: weights, moving statistics, the seeds of random layers.

    Args:
        model: A built `keras.Model`: Sequential or Functional, of any Keras layers, with several
            inputs and outputs, shared layers and models inside it; a subclassed one too. A layer
            inside a layer is part of it.
        x: The inputs: an array, or a list or dict of them, of at least one sample.
        y: The targets in the same way, by the order or the names of the outputs.
        loss: As `keras.Model.compile` takes it. Defaults to the one that the model is compiled
            with.
        loss_weights: As `keras.Model.compile` takes it. Defaults to none, or where `loss` is left
            out to those that the model is compiled with.
        sample_weight: One weight a sample, an array or one an output. Defaults to none.
        training: What the layers are told: under True a Dropout drops and a BatchNormalization
            uses the statistics of the batch. Defaults to False.

    Returns:
        A `Trace`: print it, look a layer up by its name, `check()` it, `to_html()`, `plot()`.

    Raises:
        TypeError: If `model` is no Keras model, or `x` or `y` are no dense arrays.
        ValueError: If the model is not built, there is no loss, or a number or a shape of inputs
            or targets does not fit.
        RuntimeError: While a `tf.function` is being traced.

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
    asked = problem(model, x, y, loss, loss_weights, sample_weight, training)
    with asked.as_it_was():
        run = forward(asked)
        back = backward(run)
    return Trace(
        model_name=model.name,
        layers=(*_inputs(asked, run, back), *_layers(asked, run, back)),
        targets={
            n: t.numpy() for n, t in zip(asked.outputs, asked.y, strict=True) if t is not None
        },
        losses={output: float(value) for output, value in run.losses.items()},
        loss=float(run.loss),
        problem=asked,
    )


def _inputs(asked: Problem, run: Forward, back: Backward) -> list[LayerTrace]:
    return [
        LayerTrace(
            number=i + 1,
            name=name,
            kind="InputLayer",
            role="input",
            inputs=(),
            activation=None,
            z=None,
            a=x.numpy(),
            da=_array(dx),
            delta=None,
            weights=(),
            rule="sum",
        )
        for i, (name, x, dx) in enumerate(zip(asked.inputs, run.x, back.dx, strict=True))
    ]


def _layers(asked: Problem, run: Forward, back: Backward) -> list[LayerTrace]:
    n = len(run.x)
    return [
        _layer(
            n + k + 1,
            call,
            found,
            tuple(
                name
                for name, positions in zip(asked.outputs, back.reaches, strict=True)
                if n + k in positions
            ),
            _weights(call, run, back),
        )
        for k, (call, found) in enumerate(zip(run.calls, back.calls, strict=True))
    ]


def _layer(
    number: int,
    call: Call,
    back: Back,
    outputs: tuple[str, ...],
    weights: tuple[WeightTrace, ...],
) -> LayerTrace:
    return LayerTrace(
        number=number,
        name=call.name,
        kind=type(call.site.layer).__name__,
        role="output" if outputs else "hidden",
        inputs=tuple(position + 1 for position in back.feeds),
        activation=call.activation,
        z=_array(call.z),
        a=call.first.numpy(),
        da=_array(back.da),
        delta=_array(back.delta),
        weights=weights,
        rule=back.rule,
        derivative=None if back.derivative is None else back.derivative.formula,
        outputs=outputs,
        from_logits=back.da is None and call.logits is not None and back.delta is not None,
    )


def _weights(call: Call, run: Forward, back: Backward) -> tuple[WeightTrace, ...]:
    weights = [weight for weight in call.site.layer.weights if id(weight) in run.variables]
    traced = []
    for weight, name in zip(weights, _names(call.site.layer, weights), strict=True):
        value, found = weight.numpy(), back.weights.get(id(weight))
        gradient = np.zeros_like(value) if found is None else found.numpy()
        traced.append(WeightTrace(name, weight.path, value, gradient, bool(weight.trainable)))
    return tuple(traced)


def _names(layer: keras.Layer, weights: Sequence[Any]) -> list[str]:
    """`"kernel"`; and `"query/kernel"` where a layer has several kernels inside."""
    names = [weight.name for weight in weights]
    return [
        weight.path.split(f"{layer.name}/", 1)[-1] if names.count(name) > 1 else name
        for name, weight in zip(names, weights, strict=True)
    ]


def _array(tensor: Any) -> np.ndarray | None:
    return None if tensor is None else tensor.numpy()
