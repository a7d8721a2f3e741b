"""The leaky ReLU activation as a layer."""

from typing import Any

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer, at_least_0


@keras.saving.register_keras_serializable(package="keras_course_ext")
class LeakyReLU(ActivationLayer):
    """The leaky ReLU as a layer; see `kce.ops.leaky_relu` for its derivative.

        f(x) = x if x > 0 else s x

    Args:
        negative_slope: s, a number of at least 0. Defaults to 0.3. As in Keras, the default of the
            function `leaky_relu` is another one, 0.2.
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any. Output shape: that of the input.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.
        ValueError: If `negative_slope` is negative or None.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.LeakyReLU()(np.array([-10.0, 2.0])).numpy()
        array([-3.,  2.], dtype=float32)

    Differs from Keras:
        The old name `alpha` of the argument is taken without a warning.

    Reference: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models,
    2013, section 2.

    Deck: chapter 5, alternatives to the sigmoid.
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        self.negative_slope = at_least_0(negative_slope, "negative_slope", "LeakyReLU")

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.leaky_relu(inputs, self.negative_slope)

    def get_config(self):
        """The arguments of `__init__`."""
        return {**super().get_config(), "negative_slope": self.negative_slope}
