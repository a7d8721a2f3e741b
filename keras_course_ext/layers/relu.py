"""The ReLU activation as a layer."""

from typing import Any

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer, at_least_0


@keras.saving.register_keras_serializable(package="keras_course_ext")
class ReLU(ActivationLayer):
    """max(x, 0) and its variants as a layer; see `kce.ops.relu` for their derivatives.

    Args:
        max_value: Upper limit of the output, at least 0. None, the default, for no limit.
        negative_slope: Slope below the threshold, at least 0. Defaults to 0.
        threshold: Up to which input the slope is that one, at least 0. Defaults to 0.
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Raises:
        ValueError: If one of the three is negative, or one of the last two None.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> x = np.array([-3.0, 0.0, 2.0])
        >>> kce.layers.ReLU()(x).numpy()
        array([0., 0., 2.], dtype=float32)
        >>> kce.layers.ReLU(max_value=1.5, negative_slope=0.5)(x).numpy()
        array([-1.5,  0. ,  1.5], dtype=float32)

    Deck: chapter 5, ReLU.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else at_least_0(max_value, "max_value", "ReLU")
        self.negative_slope = at_least_0(negative_slope, "negative_slope", "ReLU")
        self.threshold = at_least_0(threshold, "threshold", "ReLU")

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self):
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }
