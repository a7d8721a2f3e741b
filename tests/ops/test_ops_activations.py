"""Every activation against closed forms, autodiff on TensorFlow's own ops, and differences."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from modes import MODES

from keras_course_ext import gradcheck, ops


def np_sigmoid(x):
    # Both branches are computed; the one that overflows is not the one that is taken.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))


@dataclass(frozen=True)
class Case:
    """An activation, the same from TensorFlow, and f, f', f'' in NumPy."""

    op: Callable[..., Any]
    twin: Callable[..., Any]
    f: Callable[..., Any]
    df: Callable[..., Any]
    ddf: Callable[..., Any]


CASES = {
    "linear": Case(
        ops.linear, tf.identity, lambda x: x, lambda x: np.ones_like(x), lambda x: 0 * x
    ),
    "sigmoid": Case(
        ops.sigmoid,
        tf.math.sigmoid,
        np_sigmoid,
        lambda x: np_sigmoid(x) * np_sigmoid(-x),
        lambda x: np_sigmoid(x) * np_sigmoid(-x) * (1 - 2 * np_sigmoid(x)),
    ),
    "tanh": Case(
        ops.tanh,
        tf.math.tanh,
        np.tanh,
        lambda x: 1 / np.cosh(x) ** 2,
        lambda x: -2 * np.tanh(x) / np.cosh(x) ** 2,
    ),
    "relu": Case(
        ops.relu,
        tf.nn.relu,
        lambda x: np.maximum(x, 0),
        lambda x: np.where(x > 0, 1.0, 0.0),
        lambda x: 0 * x,
    ),
    "softplus": Case(
        ops.softplus,
        tf.math.softplus,
        lambda x: np.logaddexp(0, x),
        np_sigmoid,
        lambda x: np_sigmoid(x) * np_sigmoid(-x),
    ),
}

# What f and f' are at the ends of the number line, and at 0.
FAR = np.array([-np.inf, -1e4, 0.0, 1e4, np.inf])
AT_FAR = {
    "linear": (FAR, [1, 1, 1, 1, 1]),
    "sigmoid": ([0, 0, 0.5, 1, 1], [0, 0, 0.25, 0, 0]),
    "tanh": ([-1, -1, 0, 1, 1], [0, 0, 1, 0, 0]),
    "relu": ([0, 0, 0, 1e4, np.inf], [0, 0, 0, 1, 1]),
    "softplus": ([0, 0, np.log(2), 1e4, np.inf], [0, 0, 0.5, 1, 1]),
}

# Off the corner of ReLU.
X = np.array([[-7.3, -2.1, -0.4], [0.2, 1.7, 9.6]])


