"""The ReLU activation as a layer."""

from typing import Any

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer, at_least_0


@keras.saving.register_keras_serializable(package="keras_course_ext")
class ReLU(ActivationLayer):
    """The rectified linear unit as a layer; see `kce.ops.relu` for its derivative.

        f(x) = s (x − θ) for x ≤ θ,   x for θ < x ≤ m,   m above

    with s = `negative_slope`, m = `max_value` and θ = `threshold`: by default max(x, 0).

    Args:
        max_value: m, the upper limit of the output, at least 0, or None for no limit. Defaults to
            None.
        negative_slope: s, the slope below the threshold, a number of at least 0. Defaults to 0.
        threshold: θ, the input up to which the slope is s, a number of at least 0. Defaults to 0.
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any. Output shape: that of the input.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.
        ValueError: If one of the three is negative, or one of the last two None.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> x = np.array([-3.0, 0.0, 2.0])
        >>> kce.layers.ReLU()(x).numpy()
        array([0., 0., 2.], dtype=float32)
        >>> kce.layers.ReLU(max_value=1.5, negative_slope=0.5)(x).numpy()
        array([-1.5,  0. ,  1.5], dtype=float32)

    Reference: Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, ICML
    2010.

    Deck: chapter 1, `activation='relu'`; chapter 5, ReLU.
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
