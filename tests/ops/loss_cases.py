"""The losses per sample: options, Keras's counterpart, plain twins and the closed gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext import ops

RNG = np.random.default_rng(0)
ONE_HOT = np.eye(4)[[0, 2, 1]]
CLASS = np.array([0, 2, 1])
LOGITS = RNG.normal(0, 2, (3, 4))
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=-1, keepdims=True)
BINARY = np.array([[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.3]])
SHARES = 1 / (1 + np.exp(-LOGITS))

MSE, HALF, HUBER = "mean_squared_error", "half_squared_error", "huber"
BCE, CCE, SCE = "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"
PERCEPTRON = "perceptron_criterion"
LOGIT = {"from_logits": True}


def plain_mse(t, a):
    return tf.reduce_mean((a - t) * (a - t), axis=-1)


def plain_half(t, a):
    return 0.5 * tf.reduce_sum((t - a) * (t - a), axis=-1)


def plain_huber(t, a, delta=1.0):
    e = tf.abs(a - t)
    h = tf.where(e <= delta, 0.5 * e * e, delta * e - 0.5 * delta * delta)
    return tf.reduce_mean(h, axis=-1)


def plain_perceptron(t, z):
    # (step(z) - t) z without a step.
    return tf.reduce_sum(tf.nn.relu(z) - t * z, axis=-1)


def plain_bce(t, p, axis=-1):
    return -tf.reduce_mean(t * tf.math.log(p) + (1 - t) * tf.math.log(1 - p), axis=axis)


def plain_bce_logits(t, z, axis=-1):
    return plain_bce(t, 1 / (1 + tf.exp(-z)), axis)


def plain_cce(t, p, axis=-1):
    q = p / tf.reduce_sum(p, axis=axis, keepdims=True)
    return -tf.reduce_sum(t * tf.math.log(q), axis=axis)


def plain_cce_logits(t, z, axis=-1):
    return plain_cce(t, tf.exp(z), axis)


def plain_sce_logits(t, z):
    return plain_cce_logits(tf.one_hot(t, z.shape[-1], dtype=z.dtype), z)


def plain_sce(t, p):
    return plain_cce(tf.one_hot(t, p.shape[-1], dtype=p.dtype), p)


def smooth(t, α, towards):
    return (1 - α) * t + α * towards


@dataclass(frozen=True)
class Case:
    """A loss with its options, an independent value, a plain twin, and inputs."""

    loss: Callable[..., Any]
    value: Callable[..., Any]
    twin: Callable[..., Any]
    y_true: Any
    y_pred: Any


def case(name, twin, y_true, y_pred, value=None, **options):
    if value is None:
        value = partial(getattr(keras.losses, name), **options)
    return Case(partial(getattr(ops, name), **options), value, twin, y_true, y_pred)


def half_in_numpy(t, a):
    return np.sum(np.square(t - a), axis=-1) / 2


def perceptron_in_numpy(t, z):
    t, z = np.asarray(t), np.asarray(z)
    return np.sum(((z > 0) - t) * z, axis=-1)


CASES = {
    "mse": case(MSE, plain_mse, BINARY, LOGITS),
    "mse, rank 3": case(MSE, plain_mse, BINARY[None], LOGITS[None]),
    "mse, (n,) and (n, 1)": case(
        MSE, lambda t, a: plain_mse(t[:, None], a), BINARY[0], LOGITS[0][:, None]
    ),
    "half": case(HALF, plain_half, BINARY, LOGITS, half_in_numpy),
    "half, two outputs": case(HALF, plain_mse, BINARY[:, :2], LOGITS[:, :2], half_in_numpy),
    "huber": case(HUBER, plain_huber, BINARY, LOGITS),
    "huber, delta": case(HUBER, partial(plain_huber, delta=0.3), BINARY, LOGITS, delta=0.3),
    "huber, rank 3": case(HUBER, plain_huber, BINARY[None], LOGITS[None]),
    "perceptron": case(
        # Not at 0 and 1 themselves: central differences would leave what is allowed.
        PERCEPTRON,
        plain_perceptron,
        smooth(BINARY, 0.1, 0.5),
        LOGITS,
        perceptron_in_numpy,
    ),
    "bce": case(BCE, plain_bce, BINARY, SHARES),
    "bce, logits": case(BCE, plain_bce_logits, BINARY, LOGITS, **LOGIT),
    "bce, axis": case(BCE, partial(plain_bce, axis=0), BINARY, SHARES, axis=0),
    "bce, logits, axis": case(
        BCE, partial(plain_bce_logits, axis=0), BINARY, LOGITS, axis=0, **LOGIT
    ),
    "bce, smoothing": case(
        BCE, lambda t, p: plain_bce(smooth(t, 0.2, 0.5), p), BINARY, SHARES, label_smoothing=0.2
    ),
    "bce, logits, smoothing": case(
        BCE,
        lambda t, z: plain_bce_logits(smooth(t, 0.2, 0.5), z),
        BINARY,
        LOGITS,
        label_smoothing=0.2,
        **LOGIT,
    ),
    "cce": case(CCE, plain_cce, ONE_HOT, PROBABILITIES),
    "cce, not normalized": case(CCE, plain_cce, ONE_HOT, SHARES),
    "cce, logits": case(CCE, plain_cce_logits, ONE_HOT, LOGITS, **LOGIT),
    "cce, soft targets": case(CCE, plain_cce_logits, PROBABILITIES[::-1], LOGITS, **LOGIT),
    "cce, axis": case(CCE, partial(plain_cce, axis=0), ONE_HOT, PROBABILITIES, axis=0),
    "cce, logits, axis": case(
        CCE, partial(plain_cce_logits, axis=0), ONE_HOT, LOGITS, axis=0, **LOGIT
    ),
    "cce, smoothing": case(
        CCE,
        lambda t, p: plain_cce(smooth(t, 0.1, 1 / 4), p),
        ONE_HOT,
        PROBABILITIES,
        label_smoothing=0.1,
    ),
    "cce, logits, smoothing": case(
        CCE,
        lambda t, z: plain_cce_logits(smooth(t, 0.1, 1 / 4), z),
        ONE_HOT,
        LOGITS,
        label_smoothing=0.1,
        **LOGIT,
    ),
    "sce": case(SCE, plain_sce, CLASS, SHARES),
    "sce, logits": case(SCE, plain_sce_logits, CLASS, LOGITS, **LOGIT),
    "sce, (n, 1)": case(
        SCE, lambda t, z: plain_sce_logits(t[:, 0], z), CLASS[:, None], LOGITS, **LOGIT
    ),
    "sce, rank 3": case(SCE, plain_sce_logits, CLASS[None], LOGITS[None], **LOGIT),
    # one_hot gives a class number out of range a row of zeros.
    "sce, ignored": case(
        SCE, plain_sce_logits, np.array([0, -1, 1]), LOGITS, ignore_class=-1, **LOGIT
    ),
    "sce, probabilities, ignored": case(
        SCE,
        lambda t, p: plain_sce(tf.where(t == 1, -1, t), p),
        CLASS,
        SHARES,
        ignore_class=1,
    ),
}

# One of each formula.
CORE = [
    "mse",
    "half",
    "huber",
    "perceptron",
    "bce",
    "bce, logits",
    "cce",
    "cce, logits",
    "sce",
    "sce, logits",
]


def gradient(loss, t, y):
    with tf.GradientTape() as tape:
        tape.watch(y)
        e = loss(t, y)
    return tape.gradient(e, y)
