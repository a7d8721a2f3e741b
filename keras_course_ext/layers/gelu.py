"""The GELU activation as a layer."""

from typing import Any

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class GELU(ActivationLayer):
    """The Gaussian error linear unit as a layer; see `kce.ops.gelu` for its derivative.

        f(x) = x Φ(x),   Φ(x) = erfc(−x / √2) / 2

    Args:
        approximate: Whether to compute the form with tanh. Defaults to False.
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any. Output shape: that of the input.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.GELU()(np.array([-1.0, 2.0])).numpy().round(3)
        array([-0.159,  1.954], dtype=float32)

    Differs from Keras:
        Keras has no such layer; there it is `keras.layers.Activation("gelu")`.

    Reference: Hendrycks and Gimpel, Gaussian error linear units (GELUs), 2016, section 2.

    Deck: chapter 5, alternatives to the sigmoid.
    """

    def __init__(self, approximate: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.approximate = bool(approximate)

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.gelu(inputs, self.approximate)

    def get_config(self):
        """The arguments of `__init__`."""
        return {**super().get_config(), "approximate": self.approximate}
