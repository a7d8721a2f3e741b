"""Any activation function as a layer."""

from typing import Any

import keras

from keras_course_ext import activations


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Activation(keras.layers.Activation):
    """A drop-in for `keras.layers.Activation` that looks names up in `kce.activations`.

        A = f(Z)

    Args:
        activation: f: a name, a callable or None for the identity; see `kce.activations.get`.
        **kwargs: `name`, `dtype`, `trainable`, as for every `keras.layers.Layer`.

    Input shape: any. Output shape: that of f's output.

    Raises:
        ValueError: If there is no function of that name. The message suggests the nearest name.
        TypeError: If `activation` is neither name nor callable.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> kce.layers.Activation("relu")(np.array([-3.0, 2.0])).numpy()
        array([0., 2.], dtype=float32)

    Differs from Keras:
        Names such as "relu" mean the functions of `kce.activations`, with hand-written gradients.

    Deck: chapter 2, activation function; chapter 5, activation functions.
    """

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(activations.get(activation), **kwargs)

    def get_config(self):
        """The arguments of `__init__`."""
        # Keras's own writes the bare name, which does not distinguish its functions from ours.
        return {**super().get_config(), "activation": activations.serialize(self.activation)}
