"""Categorical cross-entropy as a Keras loss."""

from typing import Any

import keras

from keras_course_ext import ops
from keras_course_ext._logits import recall_logits


@keras.saving.register_keras_serializable(package="keras_course_ext")
class CategoricalCrossentropy(keras.losses.Loss):
    """E = −Σₖ tₖ ln pₖ over the classes k; see `kce.ops.categorical_crossentropy`.

    If a model ends in a softmax over the last axis, ours or Keras's, E and its gradient p − t are
    computed from the logits before it, so that the gradient of a saturated output is not lost to
    rounding.

    Args:
        from_logits: Whether predictions are logits. Defaults to False: they are probabilities.
        label_smoothing: A number in [0, 1]: the weight of 1 / classes in the targets. Defaults to
            0.
        axis: The axis of the classes. Defaults to −1.
        reduction: How the losses of the samples become one number, as for `keras.losses.Loss`:
            "sum_over_batch_size", "mean_with_sample_weight", "sum" or None. Defaults to
            "sum_over_batch_size".
        name: Name of the loss. Defaults to "categorical_crossentropy".
        dtype: Dtype of the computation. Defaults to None: `keras.config.floatx()`.

    Call arguments:
        y_true: t, targets of shape `(batch, ..., classes)`.
        y_pred: p or z, predictions of the same shape, floating point.

    Raises:
        ValueError: If the shapes of targets and predictions differ, or an option is out of range.

    Example:
        >>> import keras_course_ext as kce
        >>> loss = kce.losses.CategoricalCrossentropy()
        >>> round(float(loss([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931

    Differs from Keras:
        See `kce.ops.categorical_crossentropy`. As in Keras, the logits are found only where the
        activation's own output tensor reaches the loss: in a model whose output is float16 or
        bfloat16, or is changed after the softmax, the loss is computed from clipped probabilities.
        Unlike in Keras, this is so for an `axis` that is not the last, too.

    Deck: chapter 1, `loss='categorical_crossentropy'`.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def call(self, y_true, y_pred):
        """The loss of each sample."""
        y_pred, from_logits = recall_logits(y_pred, self.from_logits, self.axis)
        return ops.categorical_crossentropy(
            y_true, y_pred, from_logits, self.label_smoothing, self.axis
        )

    def get_config(self):
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
        }
