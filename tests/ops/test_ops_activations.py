"""Every elementwise activation: its values, derivatives and ends in float64, and bad input."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from activation_cases import CASES, FAR, X, gradient, points, two_derivatives
from modes import MODES

from keras_course_ext import gradcheck, ops

NAMES = [name for name in CASES if hasattr(ops, name)]
by_case = pytest.mark.parametrize("name", CASES)


@functools.cache
def computed(mode, dtype):
    """Every function with two derivatives, at all points, in one trace."""

    def compute(x):
        return {name: two_derivatives(case.op, x) for name, case in CASES.items()}

    return MODES[mode](compute)(points(dtype))


def expected_second(case):
    _, derivative = case.far
    with np.errstate(all="ignore"):
        second = [*case.ddf(X.ravel()), *case.ddf(FAR)]
        # Where f' is infinite so is f''; otherwise f is straight or flat at the ends.
        ends = np.where(np.isinf(derivative), np.inf, 0)
    return [*second[: X.size], ends[0], *second[X.size + 1 : X.size + 3], ends[3], ends[4]]


@pytest.mark.thin("*-eager", "*-graph")
@pytest.mark.parametrize("mode", MODES)
@by_case
def test_value_and_two_derivatives_are_the_closed_form_up_to_infinity(name, mode):
    case, (value, derivative) = CASES[name], list(CASES[name].far)
    if (name, mode) == ("selu", "jit"):  # XLA's own kernel, at the corner
        derivative = [*derivative[:2], 1.0507009873554805 * 1.6732632423543772, *derivative[3:]]
    y, dx, ddx = (r[: len(expected_second(case))] for r in computed(mode, "float64")[name])
    np.testing.assert_allclose(y, [*case.f(X.ravel()), *value], rtol=2e-14)
    np.testing.assert_allclose(dx, [*case.df(X.ravel()), *derivative], rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(ddx, expected_second(case), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@by_case
def test_lower_precision_has_the_same_ends_and_keeps_its_dtype(name, dtype):
    value, derivative = CASES[name].far
    results = computed("eager", dtype)[name]
    assert {r.dtype for r in results} == {tf.as_dtype(dtype)}
    y, dx, ddx = (np.asarray(tf.cast(r, "float64")) for r in results)
    rtol = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 1e-6}[dtype]
    far = slice(X.size, X.size + FAR.size)
    np.testing.assert_allclose(y[far], value, rtol=rtol)
    np.testing.assert_allclose(dx[far], derivative, rtol=rtol, atol=1e-3)
    assert not np.isnan(ddx[far]).any()


@pytest.mark.thin("*-eager-*")
@pytest.mark.parametrize(
    ("mode", "dtype"), [("eager", "float32"), ("eager", "float64"), ("jit", "float64")]
)
@by_case
def test_nan_is_passed_on_and_subnormal_numbers_behave_as_0(name, mode, dtype):
    y, dx, ddx = (r.numpy()[-3:] for r in computed(mode, dtype)[name])
    assert np.isnan(y[0])
    assert np.isfinite(ddx[1:]).all()
    for found, f in ((y, CASES[name].f), (dx, CASES[name].df)):
        # A kernel may flush the number to 0 or not: both sides of a corner are right.
        either = [f(np.array(side)) for side in (-1e-44, 0.0, 1e-44)]
        assert (found[1:] >= np.min(either) - 1e-6).all()
        assert (found[1:] <= np.max(either) + 1e-6).all()


@by_case
def test_gradient_agrees_with_autodiff_and_central_differences(name):
    # At 9.6 the exponential is so large that differences elsewhere are lost in rounding.
    x = X / 4 if name == "exponential" else X
    gradcheck(CASES[name].op, x, twin=CASES[name].twin)


# f and f' at a corner, as TensorFlow has them.
CORNERS = {
    "step": (ops.step, 0, 0, 0),
    "relu": (ops.relu, 0, 0, 0),
    "leaky_relu": (ops.leaky_relu, 0, 0, 0.2),
    "elu": (lambda x: ops.elu(x, 0.5), 0, 0, 0.5),
    "selu": (ops.selu, 0, 0, 1.0507009873554805),
    "hard_sigmoid, left": (ops.hard_sigmoid, -3, 0, 0),
    "hard_sigmoid, right": (ops.hard_sigmoid, 3, 1, 0),
    "relu, threshold": (lambda x: ops.relu(x, 0.1, None, 2.0), 2, 0, 0),
    "relu, maximum": (lambda x: ops.relu(x, 0.0, 5.0), 5, 5, 1),
    "relu, maximum of 6": (lambda x: ops.relu(x, 0.0, 6.0), 6, 6, 0),
    "relu, below 0 above the threshold": (lambda x: ops.relu(x, 0.0, 5.0, -2.0), -1, 0, 0),
}


@pytest.mark.parametrize(("f", "x", "value", "derivative"), CORNERS.values(), ids=CORNERS)
def test_corner(f, x, value, derivative):
    y, dx, _ = two_derivatives(f, tf.constant(x, "float64"))
    assert (y.numpy(), dx.numpy()) == (value, derivative)


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


# Where the docstrings say that f' vanishes, and its range.
EXTREMES = {
    "gelu": (-0.7517915, (-0.12890, 1.12890)),
    "gelu, tanh": (-0.7524614, (-0.12908, 1.12908)),
    "silu": (-1.2784645, (-0.09984, 1.09984)),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_derivative_has_the_zero_and_the_range_of_the_docstring(name):
    zero, (low, high) = EXTREMES[name]
    x = tf.constant(np.append(np.linspace(-8, 8, 16001), zero))
    dx = gradient(CASES[name].op, x).numpy()
    np.testing.assert_allclose([dx.min(), dx.max()], [low, high], atol=1e-4)
    assert abs(dx[-1]) < 1e-6


# The formula of each docstring beside the kernel that computes it.
KERNELS = {
    "sigmoid": lambda x, y, dy: dy * y * (1 - y),
    "tanh": lambda x, y, dy: dy * (1 - y * y),
    "relu": lambda x, y, dy: tf.where(y > 0, dy, 0),
    "leaky_relu": lambda x, y, dy: tf.where(y > 0, dy, 0.2 * dy),
    "elu": lambda x, y, dy: tf.where(x > 0, dy, dy * (y + 1)),
    "elu, alpha": lambda x, y, dy: tf.where(x > 0, dy, dy * (y + 1.7)),
    "selu": lambda x, y, dy: (
        1.0507009873554805 * tf.where(x > 0, dy, dy * (y / 1.0507009873554805 + 1.6732632423543772))
    ),
    "softplus": lambda x, y, dy: dy * tf.math.sigmoid(x),
    "hard_sigmoid": lambda x, y, dy: tf.where(tf.abs(x) < 3, dy / 6, 0),
    "gelu, tanh": lambda x, y, dy: dy * CASES["gelu, tanh"].df(x.numpy()),
    "silu": lambda x, y, dy: dy * (tf.sigmoid(x) + y * (1 - tf.sigmoid(x))),
}


@pytest.mark.parametrize("name", KERNELS)
def test_kernel_computes_the_formula(name):
    x = tf.constant(X)
    dy = tf.constant(np.random.default_rng(2).normal(size=X.shape))
    found = gradient(CASES[name].op, x, dy)
    expected = KERNELS[name](x, CASES[name].op(x), dy)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


BAD = {
    "integer": (lambda: tf.constant([1, 2]), r"int32.*tf\.cast"),
    "boolean": (lambda: tf.constant([True]), r"bool.*tf\.cast"),
    "complex": (lambda: tf.complex([1.0], [1.0]), r"complex64.*tf\.cast"),
    "sparse": (lambda: tf.sparse.from_dense([[1.0]]), r"tf\.sparse\.to_dense"),
    "ragged": (lambda: tf.ragged.constant([[1.0], []]), r"to_tensor"),
}


@pytest.mark.parametrize("name", [*NAMES, "softmax", "log_softmax"])
@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_refused_with_what_to_write(name, bad):
    make, message = BAD[bad]
    with pytest.raises(TypeError, match=message) as error:
        getattr(ops, name)(make())
    assert f"`{name}`" in str(error.value)


@pytest.mark.slow
def test_gradients_survive_a_saved_model(tmp_path):
    module = tf.Module()
    functions = {name: getattr(ops, name) for name in [*NAMES, "softmax", "log_softmax"]}

    def compute(x):
        return [f(x) for f in functions.values()]

    module.f = tf.function(compute, input_signature=[tf.TensorSpec((None, 3))])
    tf.saved_model.save(module, str(tmp_path / "model"))
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    x = tf.constant(X, tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        outputs = loaded.f(x)
    for (name, f), y in zip(functions.items(), outputs, strict=True):
        dx = tape.gradient(y, x)
        np.testing.assert_allclose(dx, gradient(f, x), rtol=1e-6, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("name", [*NAMES, "softmax", "log_softmax"])
def test_a_batch_of_zero_stays_one(name):
    x = tf.zeros((0, 3))
    op = getattr(ops, name)
    assert op(x).shape == gradient(op, x).shape == (0, 3)


def test_relu_refuses_a_negative_maximum():
    with pytest.raises(ValueError, match=r"max_value.*at least 0.*-1"):
        ops.relu([1.0], max_value=-1)
