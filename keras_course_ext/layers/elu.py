"""The ELU activation as a layer."""

from typing import Any

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class ELU(ActivationLayer):
    """The exponential linear unit as a layer; see `kce.ops.elu` for its derivative.

        f(x) = x if x > 0 else α (eˣ − 1)

    Args:
        alpha: α, any number. Defaults to 1.
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any. Output shape: that of the input.

    Raises:
        TypeError: When it is called on integer, complex, sparse or ragged tensors.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.ELU(alpha=0.5)(np.array([-1.0, 2.0])).numpy().round(3)
        array([-0.316,  2.   ], dtype=float32)

    Differs from Keras:
        `alpha` is part of the config, so that a saved layer keeps it; Keras's own loads with 1.

    Reference: Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by
    exponential linear units (ELUs), 2016, section 3.

    Deck: chapter 5, alternatives to the sigmoid.
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = float(alpha)

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.elu(inputs, self.alpha)

    def get_config(self):
        """The arguments of `__init__`."""
        return {**super().get_config(), "alpha": self.alpha}
