"""The loss that a trace goes back from: whatever `compile` takes, one term an output."""

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
    """What one output adds to the loss.

    Attributes:
        output: Name of the output.
        loss: The loss object; None if the output has none.
        weight: Factor in the total.
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
                f"A trace goes back from one number, but the loss '{self.loss.name}' of the output "
                f"'{self.output}' has shape {value.shape}. Give it the reduction "
                "'sum_over_batch_size' or 'sum'."
            )
        return value

    def by_unit(self, y: Any, y_pred: Any, sample_weight: Any = None) -> np.ndarray | None:
        """What each unit of the output adds to the loss, E = E₁ + E₂ + ..., or None.

        Found by trying: the loss of each unit alone. If these sum, or average, to the loss of all
        units, they are its parts; a softmax crossentropy has none.
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
    """The loss in all: the weighted terms of the outputs, and what the model's layers add."""

    terms: tuple[Term, ...]

    def __call__(
        self,
        y: Sequence[Any],
        y_pred: Sequence[Any],
        sample_weight: Sequence[Any],
        added: Sequence[tf.Tensor],
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """The loss L and the loss of each output.

        Args:
            y: Targets, one an output.
            y_pred: Predictions, one an output.
            sample_weight: Sample weights or None, one an output.
            added: `model.losses`: regularizers, and what layers add.
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


def objective(
    model: keras.Model, outputs: Sequence[str], loss: Any = None, loss_weights: Any = None
) -> Objective:
    """What `loss` means for the outputs of a model.

    Args:
        model: The model, whose compiled loss it is if `loss` is None.
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
    # The public loss with Keras's own treatment of a plain function: same rank, mean over samples.
    wrapped = keras.losses.MeanSquaredError(name=name)
    wrapped.fn = function
    return wrapped


def _crossentropy(y_true: Any, y_pred: Any) -> Any:
    """The one that Keras means by the name "crossentropy", which depends on the shapes."""
    if y_pred.shape[-1] == 1:
        return keras.losses.binary_crossentropy(y_true, y_pred)
    if y_true.shape == y_pred.shape:
        return keras.losses.categorical_crossentropy(y_true, y_pred)
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)


def _float(loss: Any) -> Any:
    dtype = tf.convert_to_tensor(loss).dtype
    return dtype if dtype.is_floating else keras.config.floatx()
