"""The ReLU activation as a layer."""

from typing import Any

import keras

from keras_course_ext import activations
from keras_course_ext.layers._activation_layer import ActivationLayer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class ReLU(ActivationLayer):
    """max(x, 0) as a layer; see `kce.ops.relu` for its derivative.

    Args:
        max_value: None only.
        negative_slope: 0 only.
        threshold: 0 only.
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Raises:
        ValueError: If one of the three is anything else.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.ReLU()(np.array([-3.0, 0.0, 2.0])).numpy()
        array([0., 0., 2.], dtype=float32)

    Differs from Keras:
        `max_value`, `negative_slope` and `threshold` stand here so that the layer can take the
        place of a plain `keras.layers.ReLU()`; for the variants keep Keras's own layer.

    Deck: chapter 5, ReLU.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ):
        if max_value is not None or negative_slope != 0 or threshold != 0:
            raise ValueError(
                "This ReLU is the plain max(x, 0). Received: "
                f"max_value={max_value}, negative_slope={negative_slope}, threshold={threshold}. "
                "For the variants use `keras.layers.ReLU`."
            )
        super().__init__(**kwargs)

    def call(self, inputs):
        """Apply the function to `inputs`."""
        return activations.relu(inputs)
