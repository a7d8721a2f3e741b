"""The identity as a layer."""

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Linear(ActivationLayer):
    """The identity as a layer; see `kce.ops.linear` for its derivative.

        f(x) = x

    Args:
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any. Output shape: that of the input.

    Raises:
        TypeError: When it is called on sparse or ragged tensors.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.Linear()(np.array([-2.0, 0.5])).numpy()
        array([-2. ,  0.5], dtype=float32)

    Differs from Keras:
        Keras has no such layer; there it is `keras.layers.Activation("linear")`.

    Deck: chapter 1, `Dense(64)`, which has no activation function.
    """

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.linear(inputs)
