"""The step activation as a layer."""

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Step(ActivationLayer):
    """The step function as a layer; see `kce.ops.step` for its derivative.

        f(x) = 1 if x > 0 else 0

    Args:
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any. Output shape: that of the input.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.Step()(np.array([-2.0, 0.0, 0.5])).numpy()
        array([0., 0., 1.], dtype=float32)

    Differs from Keras:
        Keras has no such function. Layers below this one get gradient 0.

    Reference: Rosenblatt, The perceptron: a probabilistic model for information storage and
    organization in the brain, Psychological Review 65, 1958.

    Deck: chapter 2, the perceptron; chapter 3, the truth table of the XOR network.
    """

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.step(inputs)
