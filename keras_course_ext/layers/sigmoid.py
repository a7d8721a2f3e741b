"""The sigmoid activation as a layer."""

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Sigmoid(ActivationLayer):
    """The logistic sigmoid as a layer; see `kce.ops.sigmoid` for its derivative.

        σ(x) = 1 / (1 + e⁻ˣ)

    Args:
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any. Output shape: that of the input.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.

    Example:
        >>> import keras
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((4,)), kce.layers.Dense(2), kce.layers.Sigmoid()])
        >>> model.output_shape
        (None, 2)

    Differs from Keras:
        Keras has no such layer; there it is `keras.layers.Activation("sigmoid")`.

    Deck: chapter 4, the derivative of the sigmoid; chapter 5, its maximum of 0.25.
    """

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.sigmoid(inputs)
