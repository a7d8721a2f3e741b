"""Where an activation function is saturated: |f'| under 1 % of its maximum."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import tensorflow as tf

from keras_course_ext.monitoring.record.activation_layers import ACTIVATION_LAYERS
from keras_course_ext.ops.activations.derivatives import DERIVATIVES, Derivative

_SHARE = 0.01

Margin = Callable[[tf.Tensor], tf.Tensor]
"""From A or Z to numbers that are not above 0 where the function is saturated."""


@dataclass(frozen=True)
class Saturation:
    """How to see that a layer is saturated: from its output A, or from Z before the activation.

    Attributes:
        from_output: The margin as a function of A, or None.
        from_input: The margin as a function of Z, or None.
        at_zeros: Whether the layer is saturated exactly where A is 0.
    """

    from_output: Margin | None = None
    from_input: Margin | None = None
    at_zeros: bool = False

    def of(self, a: tf.Tensor, z: tf.Tensor | None) -> tuple[tf.Tensor, Margin] | None:
        """Return the tensor to look at and its margin, if they are known.

        Args:
            a: The output A.
            z: Z before the activation, or None.
        """
        if self.from_output is not None:
            return a, self.from_output
        if z is not None and self.from_input is not None:
            return z, self.from_input
        return None


def saturation_of(layer: keras.Layer) -> Saturation:
    """Return how saturation of a layer's activation shows, if its derivative is known.

    Args:
        layer: Any layer. Its activation is the attribute `activation`, or the layer itself.

    Returns:
        A `Saturation`; without margins if the function is unknown or never saturates.
    """
    kind = type(layer).__name__
    if isinstance(layer, keras.layers.RNN):  # its output is o tanh(c), not tanh alone
        return Saturation()
    if kind == "ReLU" and (getattr(layer, "negative_slope", 0) or getattr(layer, "max_value", 0)):
        return Saturation()
    if kind == "ELU" and getattr(layer, "alpha", 1.0) != 1.0:
        return Saturation()
    activation = getattr(layer, "activation", None)
    name = getattr(activation, "__name__", None) or ACTIVATION_LAYERS.get(kind)
    return _BY_NAME.get(str(name), Saturation())


def _saturation(name: str, derivative: Derivative) -> Saturation:
    # A piecewise linear function is saturated where it is flat.
    bound = 0.0 if derivative.piecewise_linear else _SHARE * derivative.maximum
    from_output, from_input = derivative.from_output, derivative.from_input
    return Saturation(
        from_output and (lambda a: from_output(a) - bound if bound else from_output(a)),
        from_input and (lambda z: tf.abs(from_input(z)) - bound),
        at_zeros=name == "relu",
    )


_BY_NAME = {name: _saturation(name, derivative) for name, derivative in DERIVATIVES.items()}
