"""Mean squared error as a Keras loss."""

from typing import Any

import keras

from keras_course_ext import ops


@keras.saving.register_keras_serializable(package="keras_course_ext")
class MeanSquaredError(keras.losses.Loss):
    """E = 1/n Σᵢ (tᵢ − aᵢ)²; see `kce.ops.mean_squared_error` for its derivative.

    Args:
        reduction: How the losses of the samples become one number, as for `keras.losses.Loss`:
            "sum_over_batch_size", "mean_with_sample_weight", "sum" or None. Defaults to
            "sum_over_batch_size".
        name: Name of the loss. Defaults to "mean_squared_error".
        dtype: Dtype of the computation. Defaults to None: `keras.config.floatx()`.

    Call arguments:
        y_true: t, targets of shape `(batch, ..., n)`.
        y_pred: a, predictions of the same shape, floating point.

    Raises:
        ValueError: If the shapes of targets and predictions differ.

    Example:
        >>> import keras_course_ext as kce
        >>> loss = kce.losses.MeanSquaredError()
        >>> round(float(loss([[0.0, 1.0]], [[0.5, 1.0]])), 3)
        0.125

    Differs from Keras:
        Shapes that differ, such as `(batch, 1)` and `(batch, 3)`, are refused; Keras broadcasts.

    Deck: chapter 4, E = 1/n Σ (tᵢ − aᵢ)².
    """

    def __init__(
        self,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: Any = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        """The loss of each sample."""
        return ops.mean_squared_error(y_true, y_pred)