def gradient(f, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CASES)
def test_value_and_two_derivatives_are_the_closed_form_up_to_infinity(name, mode):
    case = CASES[name]

    def derivatives(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = case.op(x)
            dx = inner.gradient(y, x)
        return y, dx, outer.gradient(dx, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    x = np.concatenate([X.ravel(), FAR])
    y, dx, ddx = MODES[mode](derivatives)(tf.constant(x))
    value, derivative = AT_FAR[name]
    np.testing.assert_allclose(y, [*case.f(X.ravel()), *value], rtol=1e-14)
    np.testing.assert_allclose(dx, [*case.df(X.ravel()), *derivative], rtol=1e-11, atol=1e-15)
    second = [0, 0, case.ddf(0.0), 0, 0]
    np.testing.assert_allclose(ddx, [*case.ddf(X.ravel()), *second], rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("name", CASES)
def test_gradient_agrees_with_autodiff_and_central_differences(name):
    gradcheck(CASES[name].op, X, twin=CASES[name].twin)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CASES)
def test_float32_gradient_is_within_2_ulp_of_autodiff(name, mode):
    case = CASES[name]
    ours = MODES[mode](lambda x, dy: gradient(lambda x: dy * case.op(x), x))
    theirs = MODES[mode](lambda x, dy: gradient(lambda x: dy * case.twin(x), x))
    rng = np.random.default_rng(0)
    for scale in np.geomspace(1e-3, 10, 40):
        x = tf.constant(rng.normal(0, scale, (8, 5)), tf.float32)
        dy = tf.constant(rng.normal(0, 1, (8, 5)), tf.float32)
        np.testing.assert_array_max_ulp(ours(x, dy).numpy(), theirs(x, dy).numpy(), maxulp=2)


@pytest.mark.parametrize("name", CASES)
def test_hessian_agrees_with_autodiff(name):
    w = tf.constant(np.random.default_rng(1).normal(size=(3, 3)))

    def hessian(f, x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            dx = gradient(lambda x: tf.reduce_sum(tf.square(tf.linalg.matvec(w, f(x)))), x)
        return outer.jacobian(dx, x)

    x = tf.constant(X[1])
    expected = hessian(CASES[name].twin, x)
    np.testing.assert_allclose(hessian(CASES[name].op, x), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_forward_mode_gives_the_same_derivative(name):
    x = tf.constant(X)
    with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as accumulator:
        y = CASES[name].op(x)
    np.testing.assert_allclose(accumulator.jvp(y), CASES[name].df(X), rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("name", CASES)
def test_per_example_gradients_by_vectorized_map(name):
    dx = tf.vectorized_map(lambda row: gradient(CASES[name].op, row), tf.constant(X))
    np.testing.assert_allclose(dx, CASES[name].df(X), rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("name", CASES)
def test_smallest_numbers_behave_as_0(name):
    x = tf.constant([-1e-44, 1e-44], tf.float32)
    value, derivative = CASES[name].f(np.zeros(2)), CASES[name].df(np.zeros(2))
    np.testing.assert_allclose(CASES[name].op(x), value, atol=1e-40)
    if name != "relu":
        np.testing.assert_allclose(gradient(CASES[name].op, x), derivative)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("name", [*CASES, "softmax"])
def test_dtype_and_shape_are_kept(name, dtype):
    op = getattr(ops, name)
    x = tf.cast(tf.reshape(tf.linspace(-2.0, 2.0, 24), (2, 3, 4)), dtype)
    y, dx = op(x), gradient(op, x)
    assert (y.dtype, dx.dtype) == (x.dtype, x.dtype)
    assert (y.shape, dx.shape) == (x.shape, x.shape)


def test_sigmoid_derivative_is_at_most_a_quarter_and_only_at_0():
    x = tf.constant(np.linspace(-8, 8, 1601))
    dx = gradient(ops.sigmoid, x).numpy()
    assert dx.max() == 0.25
    assert x.numpy()[dx == 0.25] == [0.0]


def test_tanh_derivative_is_at_most_1_and_only_at_0():
    x = tf.constant(np.linspace(-8, 8, 1601))
    dx = gradient(ops.tanh, x).numpy()
    assert dx.max() == 1.0
    assert x.numpy()[dx == 1.0] == [0.0]


def test_a_chain_of_k_sigmoids_passes_at_most_4_to_the_minus_k():
    def chain(x):
        for _ in range(8):
            x = ops.sigmoid(x)
        return x

    dx = gradient(chain, tf.constant(np.linspace(-5, 5, 101))).numpy()
    assert 0 < dx.max() <= 4.0**-8


# The formula of each docstring beside the kernel that computes it.
KERNELS = {
    "sigmoid": lambda x, y, dy: dy * y * (1 - y),
    "tanh": lambda x, y, dy: dy * (1 - y * y),
    "relu": lambda x, y, dy: tf.where(y > 0, dy, 0),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", KERNELS)
def test_kernel_computes_the_formula(name, mode):
    x = tf.constant(X)
    dy = tf.constant(np.random.default_rng(2).normal(size=X.shape))

    def by_kernel(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = CASES[name].op(x)
        return tape.gradient(y, x, output_gradients=dy)

    expected = KERNELS[name](x, CASES[name].op(x), dy)
    np.testing.assert_allclose(MODES[mode](by_kernel)(x, dy), expected, rtol=1e-14, atol=1e-15)


# Softmax mixes the entries of an axis, so it has a table of its own.
AXES = [-1, 0, 1, 2, (0, 2), [-1, -2], (1,)]


def plain_softmax(x, axis):
    axis = axis if isinstance(axis, int) else tuple(axis)
    e = tf.exp(x - tf.reduce_max(x, axis=axis, keepdims=True))
    return e / tf.reduce_sum(e, axis=axis, keepdims=True)


@pytest.mark.parametrize("axis", AXES)
def test_softmax_over_any_axis(axis):
    x = np.random.default_rng(3).normal(0, 2, (2, 3, 4))
    gradcheck(lambda x: ops.softmax(x, axis), x, twin=lambda x: plain_softmax(x, axis))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("axis", [-1, 0, (0, 1)])
def test_softmax_jacobian_is_the_closed_form(axis, mode):
    x = np.random.default_rng(4).normal(0, 2, (3, 4))

    def jacobian(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = ops.softmax(x, axis)
        return tape.jacobian(y, x)

    e = np.exp(x)
    y = e / e.sum(axis=axis, keepdims=True)
    same_group = {
        -1: np.einsum("ik,jl->ijkl", np.eye(3), np.ones((4, 4))),
        0: np.einsum("ik,jl->ijkl", np.ones((3, 3)), np.eye(4)),
        (0, 1): np.ones((3, 4, 3, 4)),
    }[axis]
    δ = np.einsum("ik,jl->ijkl", np.eye(3), np.eye(4))
    expected = y[:, :, None, None] * (δ - y) * same_group
    np.testing.assert_allclose(MODES[mode](jacobian)(tf.constant(x)), expected, atol=1e-15)


@pytest.mark.parametrize("axis", [-1, 0])
def test_softmax_second_order_and_forward_mode(axis):
    x = tf.constant(np.random.default_rng(5).normal(size=(2, 3)))
    v = tf.constant(np.random.default_rng(6).normal(size=(2, 3)))

    def derivatives(f):
        with tf.GradientTape() as outer:
            outer.watch(x)
            dx = gradient(lambda x: tf.reduce_sum(f(x, axis) ** 3), x)
        with tf.autodiff.ForwardAccumulator(x, v) as accumulator:
            y = f(x, axis)
        return outer.jacobian(dx, x), accumulator.jvp(y)

    for ours, plain in zip(derivatives(ops.softmax), derivatives(plain_softmax), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("mode", MODES)
def test_softmax_of_extreme_scores(mode):
    x = tf.constant([[1e4, -1e4, 0.0], [-np.inf, 0.0, 0.0], [1e4, 1e4, -1e4]])
    dy = tf.constant([[1.0, 2.0, 3.0]] * 3)
    y = MODES[mode](ops.softmax)(x)
    np.testing.assert_allclose(y, [[1, 0, 0], [0, 0.5, 0.5], [0.5, 0.5, 0]])
    dx = MODES[mode](lambda x: gradient(lambda x: dy * ops.softmax(x), x))(x)
    np.testing.assert_allclose(dx, [[0, 0, 0], [0, -0.25, 0.25], [-0.25, 0.25, 0]], atol=1e-7)


def test_softmax_of_one_unit_has_gradient_exactly_0():
    x = tf.constant([[3.7], [-2.0]])
    assert np.all(gradient(lambda x: 5 * ops.softmax(x), x).numpy() == 0)


def test_softmax_of_unknown_rank_runs_in_a_graph():
    any_rank: Any = None
    f = tf.function(ops.softmax, input_signature=[tf.TensorSpec(any_rank)])
    np.testing.assert_allclose(f(tf.zeros((2, 4))), np.full((2, 4), 0.25))


@pytest.mark.parametrize("axis", [2, -3, (0, 2), ()])
def test_softmax_refuses_an_axis_that_is_not_there(axis):
    with pytest.raises(ValueError, match=r"axis.*\[-2, 2\)"):
        ops.softmax(tf.zeros((2, 3)), axis)


BAD = {
    "integer": (lambda: tf.constant([1, 2]), r"int32.*tf\.cast"),
    "boolean": (lambda: tf.constant([True]), r"bool.*tf\.cast"),
    "complex": (lambda: tf.complex([1.0], [1.0]), r"complex64.*tf\.cast"),
    "sparse": (lambda: tf.sparse.from_dense([[1.0]]), r"tf\.sparse\.to_dense"),
    "ragged": (lambda: tf.ragged.constant([[1.0], []]), r"to_tensor"),
}


@pytest.mark.parametrize("name", [*CASES, "softmax"])
@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_refused_with_what_to_write(name, bad):
    make, message = BAD[bad]
    with pytest.raises(TypeError, match=message) as error:
        getattr(ops, name)(make())
    assert f"`{name}`" in str(error.value)


@pytest.mark.parametrize("name", [*CASES, "softmax"])
def test_gradients_survive_a_saved_model(name, tmp_path):
    module = tf.Module()
    module.f = tf.function(getattr(ops, name), input_signature=[tf.TensorSpec((None, 3))])
    tf.saved_model.save(module, str(tmp_path / "model"))
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    x = tf.constant(X, tf.float32)
    np.testing.assert_array_equal(gradient(loaded.f, x), gradient(getattr(ops, name), x))
