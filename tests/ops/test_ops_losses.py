"""Losses per sample against Keras's values, autodiff on plain ops, and differences."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from modes import MODES

from keras_course_ext import gradcheck, ops

RNG = np.random.default_rng(0)
ONE_HOT = np.eye(4)[[0, 2, 1]]
CLASS = np.array([0, 2, 1])
LOGITS = RNG.normal(0, 2, (3, 4))
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=-1, keepdims=True)
BINARY = np.array([[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.3]])
SHARES = 1 / (1 + np.exp(-LOGITS))
E = keras.config.epsilon()


def plain_mse(t, a):
    return tf.reduce_mean((a - t) * (a - t), axis=-1)


def plain_bce(t, p, axis=-1):
    return -tf.reduce_mean(t * tf.math.log(p) + (1 - t) * tf.math.log(1 - p), axis=axis)


def plain_bce_logits(t, z, axis=-1):
    return plain_bce(t, 1 / (1 + tf.exp(-z)), axis)


def plain_cce(t, p, axis=-1):
    q = p / tf.reduce_sum(p, axis=axis, keepdims=True)
    return -tf.reduce_sum(t * tf.math.log(q), axis=axis)


def plain_cce_logits(t, z, axis=-1):
    return plain_cce(t, tf.exp(z), axis)


def smooth(t, α, towards):
    return (1 - α) * t + α * towards


@dataclass(frozen=True)
class Case:
    """A loss with its options, its Keras counterpart, a plain twin, and inputs."""

    loss: Callable[..., Any]
    keras: Callable[..., Any]
    twin: Callable[..., Any]
    y_true: Any
    y_pred: Any


def case(name, twin, y_true, y_pred, **options):
    return Case(
        partial(getattr(ops, name), **options),
        partial(getattr(keras.losses, name), **options),
        twin,
        y_true,
        y_pred,
    )


BCE, CCE, SCE = "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"
LOGIT = {"from_logits": True}
CASES = {
    "mse": case("mean_squared_error", plain_mse, BINARY, LOGITS),
    "mse, rank 3": case("mean_squared_error", plain_mse, BINARY[None], LOGITS[None]),
    "mse, (n,) and (n, 1)": case(
        "mean_squared_error", lambda t, a: plain_mse(t[:, None], a), BINARY[0], LOGITS[0][:, None]
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
    "sce": case(SCE, lambda t, p: plain_cce(tf.one_hot(t, 4, dtype=p.dtype), p), CLASS, SHARES),
    "sce, logits": case(
        SCE,
        lambda t, z: plain_cce_logits(tf.one_hot(t, 4, dtype=z.dtype), z),
        CLASS,
        LOGITS,
        **LOGIT,
    ),
    "sce, (n, 1)": case(
        SCE,
        lambda t, z: plain_cce_logits(tf.one_hot(t[:, 0], 4, dtype=z.dtype), z),
        CLASS[:, None],
        LOGITS,
        **LOGIT,
    ),
    "sce, rank 3": case(
        SCE,
        lambda t, z: plain_cce_logits(tf.one_hot(t, 4, dtype=z.dtype), z),
        CLASS[None],
        LOGITS[None],
        **LOGIT,
    ),
}
by_case = pytest.mark.parametrize("name", CASES)


def gradient(loss, t, y):
    with tf.GradientTape() as tape:
        tape.watch(y)
        e = loss(t, y)
    return tape.gradient(e, y)


@by_case
def test_value_is_keras_s(name):
    c = CASES[name]
    t, y = tf.constant(c.y_true), tf.constant(c.y_pred)
    np.testing.assert_allclose(c.loss(t, y), c.keras(t, y), rtol=1e-14)


@by_case
def test_gradient_agrees_with_autodiff_and_central_differences(name):
    c = CASES[name]
    y_true = tf.constant(c.y_true)
    gradcheck(lambda y: c.loss(y_true, y), c.y_pred, twin=lambda y: c.twin(y_true, y))


@pytest.mark.parametrize("name", [name for name in CASES if "sce" not in name])
def test_gradient_of_targets_agrees_too(name):
    c = CASES[name]
    gradcheck(c.loss, c.y_true, c.y_pred, twin=c.twin)


CORE = ["mse", "bce", "bce, logits", "cce", "cce, logits", "sce", "sce, logits"]


@pytest.mark.parametrize(
    ("name", "mode"), [(n, m) for n in CASES for m in MODES if n in CORE or m == "eager"]
)
def test_in_float32_value_is_keras_s_and_gradient_autodiff_s(name, mode):
    c = CASES[name]
    t, y = tf.constant(c.y_true), tf.constant(c.y_pred, tf.float32)
    t = t if "sce" in name else tf.cast(t, tf.float32)
    e, dy = MODES[mode](lambda t, y: (c.loss(t, y), gradient(c.loss, t, y)))(t, y)
    np.testing.assert_allclose(e, c.keras(t, y), rtol=2e-6, atol=2e-7)
    np.testing.assert_allclose(dy, gradient(c.twin, t, y), rtol=2e-5, atol=2e-7)


def test_from_logits_the_gradient_is_p_minus_t():
    z = tf.constant(LOGITS)
    for name, t, p, n in ((BCE, BINARY, SHARES, 4), (CCE, ONE_HOT, PROBABILITIES, 1)):
        dz = gradient(partial(getattr(ops, name), from_logits=True), tf.constant(t), z)
        np.testing.assert_allclose(dz, (p - t) / n, rtol=1e-13, atol=1e-15)
    loss = partial(ops.sparse_categorical_crossentropy, from_logits=True)
    dz = gradient(loss, tf.constant(CLASS), z)
    np.testing.assert_allclose(dz, PROBABILITIES - ONE_HOT, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", [*CORE, "bce, logits, axis", "cce, not normalized", "cce, axis"])
def test_second_order_and_forward_mode_agree_with_autodiff(name):
    c = CASES[name]
    t, y = tf.constant(c.y_true), tf.constant(c.y_pred)
    v = tf.constant(np.random.default_rng(1).normal(size=c.y_pred.shape))

    def derivatives(loss):
        with tf.GradientTape() as outer:
            outer.watch(y)
            dy = gradient(loss, t, y)
        with tf.autodiff.ForwardAccumulator(y, v) as accumulator:
            e = loss(t, y)
        return outer.jacobian(dy, y), accumulator.jvp(e)

    for found, expected in zip(derivatives(c.loss), derivatives(c.twin), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", CORE)
def test_per_example_gradients_by_vectorized_map(name):
    c = CASES[name]
    t, y = tf.constant(c.y_true), tf.constant(c.y_pred)
    rows = tf.vectorized_map(lambda row: gradient(c.loss, row[0][None], row[1][None]), (t, y))
    np.testing.assert_allclose(rows[:, 0], gradient(c.loss, t, y), rtol=1e-13)


INF = np.inf
# loss, targets, logits, E, dE/dz
FAR_LOGITS = [
    (BCE, [[1.0, 0.0]], [[-1e4, 1e4]], 1e4, [[-0.5, 0.5]]),
    (BCE, [[1.0, 0.0]], [[1e4, -1e4]], 0, [[0, 0]]),
    (BCE, [[1.0, 0.0]], [[INF, -INF]], 0, [[0, 0]]),
    (BCE, [[0.5, 0.5]], [[1e4, -1e4]], 5e3, [[0.25, -0.25]]),
    (CCE, [[1.0, 0.0, 0.0]], [[-1e4, 1e4, 0.0]], 2e4, [[-1, 1, 0]]),
    (CCE, [[1.0, 0.0, 0.0]], [[1e4, -1e4, 0.0]], 0, [[0, 0, 0]]),
    (CCE, [[1.0, 0.0, 0.0]], [[0.0, 0.0, -INF]], np.log(2), [[-0.5, 0.5, 0]]),
    (SCE, [0], [[-1e4, 1e4, 0.0]], 2e4, [[-1, 1, 0]]),
    (SCE, [0], [[0.0, 0.0, -INF]], np.log(2), [[-0.5, 0.5, 0]]),
]


@pytest.mark.parametrize("mode", ["eager", "jit"])
@pytest.mark.parametrize(("name", "t", "z", "e", "dz"), FAR_LOGITS)
def test_extreme_logits(name, t, z, e, dz, mode):
    loss = partial(getattr(ops, name), from_logits=True)
    t, z = tf.constant(t), tf.constant(z)
    np.testing.assert_allclose(MODES[mode](loss)(t, z), [e], rtol=1e-6)
    np.testing.assert_allclose(MODES[mode](partial(gradient, loss))(t, z), dz, atol=1e-7)


# loss, targets, probabilities, E, dE/dp: beyond the clip E is constant.
FAR_PROBABILITIES = [
    (BCE, [[1.0]], [[0.0]], -np.log(E), [[0]]),
    (BCE, [[0.0]], [[0.0]], -np.log1p(-E), [[0]]),
    (BCE, [[1.0]], [[2 * E]], -np.log(2 * E), [[-0.5 / E]]),
    (CCE, [[1.0, 0.0]], [[0.0, 1.0]], -np.log(E), [[0, 0]]),
    (CCE, [[1.0, 0.0]], [[2 * E, 1 - 2 * E]], -np.log(2 * E), [[-0.5 / E, 1]]),
    (SCE, [0], [[0.0, 1.0]], -np.log(E), [[0, 0]]),
    (SCE, [0], [[2 * E, 1 - 2 * E]], -np.log(2 * E), [[-0.5 / E, 1]]),
]


@pytest.mark.parametrize("mode", ["eager", "jit"])
@pytest.mark.parametrize(("name", "t", "p", "e", "dp"), FAR_PROBABILITIES)
def test_extreme_probabilities(name, t, p, e, dp, mode):
    loss = getattr(ops, name)
    t = tf.constant(t) if name == SCE else tf.constant(t, tf.float64)
    p = tf.constant(p, tf.float64)
    np.testing.assert_allclose(MODES[mode](loss)(t, p), [e], rtol=1e-9, atol=1e-9)
    found = MODES[mode](partial(gradient, loss))(t, p)
    np.testing.assert_allclose(found, dp, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", [BCE, CCE, SCE])
def test_half_precision_probabilities_of_0_and_1_stay_finite(name, dtype):
    t = tf.constant([0] if name == SCE else [[1.0, 0.0]])
    p = tf.constant([[0.0, 1.0]], dtype)
    e, dp = getattr(ops, name)(t, p), gradient(getattr(ops, name), t, p)
    assert (e.dtype, dp.dtype) == (p.dtype, p.dtype)
    assert np.isfinite(tf.cast(e, "float32")).all()
    assert np.isfinite(tf.cast(dp, "float32")).all()


def test_targets_that_do_not_sum_to_1_get_the_true_gradient():
    t = np.array([[2.0, 1.0, 0.0, 0.5]])
    loss = partial(ops.categorical_crossentropy, from_logits=True)
    gradcheck(lambda z: loss(t, z), LOGITS[:1], twin=lambda z: plain_cce_logits(t, z))


def test_label_smoothing_counts_the_classes_along_axis():
    t, p = np.eye(3)[[1, 0]], PROBABILITIES[:2, :3]
    found = ops.categorical_crossentropy(t.T, p.T, label_smoothing=0.3, axis=0)
    expected = ops.categorical_crossentropy(t, p, label_smoothing=0.3)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_unknown_sizes_that_differ_fail_instead_of_broadcasting():
    spec = tf.TensorSpec((None, None), tf.float32)
    f = tf.function(ops.mean_squared_error, input_signature=[spec, spec])
    assert f(tf.zeros((2, 3)), tf.ones((2, 3))).shape == (2,)
    with pytest.raises(tf.errors.InvalidArgumentError):
        f(tf.zeros((2, 1)), tf.zeros((2, 3)))


@pytest.mark.parametrize("t", [-1, 4])
def test_a_class_number_out_of_range_raises_or_is_nan_under_xla(t):
    t, z = tf.constant([0, t, 1]), tf.constant(LOGITS)
    for mode in ("eager", "graph"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="class number"):
            MODES[mode](ops.sparse_categorical_crossentropy)(t, z)
    e = MODES["jit"](ops.sparse_categorical_crossentropy)(t, z)
    np.testing.assert_array_equal(np.isnan(e), [False, True, False])


def test_a_single_class_is_warned_of():
    with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
        ops.categorical_crossentropy([[1.0]], [[0.7]])


def zeros(*shape):
    return tf.zeros(shape)


def sparse(**options):
    return partial(ops.sparse_categorical_crossentropy, zeros(2), zeros(2, 3), **options)


BAD = {
    "mse shapes": (
        lambda: ops.mean_squared_error(zeros(2, 1), zeros(2, 3)),
        r"\(2, 1\).*\(2, 3\)",
    ),
    "mse ranks": (lambda: ops.mean_squared_error(zeros(3), zeros(2, 3)), "equal"),
    "mse scalar": (lambda: ops.mean_squared_error(0.0, 1.0), "rank"),
    "bce shapes": (lambda: ops.binary_crossentropy(zeros(2, 1), zeros(2, 3)), "equal"),
    "bce axis": (lambda: ops.binary_crossentropy(zeros(2, 3), zeros(2, 3), axis=2), r"\[-2, 2\)"),
    "bce smoothing": (
        lambda: ops.binary_crossentropy(zeros(2, 3), zeros(2, 3), label_smoothing=1.5),
        "label_smoothing=1.5",
    ),
    "cce shapes": (lambda: ops.categorical_crossentropy(zeros(2, 4), zeros(2, 3)), "equal"),
    "cce axis": (
        lambda: ops.categorical_crossentropy(zeros(2, 3), zeros(2, 3), axis=True),
        "integer",
    ),
    "sce one-hot": (
        lambda: ops.sparse_categorical_crossentropy(zeros(2, 3), zeros(2, 3)),
        "categorical_crossentropy",
    ),
    "sce axis": (sparse(axis=0), r"keras\.ops\.moveaxis\(y_pred, 0, -1\)"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_with_what_to_write(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("name", ["mean_squared_error", BCE, CCE, SCE])
def test_integer_predictions_are_refused(name):
    with pytest.raises(TypeError, match=r"y_pred.*tf\.cast"):
        getattr(ops, name)(tf.zeros((2, 3)), tf.zeros((2, 3), tf.int32))
