"""softmax and log_softmax, which mix the entries of an axis."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from activation_cases import gradient
from modes import MODES

from keras_course_ext import gradcheck, ops

AXES = [-1, 0, 1, 2, (0, 2), [-1, -2], (1,), None]


def plain_softmax(x, axis=-1):
    axis = tuple(axis) if isinstance(axis, list) else axis
    e = tf.exp(x - tf.reduce_max(x, axis=axis, keepdims=True))
    return e / tf.reduce_sum(e, axis=axis, keepdims=True)


def plain_log_softmax(x, axis=-1):
    return tf.math.log(plain_softmax(x, axis))


FUNCTIONS = {
    "softmax": (ops.softmax, plain_softmax),
    "log_softmax": (ops.log_softmax, plain_log_softmax),
}
by_function = pytest.mark.parametrize(("op", "twin"), FUNCTIONS.values(), ids=FUNCTIONS)


@pytest.mark.parametrize("axis", AXES)
@by_function
def test_any_axis(op, twin, axis):
    x = np.random.default_rng(3).normal(0, 2, (2, 3, 4))
    gradcheck(lambda x: op(x, axis), x, twin=lambda x: twin(x, axis))


@pytest.mark.parametrize("mode", MODES)
@by_function
def test_jacobian_by_pfor_is_the_closed_form(op, twin, mode):
    x = np.random.default_rng(4).normal(0, 2, (3, 4))
    axes = (-1, 0, (0, 1))

    def jacobians(x):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            ys = [op(x, axis) for axis in axes]
        return [tape.jacobian(y, x, experimental_use_pfor=True) for y in ys]

    e = np.exp(x)
    same_group = {
        -1: np.einsum("ik,jl->ijkl", np.eye(3), np.ones((4, 4))),
        0: np.einsum("ik,jl->ijkl", np.ones((3, 3)), np.eye(4)),
        (0, 1): np.ones((3, 4, 3, 4)),
    }
    δ = np.einsum("ik,jl->ijkl", np.eye(3), np.eye(4))
    for axis, found in zip(axes, MODES[mode](jacobians)(tf.constant(x)), strict=True):
        y = e / e.sum(axis=axis, keepdims=True)
        expected = (δ - y) * same_group[axis]
        if op is ops.softmax:
            expected = y[:, :, None, None] * expected
        np.testing.assert_allclose(found, expected, atol=1e-15)


@pytest.mark.parametrize("axis", [-1, 0, None])
@by_function
def test_hessian_forward_mode_and_recomputation(op, twin, axis):
    x = tf.constant(np.random.default_rng(5).normal(size=(2, 3)))
    v = tf.constant(np.random.default_rng(6).normal(size=(2, 3)))

    def derivatives(f, recomputed):
        with tf.GradientTape() as outer:
            outer.watch(x)
            dx = gradient(lambda x: tf.reduce_sum(f(x, axis) ** 3), x)
        with tf.autodiff.ForwardAccumulator(x, v) as accumulator:
            y = f(x, axis)
        again = gradient(lambda x: recomputed(x) ** 3, x)
        return outer.jacobian(dx, x), accumulator.jvp(y), again

    found = derivatives(op, tf.recompute_grad(lambda x: op(x, axis)))
    for ours, plain in zip(found, derivatives(twin, lambda x: twin(x, axis)), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-11, atol=1e-14)


@by_function
def test_per_example_gradients_by_vectorized_map(op, twin):
    x = tf.constant(np.random.default_rng(7).normal(size=(4, 3)))
    found = tf.vectorized_map(lambda row: gradient(lambda r: op(r) ** 3, row), x)
    np.testing.assert_allclose(found, gradient(lambda x: twin(x) ** 3, x), rtol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_extreme_scores(mode):
    x = tf.constant([[1e4, -1e4, 0.0], [-np.inf, 0.0, 0.0], [1e4, 1e4, -1e4]])
    dy = tf.constant([[1.0, 2.0, 3.0]] * 3)

    def compute(x):
        fs = (ops.softmax, ops.log_softmax)
        return [(f(x), gradient(f, x, dy)) for f in fs]

    (y, dx), (ln_y, d_ln) = MODES[mode](compute)(x)
    np.testing.assert_allclose(y, [[1, 0, 0], [0, 0.5, 0.5], [0.5, 0.5, 0]])
    np.testing.assert_allclose(dx, [[0, 0, 0], [0, -0.25, 0.25], [-0.25, 0.25, 0]], atol=1e-7)
    half = np.log(0.5)
    expected = [[0, -2e4, -1e4], [-np.inf, half, half], [half, half, -2e4 + half]]
    np.testing.assert_allclose(ln_y, expected, rtol=1e-6)
    np.testing.assert_allclose(d_ln, [[-5, 2, 3], [1, -1, 0], [-2, -1, 3]], atol=1e-6)


def test_softmax_of_one_unit_has_gradient_exactly_0():
    x = tf.constant([[3.7], [-2.0]])
    assert np.all(gradient(lambda x: 5 * ops.softmax(x), x).numpy() == 0)


@by_function
def test_unknown_rank_runs_in_a_graph(op, twin):
    any_rank: Any = None
    f = tf.function(op, input_signature=[tf.TensorSpec(any_rank)])
    np.testing.assert_allclose(f(tf.zeros((2, 4))), twin(tf.zeros((2, 4))), rtol=1e-6)


@pytest.mark.parametrize("axis", [2, -3, (0, 2), ()])
@by_function
def test_an_axis_that_is_not_there_is_refused(op, twin, axis):
    with pytest.raises(ValueError, match=r"axis.*\[-2, 2\)"):
        op(tf.zeros((2, 3)), axis)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@by_function
def test_dtype_and_shape_are_kept(op, twin, dtype):
    x = tf.cast(tf.reshape(tf.linspace(-2.0, 2.0, 24), (2, 3, 4)), dtype)
    y, dx = op(x), gradient(op, x)
    assert (y.dtype, dx.dtype) == (x.dtype, x.dtype)
    assert (y.shape, dx.shape) == (x.shape, x.shape)
