"""The elementwise activations: ours, the same in TensorFlow, and f, f', f'' in NumPy."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext import ops


@dataclass(frozen=True)
class Case:
    """An activation, the same from TensorFlow, and f, f', f'' in float64.

    `far` is f and f' at −∞, −1e4, 0, 1e4 and ∞. `terms` is the largest addend of f' where f' is
    a sum in which addends cancel; there rounding errors are relative to that addend.
    """

    op: Callable[..., Any]
    twin: Callable[..., Any]
    f: Callable[..., Any]
    df: Callable[..., Any]
    ddf: Callable[..., Any]
    far: tuple[list[float], list[float]]
    terms: Callable[..., Any] | None = None


def σ(x):
    # Both branches are computed; the one that overflows is not the one that is taken.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))


def φ(x):
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def Φ(x):  # noqa: N802
    return 0.5 * np.vectorize(math.erfc)(-np.asarray(x, np.float64) / np.sqrt(2))


C = math.sqrt(2 / np.pi)


def s(x):
    """Φ in gelu's form with tanh, and its first two derivatives."""
    du, ddu = 2 * C * (1 + 3 * 0.044715 * x**2), 12 * C * 0.044715 * x
    p = σ(2 * C * (x + 0.044715 * x**3))
    q = σ(-2 * C * (x + 0.044715 * x**3))
    return p, p * q * du, p * q * ((q - p) * du**2 + ddu)


def pieces(x, *limits_and_values):
    """Piecewise constant: the first value up to the first limit, and so on."""
    values, limits = limits_and_values[::2], limits_and_values[1::2]
    return np.select([x <= limit for limit in limits], values[:-1], values[-1]) + 0.0 * x


def flat(x):
    return 0.0 * x


