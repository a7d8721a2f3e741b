"""The softmax activation as a layer."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer
from keras_course_ext.ops.activations._axes import axes_of


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Softmax(ActivationLayer):
    """Softmax as a layer; see `kce.ops.softmax` for its derivative.

        yᵢ = e^xᵢ / Σⱼ e^xⱼ

    Args:
        axis: The axis, or several, along which the outputs sum to 1; None for all. Defaults to −1.
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Call arguments:
        inputs: Scores, a floating-point tensor.
        mask: Array of booleans, or of numbers, where those over 0.5 count as True; of the shape of
            `inputs`, or one that broadcasts to it. Scores whose mask is False get probability 0,
            even if all are False. Defaults to the Keras mask of `inputs`, if any.

    Input shape: any of rank 1 or higher. Output shape: that of the input.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.
        ValueError: If `mask` does not broadcast to `inputs`, or `axis` is not an axis of them.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.Softmax()(np.zeros((1, 3)), mask=np.array([True, True, False])).numpy()
        array([[0.5, 0.5, 0. ]], dtype=float32)

    Deck: chapter 1, `activation='softmax'` in the output layer.
    """

    def __init__(self, axis: int | Sequence[int] | None = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = tuple(axis) if isinstance(axis, Sequence) else axis

    def call(self, inputs, mask=None):
        """Apply the function to the `inputs` whose mask is True."""
        if mask is None:
            return activations.softmax(inputs, self.axis)
        mask = tf.convert_to_tensor(mask)
        if not _broadcasts(mask.shape, inputs.shape):
            raise ValueError(
                "The `mask` of Softmax must have the shape of the inputs or broadcast to it. "
                f"Received: mask of shape {mask.shape}, inputs of shape {inputs.shape}."
            )
        included = mask if mask.dtype == tf.bool else mask > 0.5
        scores = tf.where(included, inputs, inputs.dtype.min)
        return tf.where(included, activations.softmax(scores, self.axis), 0)

    def compute_output_shape(self, input_shape):
        """The shape of the output, which is that of the input."""
        axes_of(self.axis, len(input_shape), "Softmax")
        return input_shape

    def get_config(self):
        """The arguments of `__init__`."""
        return {**super().get_config(), "axis": self.axis}


def _broadcasts(mask: tf.TensorShape, inputs: tf.TensorShape) -> bool:
    pairs = zip(reversed(mask.as_list()), reversed(inputs.as_list()), strict=False)
    return len(mask) <= len(inputs) and all(m == 1 or None in (m, i) or m == i for m, i in pairs)
