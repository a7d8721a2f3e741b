"""The Huber loss as a Keras loss."""

from typing import Any

import keras

from keras_course_ext import ops
from keras_course_ext.ops.losses.huber import checked_delta


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Huber(keras.losses.Loss):
    """Squared up to an error of δ, linear beyond; see `kce.ops.huber` for its derivative.

        E = 1/n Σᵢ h(eᵢ),   h(e) = e²/2 for |e| ≤ δ,   δ |e| − δ²/2 beyond,   eᵢ = aᵢ − tᵢ

    Args:
        delta: δ, a number above 0, the error at which the loss turns from squared to linear.
            Defaults to 1.
        reduction: How the losses of the samples become one number, as for `keras.losses.Loss`:
            "sum_over_batch_size", "mean_with_sample_weight", "sum" or None. Defaults to
            "sum_over_batch_size".
        name: Name of the loss. Defaults to "huber_loss".
        dtype: Dtype of the computation. Defaults to None: `keras.config.floatx()`.

    Call arguments:
        y_true: t, targets of shape `(batch, ..., n)`.
        y_pred: a, predictions of the same shape, floating point.

    Raises:
        ValueError: If `delta` is not a number above 0, or the shapes of targets and predictions
            differ.

    Example:
        >>> import keras_course_ext as kce
        >>> loss = kce.losses.Huber()
        >>> float(loss([[0.0, 0.0]], [[0.5, 9.0]]))
        4.3125

    Differs from Keras:
        See `kce.ops.huber`. `delta` is part of the config, so that a loaded loss has it; Keras's is
        loaded with 1.

    Reference: Huber, Robust Estimation of a Location Parameter, Annals of Mathematical Statistics
    35 (1964), 73-101.
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.delta = checked_delta(delta)

    def call(self, y_true, y_pred):
        """The loss of each sample."""
        return ops.huber(y_true, y_pred, self.delta)

    def get_config(self):
        """The arguments of `__init__`."""
        return {**super().get_config(), "delta": self.delta}
