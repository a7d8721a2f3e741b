"""Categorical cross-entropy for class numbers as a Keras loss."""

from typing import Any

import keras

from keras_course_ext import ops
from keras_course_ext._logits import recall_logits


@keras.saving.register_keras_serializable(package="keras_course_ext")
class SparseCategoricalCrossentropy(keras.losses.Loss):
    """E = −ln p_t for the true class t; see `kce.ops.sparse_categorical_crossentropy`.

    Where a model ends in a softmax, ours or Keras's, E and its gradient p − δ are computed from
    the logits before it, so that a saturated output still learns.

    Args:
        from_logits: Whether predictions are logits. Defaults to False: they are probabilities.
        ignore_class: None only.
        reduction: How the losses of the samples become one number: "sum_over_batch_size" (the
            default), "mean_with_sample_weight", "sum" or None, as for `keras.losses.Loss`.
        axis: The axis of the classes, which must be the last. Defaults to −1.
        name: Name of the loss. Defaults to "sparse_categorical_crossentropy".
        dtype: Dtype of the computation. Defaults to `keras.config.floatx()`.

    Raises:
        ValueError: If `ignore_class` is given, the shapes do not fit, or `axis` is not the last.

    Example:
        >>> import keras_course_ext as kce
        >>> loss = kce.losses.SparseCategoricalCrossentropy()
        >>> round(float(loss([1], [[0.5, 0.5]])), 4)
        0.6931

    Differs from Keras:
        See `kce.ops.sparse_categorical_crossentropy`. `ignore_class` is refused: give the samples
        to be ignored a sample weight of 0. As in Keras, the logits are found only where the
        activation's own output tensor reaches the loss: in a model whose output is float16 or
        bfloat16, or is changed after the softmax, the loss is computed from clipped
        probabilities.

    Deck: chapter 1, `loss='categorical_crossentropy'`, for class numbers.
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
        if ignore_class is not None:
            raise ValueError(
                f"`ignore_class` is not offered. Received: ignore_class={ignore_class}. Give the "
                "samples to be ignored a sample weight of 0, or use "
                "`keras.losses.SparseCategoricalCrossentropy`."
            )
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.from_logits = from_logits
        self.axis = axis

    def call(self, y_true, y_pred):
        """The loss of each sample."""
        y_pred, from_logits = recall_logits(y_pred, self.from_logits)
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits, self.axis)

    def get_config(self):
        """The arguments of `__init__`."""
        return {**super().get_config(), "from_logits": self.from_logits, "axis": self.axis}
