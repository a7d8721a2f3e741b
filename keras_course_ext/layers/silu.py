"""The SiLU activation as a layer."""

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class SiLU(ActivationLayer):
    """The sigmoid linear unit as a layer; see `kce.ops.silu` for its derivative.

        f(x) = x σ(x),   σ(x) = 1 / (1 + e⁻ˣ)

    Args:
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any. Output shape: that of the input.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.SiLU()(np.array([-1.0, 2.0])).numpy().round(3)
        array([-0.269,  1.762], dtype=float32)

    Differs from Keras:
        Keras has no such layer; there it is `keras.layers.Activation("silu")`.

    Reference: Elfwing, Uchibe and Doya, Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning, 2017, section 2.1.

    Deck: chapter 5, alternatives to the sigmoid.
    """

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.silu(inputs)
