"""The softplus activation as a layer."""

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Softplus(ActivationLayer):
    """Softplus as a layer; see `kce.ops.softplus` for its derivative.

        f(x) = ln(1 + eˣ)

    Args:
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any. Output shape: that of the input.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.Softplus()(np.array([0.0, 10.0])).numpy().round(3)
        array([ 0.693, 10.   ], dtype=float32)

    Differs from Keras:
        Keras has no such layer; there it is `keras.layers.Activation("softplus")`.

    Reference: Dugas, Bengio, Bélisle, Nadeau and Garcia, Incorporating second-order functional
    knowledge for better option pricing, NIPS 2000.

    Deck: chapter 5, alternatives to the sigmoid.
    """

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.softplus(inputs)
