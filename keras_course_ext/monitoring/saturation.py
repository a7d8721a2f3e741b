"""Where an activation function is saturated: |f'| under 1 % of its maximum."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext.monitoring.activation_layers import ACTIVATION_LAYERS

_SHARE = 0.01
_SELU = 1.0507009873554805 * 1.6732632423543772  # λ α

Margin = Callable[[tf.Tensor], tf.Tensor]


def relu_margin(a: tf.Tensor) -> tf.Tensor:
    """Return a: ReLU is flat wherever its output, which is never negative, is 0."""
    return a


# From the output a: σ' = a (1 − a) against 1/4, the diagonal of softmax's derivative likewise,
# tanh' = 1 − a² against 1, softsign' = (1 − |a|)² against 1, softplus' = 1 − e⁻ᵃ against 1; for
# x < 0, elu' = a + 1 against 1 and selu' = a + λα against λα. Piecewise linear functions are
# saturated where they are flat. Each says by how much it is not: what is not above 0 is saturated.
_FROM_OUTPUT: dict[str, Margin] = {
    "sigmoid": lambda a: a * (1 - a) - _SHARE / 4,
    "softmax": lambda a: a * (1 - a) - _SHARE / 4,
    "tanh": lambda a: 1 - a * a - _SHARE,
    "softsign": lambda a: tf.square(1 - tf.abs(a)) - _SHARE,
    "softplus": lambda a: 1 - tf.exp(-a) - _SHARE,
    "relu": relu_margin,
    "relu6": lambda a: a * (6 - a),
    "hard_sigmoid": lambda a: a * (1 - a),
    "hard_tanh": lambda a: 1 - tf.abs(a),
    "elu": lambda a: a + (1 - _SHARE),
    "selu": lambda a: a + (1 - _SHARE) * _SELU,
}


def _silu_slope(z: tf.Tensor) -> tf.Tensor:
    σ = tf.math.sigmoid(z)
    return σ * (1 + z * (1 - σ))


def _gelu_slope(z: tf.Tensor) -> tf.Tensor:
    φ = tf.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    return 0.5 * (1 + tf.math.erf(z / np.sqrt(2.0))) + z * φ


# From the input z, since two inputs have the same output. The maxima are those of the slopes.
_FROM_INPUT: dict[str, Margin] = {
    "silu": lambda z: tf.abs(_silu_slope(z)) - _SHARE * 1.0998393,
    "gelu": lambda z: tf.abs(_gelu_slope(z)) - _SHARE * 1.1289042,
}


class Saturation(NamedTuple):
    """How to tell that a layer is saturated: from its output A, or from Z before it.

    Attributes:
        from_output: A function of A, or None.
        from_input: A function of Z, or None.
    """

    from_output: Margin | None = None
    from_input: Margin | None = None

    def of(self, a: tf.Tensor, z: tf.Tensor | None) -> tuple[tf.Tensor, Margin] | tuple[None, None]:
        """Return what to look at and by how much its elements are not saturated, if that is known.

        Args:
            a: The output A.
            z: Z before the activation, or None.
        """
        if self.from_output is not None:
            return a, self.from_output
        if z is not None and self.from_input is not None:
            return z, self.from_input
        return None, None


def saturation_of(layer: keras.Layer) -> Saturation:
    """Say how saturation of a layer's activation shows, if its derivative is known.

    Args:
        layer: Any layer. Its activation is the attribute `activation`, or the layer itself.

    Returns:
        A `Saturation`; both fields are None if the function is unknown or never saturates.
    """
    activation = getattr(layer, "activation", None)
    kind = type(layer).__name__
    if isinstance(layer, keras.layers.RNN):  # its output is o tanh(c), not tanh alone
        return Saturation()
    if kind == "ReLU" and (getattr(layer, "negative_slope", 0) or getattr(layer, "max_value", 0)):
        return Saturation()
    if kind == "ELU" and getattr(layer, "alpha", 1.0) != 1.0:
        return Saturation()
    name = getattr(activation, "__name__", None) or ACTIVATION_LAYERS.get(kind)
    return Saturation(_FROM_OUTPUT.get(str(name)), _FROM_INPUT.get(str(name)))