λ, α = 1.0507009873554805, 1.6732632423543772
INF = np.inf
CASES = {
    "linear": Case(
        ops.linear,
        tf.identity,
        lambda x: x,
        np.ones_like,
        flat,
        ([-INF, -1e4, 0, 1e4, INF], [1, 1, 1, 1, 1]),
    ),
    "step": Case(
        ops.step,
        lambda x: tf.cast(x > 0, x.dtype) + 0 * x,
        lambda x: np.where(x > 0, 1.0, 0.0),
        flat,
        flat,
        ([0, 0, 0, 1, 1], [0, 0, 0, 0, 0]),
    ),
    "sigmoid": Case(
        ops.sigmoid,
        tf.math.sigmoid,
        σ,
        lambda x: σ(x) * σ(-x),
        lambda x: σ(x) * σ(-x) * (1 - 2 * σ(x)),
        ([0, 0, 0.5, 1, 1], [0, 0, 0.25, 0, 0]),
    ),
    "tanh": Case(
        ops.tanh,
        tf.math.tanh,
        np.tanh,
        lambda x: 1 / np.cosh(x) ** 2,
        lambda x: -2 * np.tanh(x) / np.cosh(x) ** 2,
        ([-1, -1, 0, 1, 1], [0, 0, 1, 0, 0]),
    ),
    "relu": Case(
        ops.relu,
        tf.nn.relu,
        lambda x: np.maximum(x, 0),
        lambda x: pieces(x, 0, 0, 1),
        flat,
        ([0, 0, 0, 1e4, INF], [0, 0, 0, 1, 1]),
    ),
    "relu, all options": Case(
        lambda x: ops.relu(x, 0.1, 6.5, 1.5),
        lambda x: keras.activations.relu(x, 0.1, 6.5, 1.5),
        lambda x: np.where(x <= 1.5, 0.1 * (x - 1.5), np.minimum(x, 6.5)),
        lambda x: pieces(x, 0.1, 1.5, 1, 6.5, 0),
        flat,
        ([-INF, -1000.15, -0.15, 6.5, 6.5], [0.1, 0.1, 0.1, 0, 0]),
    ),
    "relu, leaky": Case(
        lambda x: ops.relu(x, negative_slope=-0.5),
        lambda x: keras.activations.relu(x, negative_slope=-0.5),
        lambda x: np.where(x <= 0, -0.5 * x, x),
        lambda x: pieces(x, -0.5, 0, 1),
        flat,
        ([INF, 5000, 0, 1e4, INF], [-0.5, -0.5, -0.5, 1, 1]),
    ),
    "relu, at most 6": Case(
        lambda x: ops.relu(x, max_value=6),
        lambda x: keras.activations.relu(x, max_value=6),
        lambda x: np.clip(x, 0, 6),
        lambda x: pieces(x, 0, 0, 1, 6, 0),
        flat,
        ([0, 0, 0, 6, 6], [0, 0, 0, 0, 0]),
    ),
    "relu, above a threshold": Case(
        lambda x: ops.relu(x, threshold=1.5),
        lambda x: keras.activations.relu(x, threshold=1.5),
        lambda x: np.where(x <= 1.5, 0, x),
        lambda x: pieces(x, 0, 1.5, 1),
        flat,
        ([0, 0, 0, 1e4, INF], [0, 0, 0, 1, 1]),
    ),
    "leaky_relu": Case(
        ops.leaky_relu,
        # TensorFlow's own rounds the slope to float32, and the constants of its gelu.
        lambda x: tf.where(x > 0, x, 0.2 * x),
        lambda x: np.where(x <= 0, 0.2 * x, x),
        lambda x: pieces(x, 0.2, 0, 1),
        flat,
        ([-INF, -2000, 0, 1e4, INF], [0.2, 0.2, 0.2, 1, 1]),
    ),
    "elu": Case(
        ops.elu,
        tf.nn.elu,
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        lambda x: np.where(x > 0, 1, np.exp(np.minimum(x, 0))),
        lambda x: np.where(x < 0, np.exp(np.minimum(x, 0)), 0),
        ([-1, -1, 0, 1e4, INF], [0, 0, 1, 1, 1]),
    ),
    "elu, alpha": Case(
        lambda x: ops.elu(x, 1.7),
        lambda x: keras.activations.elu(x, 1.7),
        lambda x: np.where(x > 0, x, 1.7 * np.expm1(np.minimum(x, 0))),
        lambda x: np.where(x > 0, 1, 1.7 * np.exp(np.minimum(x, 0))),
        lambda x: np.where(x < 0, 1.7 * np.exp(np.minimum(x, 0)), 0),
        ([-1.7, -1.7, 0, 1e4, INF], [0, 0, 1.7, 1, 1]),
    ),
    "selu": Case(
        ops.selu,
        tf.nn.selu,
        lambda x: λ * np.where(x > 0, x, α * np.expm1(np.minimum(x, 0))),
        lambda x: λ * np.where(x >= 0, 1, α * np.exp(np.minimum(x, 0))),
        lambda x: λ * np.where(x < 0, α * np.exp(np.minimum(x, 0)), 0),
        ([-λ * α, -λ * α, 0, λ * 1e4, INF], [0, 0, λ, λ, λ]),
    ),
    "softplus": Case(
        ops.softplus,
        tf.math.softplus,
        lambda x: np.logaddexp(0, x),
        σ,
        lambda x: σ(x) * σ(-x),
        ([0, 0, np.log(2), 1e4, INF], [0, 0, 0.5, 1, 1]),
    ),
    "softsign": Case(
        ops.softsign,
        # TensorFlow's own has no second derivative.
        lambda x: x / (1 + tf.abs(x)),
        lambda x: x / (1 + np.abs(x)),
        lambda x: (1 + np.abs(x)) ** -2.0,
        lambda x: -2 * np.sign(x) * (1 + np.abs(x)) ** -3.0,
        ([-1, -1e4 / 10001, 0, 1e4 / 10001, 1], [0, 10001**-2.0, 1, 10001**-2.0, 0]),
    ),
    "gelu": Case(
        ops.gelu,
        lambda x: 0.5 * x * tf.math.erfc(-x * math.sqrt(0.5)),
        lambda x: x * Φ(x),
        lambda x: Φ(x) + x * φ(x),
        lambda x: (2 - x**2) * φ(x),
        ([0, 0, 0, 1e4, INF], [0, 0, 0.5, 1, 1]),
        lambda x: np.maximum(Φ(x), np.abs(x) * φ(x)),
    ),
    "gelu, tanh": Case(
        lambda x: ops.gelu(x, approximate=True),
        lambda x: 0.5 * x * (1 + tf.tanh(C * (x + 0.044715 * tf.pow(x, 3)))),
        lambda x: x * s(x)[0],
        lambda x: s(x)[0] + x * s(x)[1],
        lambda x: 2 * s(x)[1] + x * s(x)[2],
        ([0, 0, 0, 1e4, INF], [0, 0, 0.5, 1, 1]),
        lambda x: np.maximum(s(x)[0], np.abs(x) * s(x)[1]),
    ),
    "silu": Case(
        ops.silu,
        tf.nn.silu,
        lambda x: x * σ(x),
        lambda x: σ(x) * (1 + x * σ(-x)),
        lambda x: σ(x) * σ(-x) * (2 + x * (σ(-x) - σ(x))),
        ([0, 0, 0, 1e4, INF], [0, 0, 0.5, 1, 1]),
        lambda x: np.maximum(σ(x), np.abs(x) * σ(x) * σ(-x)),
    ),
    "hard_sigmoid": Case(
        ops.hard_sigmoid,
        keras.activations.hard_sigmoid,
        lambda x: np.clip(x + 3, 0, 6) / 6,
        lambda x: pieces(x, 0, -3, 1 / 6, 3, 0),
        flat,
        ([0, 0, 0.5, 1, 1], [0, 0, 1 / 6, 0, 0]),
    ),
    "exponential": Case(
        ops.exponential,
        tf.exp,
        np.exp,
        np.exp,
        np.exp,
        ([0, 0, 1, INF, INF], [0, 0, 1, INF, INF]),
    ),
}

# Off the corners.
X = np.array([[-7.3, -2.1, -0.4], [0.2, 1.7, 9.6]])
FAR = np.array([-INF, -1e4, 0.0, 1e4, INF])


def points(dtype):
    """X, FAR, NaN and a subnormal number of either sign."""
    tiny = {"float16": 1e-6, "bfloat16": 1e-40, "float32": 1e-40, "float64": 1e-310}[dtype]
    return tf.constant([*X.ravel(), *FAR, np.nan, -tiny, tiny], dtype)


def gradient(f, x, dy=None):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x, output_gradients=dy)


def two_derivatives(f, x):
    """Return f, f' and f''."""
    zero = tf.UnconnectedGradients.ZERO
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = f(x)
        dx = inner.gradient(y, x)
    return y, dx, outer.gradient(dx, x, unconnected_gradients=zero)
