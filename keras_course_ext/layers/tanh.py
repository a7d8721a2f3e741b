"""The tanh activation as a layer."""

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Tanh(ActivationLayer):
    """The hyperbolic tangent as a layer; see `kce.ops.tanh` for its derivative.

        tanh(x) = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)

    Args:
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any. Output shape: that of the input.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.Tanh()(np.array([0.0, 1.0])).numpy().round(3)
        array([0.   , 0.762], dtype=float32)

    Differs from Keras:
        Keras has no such layer; there it is `keras.layers.Activation("tanh")`.

    Deck: chapter 5, hyperbolic tangent.
    """

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.tanh(inputs)
