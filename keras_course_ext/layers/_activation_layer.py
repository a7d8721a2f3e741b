"""What all activation layers have in common."""

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
        self.built = True

    def compute_output_shape(self, input_shape):
        """The shape of the output, which is that of the input."""
        return input_shape
