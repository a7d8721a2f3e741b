"""The loss of a trace, in any form that `compile` accepts: one term per output."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext.backprop.arguments import per_output, shape_text

_MOST_UNITS = 16


@dataclass(frozen=True)
class Term:
    """The loss of one output.

    Attributes:
        output: Name of the output.
        loss: The loss object; None if the output has none.
        weight: Its factor in the total loss.
    """

    output: str
    loss: keras.losses.Loss | None
    weight: float

    def __call__(self, y: Any, y_pred: Any, sample_weight: Any = None) -> tf.Tensor:
        """The loss of this output, before its weight."""
        assert self.loss is not None
        self._refuse_broadcasting(y, y_pred)
        try:
            value = tf.convert_to_tensor(self.loss(y, y_pred, sample_weight))
        except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
            raise ValueError(
                f"The loss '{self.loss.name}' of the output '{self.output}' cannot compare targets "
                f"of shape {shape_text(y)} with predictions of shape {shape_text(y_pred)}: {error}"
            ) from error
        if value.shape.rank:
            raise ValueError(
                f"`trace` needs a scalar loss, but the loss '{self.loss.name}' of the output "
                f"'{self.output}' has shape {value.shape}. Give it the reduction "
                "'sum_over_batch_size' or 'sum'."
            )
        return value

    def by_unit(self, y: Any, y_pred: Any, sample_weight: Any = None) -> np.ndarray | None:
        """The terms of the units of the output in the loss, E = E₁ + E₂ + ..., or None.

        The loss is computed for each unit separately. If the sum or the mean of these is the loss
        of all units, they are its terms; a softmax crossentropy has none.
        """
        y, y_pred = tf.convert_to_tensor(y), tf.convert_to_tensor(y_pred)
        units = y_pred.shape[-1] if y_pred.shape.rank == 2 else 0
        if y.shape != y_pred.shape or not 1 < units <= _MOST_UNITS:
            return None
        whole = float(self(y, y_pred, sample_weight))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a softmax over one unit
            try:
                alone = np.array(
                    [
                        float(self(y[:, i : i + 1], y_pred[:, i : i + 1], sample_weight))
                        for i in range(units)
                    ]
                )
            except (ValueError, TypeError):
                return None
        for parts in (alone, alone / units):
            if np.isclose(parts.sum(), whole, rtol=1e-5, atol=0):
                return parts
        return None

    def _refuse_broadcasting(self, y: Any, y_pred: Any) -> None:
        assert self.loss is not None
        known = getattr(self.loss, "fn", self.loss.call).__module__.startswith("keras.")
        labels = "sparse" in type(self.loss).__name__.lower() + self.loss.name.lower()
        same_rank = len(y.shape) == len(y_pred.shape) and y.shape != y_pred.shape
        if known and same_rank and not labels:
            raise ValueError(
                f"The targets of the output '{self.output}' must have the shape of the "
                f"predictions, {shape_text(y_pred)}. Received: targets of shape {shape_text(y)}."
            )


@dataclass(frozen=True)
class Objective:
    """The total loss: the weighted losses of the outputs, and the losses that layers add."""

    terms: tuple[Term, ...]

    def __call__(
        self,
        y: Sequence[Any],
        y_pred: Sequence[Any],
        sample_weight: Sequence[Any],
        added: Sequence[tf.Tensor],
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Compute the total loss L and the loss of each output.

        Args:
            y: Targets, one per output.
            y_pred: Predictions, one per output.
            sample_weight: Sample weights or None, one per output.
            added: `model.losses`: of regularizers and of `add_loss`.
        """
        values = {
            term.output: term(t, p, w)
            for term, t, p, w in zip(self.terms, y, y_pred, sample_weight, strict=True)
            if term.loss is not None
        }
        weights = {term.output: term.weight for term in self.terms}
        parts = [value * weights[output] for output, value in values.items()]
        parts += [tf.reduce_sum(tf.cast(loss, _float(loss))) for loss in added]
        widest = max((part.dtype for part in parts), key=lambda dtype: dtype.size)
        return tf.add_n([tf.cast(part, widest) for part in parts]), values


def make_objective(
    model: keras.Model, outputs: Sequence[str], loss: Any = None, loss_weights: Any = None
) -> Objective:
    """The objective that `loss` denotes for the outputs of a model.

    Args:
        model: The model; its compiled loss is used if `loss` is None.
        outputs: Names of the outputs.
        loss: As `keras.Model.compile` takes it.
        loss_weights: As `keras.Model.compile` takes it.

    Raises:
        ValueError: If there is no loss, or its structure is not that of the outputs.
    """
    if loss is None:
        loss = getattr(model, "loss", None)
        if loss is None:
            raise ValueError(
                f"There is no loss to go back from: the model '{model.name}' is not compiled with "
                "one and none was given. Write `trace(model, x, y, loss='mse')`, or compile the "
                "model first."
            )
        if loss_weights is None:
            loss_weights = (model.get_compile_config() or {}).get("loss_weights")
    losses = per_output(loss, outputs, "loss", all_alike=True)
    weights = per_output(loss_weights, outputs, "loss_weights", all_alike=True)
    if all(one is None for one in losses):
        raise ValueError("At least one output must have a loss. Received: only None.")
    return Objective(
        tuple(
            Term(output, _resolved(one), 1.0 if weight is None else float(weight))
            for output, one, weight in zip(outputs, losses, weights, strict=True)
        )
    )


def _resolved(loss: Any) -> keras.losses.Loss | None:
    if loss is None or isinstance(loss, keras.losses.Loss):
        return loss
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    by_shape = isinstance(loss, str) and loss.lower() in ("crossentropy", "ce")
    function = _crossentropy if by_shape else keras.losses.get(loss)
    if isinstance(function, keras.losses.Loss):
        return function
    # A public loss class that treats a plain function as Keras does: equal ranks, mean over
    # samples.
    wrapped = keras.losses.MeanSquaredError(name=name)
    if not hasattr(wrapped, "fn"):  # not documented by Keras
        return _FunctionLoss(function, name)
    wrapped.fn = function
    return wrapped


class _FunctionLoss(keras.losses.Loss):
    """The mean over the samples of a plain function, whose arguments have equal ranks."""

    def __init__(self, function: Any, name: str):
        super().__init__(name=name)
        self._function = function

    def call(self, y_true, y_pred):
        return self._function(y_true, y_pred)


def _crossentropy(y_true: Any, y_pred: Any) -> Any:
    """The crossentropy that Keras selects, by the shapes, for the name "crossentropy"."""
    if y_pred.shape[-1] == 1:
        return keras.losses.binary_crossentropy(y_true, y_pred)
    if y_true.shape == y_pred.shape:
        return keras.losses.categorical_crossentropy(y_true, y_pred)
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)


def _float(loss: Any) -> Any:
    dtype = tf.convert_to_tensor(loss).dtype
    return dtype if dtype.is_floating else keras.config.floatx()
