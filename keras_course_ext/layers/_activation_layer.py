"""The base class of all activation layers."""

from typing import Any

import keras


class ActivationLayer(keras.layers.Layer):
    """A layer without weights that keeps the shape, the dtype and the mask of its input.

    Args:
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        # A subclass may have weights; Keras calls `build` only while `built` is False.
        if type(self).build is keras.layers.Layer.build:
            self.built = True

    def compute_output_shape(self, input_shape):
        """The shape of the output, which is that of the input."""
        return input_shape


def at_least_0(value: Any, argument: str, layer: str) -> float:
    """`value` as a float, after checking that it is at least 0.

    Args:
        value: A number.
        argument: Name of the argument, for the message.
        layer: Name of the layer, for the message.

    Raises:
        ValueError: If `value` is None or negative.
    """
    if value is None or not value >= 0:
        raise ValueError(
            f"`{argument}` of a {layer} layer must be a number of at least 0. Received: "
            f"{argument}={value}. Leave it out for the default."
        )
    return float(value)
