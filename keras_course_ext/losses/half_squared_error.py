"""Half the squared error as a Keras loss."""

from typing import Any

import keras

from keras_course_ext import ops


@keras.saving.register_keras_serializable(package="keras_course_ext")
class HalfSquaredError(keras.losses.Loss):
    """E = 1/2 Σᵢ (tᵢ − aᵢ)², the deck's loss; see `kce.ops.half_squared_error`.

    Its gradient is the error a − t itself. Over two outputs it is the mean squared error.

    Args:
        reduction: How the losses of the samples become one number, as for `keras.losses.Loss`:
            "sum_over_batch_size", "mean_with_sample_weight", "sum" or None. Defaults to
            "sum_over_batch_size".
        name: Name of the loss. Defaults to "half_squared_error".
        dtype: Dtype of the computation. Defaults to None: `keras.config.floatx()`.

    Call arguments:
        y_true: t, targets of shape `(batch, ..., n)`.
        y_pred: a, predictions of the same shape, floating point.

    Raises:
        ValueError: If the shapes of targets and predictions differ.

    Example:
        >>> import keras_course_ext as kce
        >>> loss = kce.losses.HalfSquaredError()
        >>> round(float(loss([[0.0, 1.0]], [[0.5, 1.0]])), 3)
        0.125

    Differs from Keras:
        Keras has no such loss.

    Differs from the deck:
        The deck has one sample; of a batch the mean over the samples is taken.

    Deck: chapter 4, E = E₁ + E₂ with E₁ = 1/2 (t₁ − a₁)².
    """

    def __init__(
        self,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "half_squared_error",
        dtype: Any = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        """The loss of each sample."""
        return ops.half_squared_error(y_true, y_pred)
