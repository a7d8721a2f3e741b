"""Categorical cross-entropy for class numbers as a Keras loss."""

from typing import Any

import keras
import tensorflow as tf

from keras_course_ext import ops
from keras_course_ext._logits import recall_logits
from keras_course_ext._masks import put_mask
from keras_course_ext.ops.losses.sparse_categorical_crossentropy import ignored_samples


@keras.saving.register_keras_serializable(package="keras_course_ext")
class SparseCategoricalCrossentropy(keras.losses.Loss):
    """E = −ln p_t for the true class t; see `kce.ops.sparse_categorical_crossentropy`.

    If a model ends in a softmax, ours or Keras's, E and its gradient p − δ are computed from the
    logits before it, so that the gradient of a saturated output is not lost to rounding.

    Args:
        from_logits: Whether predictions are logits. Defaults to False: they are probabilities.
        ignore_class: The number of a class, often −1 or 255, whose samples do not count: not in the
            loss, not in the gradient, not in the denominator of a mean. Defaults to None: all
            samples count.
        reduction: How the losses of the samples become one number, as for `keras.losses.Loss`:
            "sum_over_batch_size", "mean_with_sample_weight", "sum" or None. Defaults to
            "sum_over_batch_size".
        axis: The axis of the classes, which must be the last. Defaults to −1.
        name: Name of the loss. Defaults to "sparse_categorical_crossentropy".
        dtype: Dtype of the computation. Defaults to None: `keras.config.floatx()`.

    Call arguments:
        y_true: t, class numbers in [0, classes), of shape `(batch, ...)` or
            `(batch, ..., 1)`.
        y_pred: p or z, predictions of shape `(batch, ..., classes)`, floating point.

    Raises:
        ValueError: If the shapes do not fit, `axis` is not the last, or `ignore_class` is neither
            an integer nor None.

    Example:
        >>> import keras_course_ext as kce
        >>> loss = kce.losses.SparseCategoricalCrossentropy()
        >>> round(float(loss([1], [[0.5, 0.5]])), 4)
        0.6931

    Differs from Keras:
        See `kce.ops.sparse_categorical_crossentropy`. As in Keras, the logits are found only where
        the activation's own output tensor reaches the loss: in a model whose output is float16 or
        bfloat16, or is changed after the softmax, the loss is computed from clipped
        probabilities.
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: Any = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def call(self, y_true, y_pred):
        """The loss of each sample."""
        y_pred, from_logits = recall_logits(y_pred, self.from_logits)
        e = ops.sparse_categorical_crossentropy(
            y_true, y_pred, from_logits, self.ignore_class, self.axis
        )
        ignored = ignored_samples(y_true, self.ignore_class)
        if ignored is None:
            return e
        return put_mask(e, tf.reshape(tf.logical_not(ignored), tf.shape(e)))

    def get_config(self):
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "ignore_class": self.ignore_class,
            "axis": self.axis,
        }
