"""The SELU activation as a layer."""

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class SELU(ActivationLayer):
    """The scaled exponential linear unit as a layer; see `kce.ops.selu` for its derivative.

        f(x) = λ x if x > 0 else λ α (eˣ − 1),   λ = 1.0507…,   α = 1.6732…

    Args:
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any. Output shape: that of the input.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.SELU()(np.array([-1.0, 2.0])).numpy().round(3)
        array([-1.111,  2.101], dtype=float32)

    Differs from Keras:
        Keras has no such layer; there it is `keras.layers.Activation("selu")`.

    Reference: Klambauer, Unterthiner, Mayr and Hochreiter, Self-normalizing neural networks, 2017,
    equation 2.

    Deck: chapter 5, alternatives to the sigmoid.
    """

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.selu(inputs)
