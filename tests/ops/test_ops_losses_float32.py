"""The gradients of the losses in float32, in 500 random configurations of each, in ulp.

An ulp is that of the largest term of the formula, since p - t is no more accurate than p is. Where
autodiff of plain ops is accurate itself, the two are compared. Where it is not, from probabilities
and where softplus is differentiated, both are compared with the formula in float64.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from loss_cases import (
    LOGIT,
    gradient,
    plain_bce,
    plain_half,
    plain_huber,
    plain_mse,
    plain_perceptron,
)

from keras_course_ext import ops

E = 1e-7
WIDTHS = [1, 2, 3, 7, 32]


def clipped(p):
    return tf.clip_by_value(p, E, 1 - E)


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def real(rng, n):
    scale = 10 ** rng.uniform(-3, 1.3, (100, 1))
    return (rng.normal(size=(100, n)) * scale).astype("float32")


def hot(rng, n):
    return np.eye(n, dtype="float32")[rng.integers(0, n, 100)]


def hot_or_soft(rng, n):
    soft = rng.dirichlet(np.ones(n), 100)
    return np.where(rng.random((100, 1)) < 0.5, hot(rng, n), soft).astype("float32")


def bits_or_shares(rng, n):
    bits = rng.integers(0, 2, (100, n))
    return np.where(rng.random((100, 1)) < 0.5, bits, rng.random((100, n))).astype("float32")


# Formulas in NumPy and the size of their largest term.
def squared(t, a, factor):
    return factor * (a - t), factor * np.abs(a - t)


def huber(t, a, δ):
    e = np.clip(a - t, -δ, δ) / a.shape[-1]
    return e, np.abs(e)


def perceptron(t, z):
    return (z > 0) - t, np.ones_like(z)


def bce(t, p):
    c, n = np.clip(p, E, 1 - E), p.shape[-1]
    inside = (p >= E) & (p <= 1 - E)
    return inside * (c - t) / (c * (1 - c)) / n, np.maximum(t / c, (1 - t) / (1 - c)) / n


def bce_logits(t, z):
    n = z.shape[-1]
    return (sigmoid(z) - t) / n, np.maximum(sigmoid(z), t) / n


def cce(t, p):
    s = p.sum(-1, keepdims=True)
    q = p / s
    t = t * ((q >= E) & (q <= 1 - E))
    all_t = t.sum(-1, keepdims=True)
    return (all_t - t / q) / s, np.maximum(all_t, t / q) / s


def cce_logits(t, z):
    p = softmax(z)
    return p * t.sum(-1, keepdims=True) - t, np.maximum(p, t)


def one_hot(t, n):
    return np.eye(n)[np.asarray(t, int)]


def sce(t, p):
    c = np.clip(p, E, 1 - E)
    inside, s = (p >= E) & (p <= 1 - E), c.sum(-1, keepdims=True)
    δ = one_hot(t, p.shape[-1])
    return inside * (1 / s - δ / c), np.maximum(1 / s, δ / c)


def sce_logits(t, z):
    return cce_logits(one_hot(t, z.shape[-1]), z)


@dataclass(frozen=True)
class Row:
    """A loss, the same from plain ops, ∂E/∂y with its terms, and how to draw t and y."""

    loss: Callable
    twin: Callable
    formula: Callable
    targets: Callable
    predictions: Callable
    autodiff_is_accurate: bool


def numbers(rng, n):
    return rng.integers(0, n, 100)


def shares(rng, n):
    return sigmoid(real(rng, n)).astype("float32")


def probabilities(rng, n):
    return softmax(real(rng, n)).astype("float32")


ROWS = {
    "mse": Row(
        ops.mean_squared_error,
        plain_mse,
        lambda t, a: squared(t, a, 2 / a.shape[-1]),
        real,
        real,
        True,
    ),
    "half": Row(
        ops.half_squared_error, plain_half, lambda t, a: squared(t, a, 1), real, real, True
    ),
    "huber": Row(
        partial(ops.huber, delta=0.75),
        partial(plain_huber, delta=0.75),
        lambda t, a: huber(t, a, 0.75),
        real,
        real,
        True,
    ),
    "perceptron": Row(
        ops.perceptron_criterion, plain_perceptron, perceptron, bits_or_shares, real, True
    ),
    "bce": Row(
        ops.binary_crossentropy,
        lambda t, p: plain_bce(t, clipped(p)),
        bce,
        bits_or_shares,
        shares,
        False,
    ),
    "bce, logits": Row(
        partial(ops.binary_crossentropy, **LOGIT),
        lambda t, z: tf.reduce_mean(tf.math.softplus(z) - t * z, -1),
        bce_logits,
        bits_or_shares,
        real,
        False,
    ),
    "cce": Row(
        ops.categorical_crossentropy,
        lambda t, p: (
            -tf.reduce_sum(t * tf.math.log(clipped(p / tf.reduce_sum(p, -1, keepdims=True))), -1)
        ),
        cce,
        hot_or_soft,
        probabilities,
        False,
    ),
    "cce, logits": Row(
        partial(ops.categorical_crossentropy, **LOGIT),
        lambda t, z: -tf.reduce_sum(t * tf.nn.log_softmax(z), -1),
        cce_logits,
        hot_or_soft,
        real,
        True,
    ),
    "sce": Row(
        ops.sparse_categorical_crossentropy,
        lambda t, p: (
            tf.math.log(tf.reduce_sum(clipped(p), -1))
            - tf.math.log(tf.gather(clipped(p), t, batch_dims=1))
        ),
        sce,
        numbers,
        probabilities,
        False,
    ),
    "sce, logits": Row(
        partial(ops.sparse_categorical_crossentropy, **LOGIT),
        lambda t, z: -tf.gather(tf.nn.log_softmax(z), t, batch_dims=1),
        sce_logits,
        numbers,
        real,
        True,
    ),
}


@pytest.mark.thin("mse", "sce, logits")
@pytest.mark.filterwarnings("ignore:categorical_crossentropy over a single class")
@pytest.mark.parametrize("name", ROWS)
def test_gradient_in_500_configurations_is_within_2_ulp(name):
    row, rng = ROWS[name], np.random.default_rng(0)
    for n in WIDTHS:
        t, y = row.targets(rng, n), row.predictions(rng, n)
        ours, autodiff = (
            np.float64(gradient(f, tf.constant(t), tf.constant(y))) for f in (row.loss, row.twin)
        )
        exact, terms = row.formula(np.float64(t), np.float64(y))
        ulp = np.float64(np.spacing(np.float32(np.maximum(terms, 1e-30))))
        if row.autodiff_is_accurate:
            assert np.max(np.abs(ours - autodiff) / ulp) <= 2
        # A configuration is a row of the batch.
        worst, autodiff_worst = (np.max(np.abs(g - exact) / ulp, axis=-1) for g in (ours, autodiff))
        assert np.all(worst <= autodiff_worst + 2)


def test_formulas_in_float64_are_ours_to_rounding():
    for row in ROWS.values():
        rng = np.random.default_rng(1)
        t, y = row.targets(rng, 3), np.float64(row.predictions(rng, 3))
        found = gradient(row.loss, tf.constant(t), tf.constant(y))
        exact, terms = row.formula(np.float64(t), y)
        np.testing.assert_array_less(np.abs(found - exact), 1e-13 * terms + 1e-30)
