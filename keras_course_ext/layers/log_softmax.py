"""The log-softmax activation as a layer."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer
from keras_course_ext.ops.activations._axes import axes_of


@keras.saving.register_keras_serializable(package="keras_course_ext")
class LogSoftmax(ActivationLayer):
    """Log-softmax as a layer; see `kce.ops.log_softmax` for its derivative.

        yᵢ = xᵢ − ln Σⱼ e^xⱼ

    Args:
        axis: The axis, or several, along which the probabilities sum to 1; None for all.
            Defaults to −1.
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any of rank 1 or higher. Output shape: that of the input.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.
        ValueError: If `axis` is not an axis of the inputs.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.LogSoftmax()(np.array([[0.0, 0.0]])).numpy().round(3)
        array([[-0.693, -0.693]], dtype=float32)

    Differs from Keras:
        Keras has no such layer; there it is `keras.layers.Activation("log_softmax")`.
    """

    def __init__(self, axis: int | Sequence[int] | None = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = tuple(axis) if isinstance(axis, Sequence) else axis

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.log_softmax(inputs, self.axis)

    def compute_output_shape(self, input_shape):
        """The shape of the output, which is that of the input."""
        axes_of(self.axis, len(input_shape), "LogSoftmax")
        return input_shape

    def get_config(self):
        """The arguments of `__init__`."""
        return {**super().get_config(), "axis": self.axis}
