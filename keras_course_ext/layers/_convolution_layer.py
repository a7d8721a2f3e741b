"""The base class of Conv1D and Conv2D."""

from typing import Any

import keras
import tensorflow as tf

from keras_course_ext import activations, ops


class ConvolutionLayer(keras.layers.Layer):
    """Mixin for a convolution layer of `keras.layers` that computes it by `ops.convolution`.

    The arguments are those of `keras.layers.Conv1D` and `Conv2D`, in their order.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        *args: Any,
        **kwargs: Any,
    ):
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            groups,
            activations.get(activation),
            *args,
            **kwargs,
        )

    def call(self, inputs):
        """Compute A = f(Z) with Z the convolution of the inputs."""
        if self.groups > 1 or self.data_format == "channels_first":
            return super().call(inputs)
        # Converting the variables to tensors casts them to the compute dtype. With LoRA, the kernel
        # is the sum of the frozen one and the product of the two factors.
        w = tf.convert_to_tensor(self.kernel)
        b = None if self.bias is None else tf.convert_to_tensor(self.bias)
        z = ops.convolution(inputs, w, b, self.strides, self.padding, self.dilation_rate)
        return z if self.activation is None else self.activation(z)

    def get_config(self):
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "activation": activations.serialize(self.activation),
        }
