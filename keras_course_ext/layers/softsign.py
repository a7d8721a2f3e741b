"""The softsign activation as a layer."""

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Softsign(ActivationLayer):
    """x / (1 + |x|) as a layer; see `kce.ops.softsign` for its derivative.

    Args:
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.Softsign()(np.array([-1.0, 4.0])).numpy()
        array([-0.5,  0.8], dtype=float32)

    Differs from Keras:
        Keras has no such layer; there it is `keras.layers.Activation("softsign")`.

    Deck: chapter 5, alternatives to the sigmoid.
    """

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.softsign(inputs)
