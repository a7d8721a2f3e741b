"""What an activation function does to a gradient, written out: δ = ∂L/∂A · f'(Z)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
_SLOPE = 0.2
_EPSILON = {tf.float64: 2.0**-52, tf.float32: 2.0**-23, tf.float16: 2.0**-10}


@dataclass(frozen=True)
class Derivative:
    """A function f and its derivative, which may use A = f(Z) as well as Z.

    Attributes:
        text: f' in the deck's symbols.
        f: The function.
        back: δ from (Z, A, ∂L/∂A).
        elementwise: Whether δ is the product of ∂L/∂A and `text`; else `text` is all of δ.
    """

    text: str
    f: Callable[[tf.Tensor], tf.Tensor]
    back: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
    elementwise: bool = True


def derivative(name: str | None, z: tf.Tensor, a: tf.Tensor) -> Derivative | None:
    """The derivative of the activation function that made `a` of `z`, if it is written here.

    A name is not enough: `relu` may have a slope. So the function must reproduce `a`.
    """
    found = DERIVATIVES.get(name or "")
    if found is None or z.shape != a.shape or z.dtype != a.dtype:
        return None
    again = tf.cast(found.f(z), tf.float64).numpy()
    tolerance = 64 * _EPSILON.get(z.dtype, 2.0**-7)  # two ways to round, not two functions
    same = np.allclose(again, tf.cast(a, tf.float64).numpy(), tolerance, tolerance, equal_nan=True)
    return found if same else None


def _times(slope: Callable[[tf.Tensor, tf.Tensor], Any]) -> Any:
    return lambda z, a, da: da * tf.cast(slope(z, a), da.dtype)


def _selu(z: tf.Tensor, a: tf.Tensor) -> tf.Tensor:
    return tf.where(z > 0, tf.cast(_SELU_SCALE, z.dtype), a + _SELU_SCALE * _SELU_ALPHA)


def _normal(z: tf.Tensor) -> tf.Tensor:
    return 0.5 * (1 + tf.math.erf(z / np.sqrt(2.0)))


def _density(z: tf.Tensor) -> tf.Tensor:
    return tf.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)


def _softmax(z: tf.Tensor, a: tf.Tensor, da: tf.Tensor) -> tf.Tensor:
    return a * (da - tf.reduce_sum(da * a, axis=-1, keepdims=True))


def _log_softmax(z: tf.Tensor, a: tf.Tensor, da: tf.Tensor) -> tf.Tensor:
    return da - tf.exp(a) * tf.reduce_sum(da, axis=-1, keepdims=True)


DERIVATIVES = {
    "sigmoid": Derivative("A (1 − A)", tf.math.sigmoid, _times(lambda z, a: a * (1 - a))),
    "tanh": Derivative("(1 − A²)", tf.math.tanh, _times(lambda z, a: 1 - a * a)),
    "relu": Derivative("[Z > 0]", tf.nn.relu, _times(lambda z, a: z > 0)),
    "leaky_relu": Derivative(
        f"(1 if Z > 0, else {_SLOPE})",
        lambda z: tf.nn.leaky_relu(z, _SLOPE),
        _times(lambda z, a: tf.where(z > 0, tf.ones_like(z), _SLOPE)),
    ),
    "relu6": Derivative("[0 < Z < 6]", tf.nn.relu6, _times(lambda z, a: (z > 0) & (z < 6))),
    "elu": Derivative(
        "(1 if Z > 0, else A + 1)",
        tf.nn.elu,
        _times(lambda z, a: tf.where(z > 0, tf.ones_like(a), a + 1)),
    ),
    "selu": Derivative("(λ if Z > 0, else A + λα)", tf.nn.selu, _times(_selu)),
    "softplus": Derivative("σ(Z)", tf.math.softplus, _times(lambda z, a: tf.math.sigmoid(z))),
    "softsign": Derivative(
        "1 / (1 + |Z|)²", tf.math.softsign, _times(lambda z, a: 1 / (1 + tf.abs(z)) ** 2)
    ),
    "exponential": Derivative("A", tf.exp, _times(lambda z, a: a)),
    "silu": Derivative(
        "σ(Z) (1 + Z (1 − σ(Z)))",
        lambda z: z * tf.math.sigmoid(z),
        _times(lambda z, a: tf.math.sigmoid(z) * (1 + z * (1 - tf.math.sigmoid(z)))),
    ),
    "gelu": Derivative(
        "(Φ(Z) + Z φ(Z))",
        lambda z: z * _normal(z),
        _times(lambda z, a: _normal(z) + z * _density(z)),
    ),
    "hard_sigmoid": Derivative(
        "1/6 [−3 < Z < 3]",
        lambda z: tf.nn.relu6(z + 3) / 6,
        _times(lambda z, a: tf.where(tf.abs(z) < 3, tf.ones_like(z) / 6, 0.0)),
    ),
    "softmax": Derivative(
        "A (∂L/∂A − Σ ∂L/∂A · A)", lambda z: tf.nn.softmax(z), _softmax, elementwise=False
    ),
    "log_softmax": Derivative(
        "∂L/∂A − softmax(Z) Σ ∂L/∂A",
        lambda z: tf.nn.log_softmax(z),
        _log_softmax,
        elementwise=False,
    ),
}
