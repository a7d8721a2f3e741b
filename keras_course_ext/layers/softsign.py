"""The softsign activation as a layer."""

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Softsign(ActivationLayer):
    """Softsign as a layer; see `kce.ops.softsign` for its derivative.

        f(x) = x / (1 + |x|)

    Args:
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any. Output shape: that of the input.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.Softsign()(np.array([-1.0, 4.0])).numpy()
        array([-0.5,  0.8], dtype=float32)

    Differs from Keras:
        Keras has no such layer; there it is `keras.layers.Activation("softsign")`.

    Reference: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
    networks, 2010, section 3.

    Deck: chapter 5, alternatives to the sigmoid.
    """

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.softsign(inputs)
