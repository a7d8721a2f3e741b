"""Losses per sample far from where they are usually evaluated."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from loss_cases import BCE, CASES, CCE, CORE, HALF, HUBER, LOGITS, MSE, PERCEPTRON, SCE, gradient
from modes import MODES

from keras_course_ext import ops

E = keras.config.epsilon()
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


TINY = 1e-310  # subnormal; TensorFlow may flush it to 0
# loss, targets, predictions, E, dE/dy
FAR_VALUES = [
    (MSE, [[0.0, 0.0]], [[1e4, -1e4]], 1e8, [[1e4, -1e4]]),
    (MSE, [[0.0, 0.0]], [[TINY, -TINY]], 0, [[TINY, -TINY]]),
    (HALF, [[0.0, 0.0]], [[1e4, -1e4]], 1e8, [[1e4, -1e4]]),
    (HALF, [[0.0, 0.0]], [[TINY, -TINY]], 0, [[TINY, -TINY]]),
    (HUBER, [[0.0, 0.0]], [[1e4, -1e4]], 1e4 - 0.5, [[0.5, -0.5]]),
    (HUBER, [[0.0, 0.0]], [[1e300, 0.0]], 5e299, [[0.5, 0.0]]),
    (HUBER, [[0.0, 0.0]], [[INF, -INF]], INF, [[0.5, -0.5]]),
    (HUBER, [[0.0, 0.0]], [[TINY, -TINY]], 0, [[TINY / 2, -TINY / 2]]),
    (HUBER, [[0.0, 0.0]], [[1.0, -1.0]], 0.5, [[0.5, -0.5]]),
    (PERCEPTRON, [[0.0, 1.0]], [[1e4, -1e4]], 2e4, [[1, -1]]),
    (PERCEPTRON, [[1.0, 0.0]], [[INF, -INF]], 0, [[0, 0]]),
    (PERCEPTRON, [[0.0, 1.0]], [[INF, -INF]], INF, [[1, -1]]),
    (PERCEPTRON, [[0.0, 1.0]], [[-TINY, -TINY]], TINY, [[0, -1]]),
]


@pytest.mark.parametrize("mode", ["eager", "jit"])
@pytest.mark.parametrize("name", [MSE, HALF, HUBER, PERCEPTRON])
def test_extreme_values(name, mode):
    loss = getattr(ops, name)
    t, y, e, dy = (
        np.array([row[i] for row in FAR_VALUES if row[0] == name], dtype="float64")
        for i in (1, 2, 3, 4)
    )
    t, y = tf.constant(t[:, 0]), tf.constant(y[:, 0])
    found_e, found_dy = MODES[mode](lambda t, y: (loss(t, y), gradient(loss, t, y)))(t, y)
    np.testing.assert_allclose(found_e, e, rtol=1e-15, atol=1e-300)
    np.testing.assert_allclose(found_dy, dy[:, 0], rtol=1e-15, atol=1e-300)


def test_an_infinite_delta_is_half_the_mean_squared_error():
    t, y = tf.zeros((1, 2), tf.float64), tf.constant([[3.0, -1.0]], tf.float64)
    loss = partial(ops.huber, delta=INF)
    assert loss(t, y) == 2.5
    np.testing.assert_array_equal(gradient(loss, t, y), [[1.5, -0.5]])


@pytest.mark.parametrize("name", [BCE, CCE, SCE])
def test_subnormal_logits_are_those_of_even_chances(name):
    t = tf.constant([0] if name == SCE else [[1.0, 0.0]])
    loss = partial(getattr(ops, name), from_logits=True)
    z = tf.constant([[1e-40, -1e-40]])
    np.testing.assert_allclose(loss(t, z), [np.log(2)], rtol=1e-6)
    dz = [[-0.25, 0.25]] if name == BCE else [[-0.5, 0.5]]
    np.testing.assert_allclose(gradient(loss, t, z), dz, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", [BCE, CCE, SCE])
def test_half_precision_probabilities_of_0_and_1_stay_finite(name, dtype):
    t = tf.constant([0] if name == SCE else [[1.0, 0.0]])
    p = tf.constant([[0.0, 1.0]], dtype)
    e, dp = getattr(ops, name)(t, p), gradient(getattr(ops, name), t, p)
    assert (e.dtype, dp.dtype) == (p.dtype, p.dtype)
    assert np.isfinite(tf.cast(e, "float32")).all()
    assert np.isfinite(tf.cast(dp, "float32")).all()


@pytest.mark.parametrize("name", CORE)
def test_a_prediction_of_nan_is_seen_in_the_loss_and_in_the_gradient(name):
    c = CASES[name]
    # Every target that a NaN could meet.
    t = tf.constant(c.y_true)
    y = tf.constant(np.where(np.arange(4) == np.arange(3)[:, None], np.nan, c.y_pred))
    e, dy = c.loss(t, y), gradient(c.loss, t, y)
    assert np.isnan(e).all()
    assert np.isnan(dy)[np.isnan(y)].all()


@pytest.mark.parametrize("t", [-1, 4])
def test_a_class_number_out_of_range_raises_or_is_nan_under_xla(t):
    t, z = tf.constant([0, t, 1]), tf.constant(LOGITS)
    for mode in ("eager", "graph"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="class number"):
            MODES[mode](ops.sparse_categorical_crossentropy)(t, z)
    e = MODES["jit"](ops.sparse_categorical_crossentropy)(t, z)
    np.testing.assert_array_equal(np.isnan(e), [False, True, False])


@pytest.mark.parametrize("t", [-1.0, 2.0])
def test_a_perceptron_target_outside_0_and_1_raises_or_is_nan_under_xla(t):
    t, z = tf.constant([[0.0], [t]]), tf.constant([[1.0], [1.0]])
    with pytest.raises(ValueError, match=r"\(y_true \+ 1\) / 2`. Received: (-1|2).0"):
        ops.perceptron_criterion(t, z)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\(y_true \+ 1\) / 2"):
        tf.function(ops.perceptron_criterion)(t, z)
    e = MODES["jit"](ops.perceptron_criterion)(t, z)
    np.testing.assert_array_equal(np.isnan(e), [False, True])
