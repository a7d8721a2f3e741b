"""The inputs of a trace: a model, a batch, a loss, and the values of all variables."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext.backprop.arguments import (
    batch_size,
    input_batch,
    input_names,
    require_traceable,
    target_batch,
    weight_batch,
)
from keras_course_ext.backprop.objective import Objective, make_objective


@dataclass(frozen=True, eq=False)
class Problem:
    """A model, a batch and a loss that can be run again with the same results.

    Attributes:
        model: The model.
        x: The inputs, tensors in the structure that the model takes.
        inputs: Names of the inputs, in the order in which `x` flattens.
        outputs: Names of the outputs.
        y: The targets, one per output.
        sample_weight: Sample weights or None, one per output.
        objective: The loss.
        training: The `training` argument of the layers.
        state: The value of every variable of the model, in the order of `model.variables`.
    """

    model: keras.Model
    x: Any
    inputs: Sequence[str]
    outputs: Sequence[str]
    y: Sequence[tf.Tensor | None]
    sample_weight: Sequence[tf.Tensor | None]
    objective: Objective
    training: bool
    state: Sequence[np.ndarray]

    @contextmanager
    def as_it_was(self) -> Iterator[None]:
        """Set the model to the state that it was traced in, and restore its own at the end.

        So a pass with `training=True` changes neither the statistics of a BatchNormalization nor
        the seed of a Dropout, and a second pass draws the same random numbers.
        """
        before = state_of(self.model)
        _restore(self.model, self.state)
        try:
            yield
        finally:
            _restore(self.model, before)

    def loss(self, y_pred: Any) -> tuple[tf.Tensor, Mapping[str, tf.Tensor]]:
        """The total loss and the loss of each output, for the model's latest predictions."""
        flat = keras.tree.flatten(y_pred)
        return self.objective(self.y, flat, self.sample_weight, self.model.losses)


def make_problem(
    model: Any,
    x: Any,
    y: Any,
    loss: Any = None,
    loss_weights: Any = None,
    sample_weight: Any = None,
    training: bool = False,
) -> Problem:
    """Check the arguments of `trace`, and convert them to tensors."""
    require_traceable(model)
    tensors = input_batch(model, x)
    size = batch_size(tensors)
    outputs = _output_names(model, tensors, training)
    targets = target_batch(y, outputs, size)
    objective = make_objective(model, outputs, loss, loss_weights)
    for term, target in zip(objective.terms, targets, strict=True):
        if term.loss is not None and target is None:
            raise ValueError(f"There is no target for the output '{term.output}' in `y`.")
    return Problem(
        model=model,
        x=tensors,
        inputs=input_names(model, tensors),
        outputs=outputs,
        y=targets,
        sample_weight=weight_batch(sample_weight, outputs, size),
        objective=objective,
        training=training,
        state=state_of(model),
    )


def state_of(model: keras.Model) -> list[np.ndarray]:
    """The value of every variable: weights, statistics, the seeds of random layers."""
    return [variable.numpy() for variable in model.variables]


def _restore(model: keras.Model, state: Sequence[np.ndarray]) -> None:
    if len(state) != len(model.variables):
        raise ValueError(
            f"The model '{model.name}' had {len(state)} variables when it was traced and has "
            f"{len(model.variables)} now. Trace it again."
        )
    for variable, value in zip(model.variables, state, strict=True):
        if variable.numpy().tobytes() != value.tobytes():
            variable.assign(value)


def _output_names(model: Any, x: Any, training: bool) -> list[str]:
    if getattr(model, "outputs", None):
        made = getattr(model, "output", model.outputs)  # a Sequential has no `output`
    else:  # the structure of a subclassed model's outputs is known only from a call
        before = state_of(model)
        made = model(x, training=training)
        _restore(model, before)
    if isinstance(made, dict):
        return [str(key) for key in sorted(made)]
    n = len(keras.tree.flatten(made))
    names = list(getattr(model, "output_names", None) or [])
    if isinstance(model, keras.Sequential):
        names = [model.layers[-1].name]
    if len(set(names)) == n:
        return names
    return ["output"] if n == 1 else [f"output_{i + 1}" for i in range(n)]
