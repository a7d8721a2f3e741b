"""Binary cross-entropy as a Keras loss."""

from typing import Any

import keras

from keras_course_ext import ops
from keras_course_ext._logits import recall_logits


@keras.saving.register_keras_serializable(package="keras_course_ext")
class BinaryCrossentropy(keras.losses.Loss):
    """E = −1/n Σᵢ [tᵢ ln pᵢ + (1 − tᵢ) ln(1 − pᵢ)]; see `kce.ops.binary_crossentropy`.

    If a model ends in a sigmoid, ours or Keras's, E and its gradient p − t are computed from the
    logits before it, so that the gradient of a saturated output is not lost to rounding.

    Args:
        from_logits: Whether predictions are logits. Defaults to False: they are probabilities.
        label_smoothing: A number in [0, 1]: the weight of 1/2 in the targets. Defaults to 0.
        axis: The axis over which the mean of a sample is taken. Defaults to −1.
        reduction: How the losses of the samples become one number, as for `keras.losses.Loss`:
            "sum_over_batch_size", "mean_with_sample_weight", "sum" or None. Defaults to
            "sum_over_batch_size".
        name: Name of the loss. Defaults to "binary_crossentropy".
        dtype: Dtype of the computation. Defaults to None: `keras.config.floatx()`.

    Call arguments:
        y_true: t, targets in [0, 1], of shape `(batch, ..., n)`.
        y_pred: p or z, predictions of the same shape, floating point.

    Raises:
        ValueError: If the shapes of targets and predictions differ, or an option is out of range.

    Example:
        >>> import keras_course_ext as kce
        >>> loss = kce.losses.BinaryCrossentropy(from_logits=True)
        >>> float(loss([[1.0]], [[-100.0]]))
        100.0

    Differs from Keras:
        See `kce.ops.binary_crossentropy`. As in Keras, the logits are found only where the
        activation's own output tensor reaches the loss: in a model whose output is float16 or
        bfloat16, or is changed after the sigmoid, the loss is computed from clipped probabilities.
        As in Keras they are assumed to be those of a sigmoid: do not use this loss with a softmax.

    Deck: chapter 2, from logistic regression to the perceptron.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def call(self, y_true, y_pred):
        """The loss of each sample."""
        y_pred, from_logits = recall_logits(y_pred, self.from_logits)
        return ops.binary_crossentropy(y_true, y_pred, from_logits, self.label_smoothing, self.axis)

    def get_config(self):
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
        }
