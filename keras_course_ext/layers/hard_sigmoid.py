"""The hard sigmoid activation as a layer."""

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class HardSigmoid(ActivationLayer):
    """The hard sigmoid as a layer; see `kce.ops.hard_sigmoid` for its derivative.

        f(x) = min(max(x + 3, 0), 6) / 6

    Args:
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any. Output shape: that of the input.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.HardSigmoid()(np.array([-4.0, 1.5])).numpy()
        array([0.  , 0.75], dtype=float32)

    Differs from Keras:
        Keras has no such layer; there it is `keras.layers.Activation("hard_sigmoid")`.

    Reference: Howard et al., Searching for MobileNetV3, 2019, section 5.2.

    Deck: chapter 5, alternatives to the sigmoid.
    """

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.hard_sigmoid(inputs)
