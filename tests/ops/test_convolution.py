"""Convolutions against loops in NumPy, autodiff on TensorFlow's convolution, and differences."""

import functools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from modes import MODES

from keras_course_ext import gradcheck, ops

# Shape of x, shape of w, strides, padding, dilations; a new row is a new case.
WINDOWS: dict[str, Any] = {
    "1-D": ((2, 5, 2), (2, 2, 3), 1, "valid", 1),
    "1-D, same, even window": ((2, 5, 2), (4, 2, 3), 1, "same", 1),
    "1-D, causal": ((2, 5, 2), (3, 2, 3), 1, "causal", 1),
    "1-D, stride": ((2, 6, 2), (3, 2, 1), 2, "valid", 1),
    "1-D, same, stride": ((2, 6, 2), (3, 2, 1), (4,), "SAME", 1),
    "1-D, causal, stride": ((1, 6, 2), (3, 2, 2), 2, "causal", 1),
    "1-D, dilation": ((2, 7, 2), (3, 2, 2), 1, "valid", 2),
    "1-D, same, dilation": ((1, 7, 1), (2, 1, 2), 1, "same", 3),
    "1-D, causal, dilation": ((1, 7, 1), (3, 1, 2), 1, "causal", (2,)),
    "2-D": ((2, 4, 3, 2), (2, 3, 2, 2), 1, "valid", 1),
    "2-D, same": ((1, 3, 4, 2), (2, 3, 2, 2), 1, "same", 1),
    "2-D, strides": ((1, 5, 4, 1), (2, 2, 1, 2), (2, 1), "valid", 1),
    "2-D, same, strides": ((1, 5, 4, 1), (3, 2, 1, 2), (2, 3), "same", 1),
    "2-D, dilations": ((1, 5, 4, 1), (2, 2, 1, 2), 1, "valid", (3, 1)),
    "2-D, same, dilations": ((1, 4, 5, 1), (2, 3, 1, 2), (1, 1), "same", (1, 2)),
    "a window of one": ((2, 3, 3, 2), (1, 1, 2, 2), 1, "valid", 1),
    "stride beyond the window": ((1, 7, 2), (1, 2, 2), 3, "valid", 1),
}
# Some of each kind, where a case is dear.
SOME = ["1-D", "1-D, same, stride", "1-D, causal, dilation", "2-D", "2-D, same, dilations"]
by_window = pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS.keys())


def draw(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def ours(window):
    return lambda x, w, b=None: ops.convolution(x, w, b, *window[2:])


def plain(window):
    strides, padding, dilations = window[2:]

    def f(x, w, b=0.0):
        how = padding.upper()
        if padding == "causal":
            zeros = int(np.max(dilations)) * (w.shape[0] - 1)
            x, how = tf.pad(x, [[0, 0], [zeros, 0], [0, 0]]), "VALID"
        # Without a data format its second derivative fails in eager mode.
        form = "NWC" if len(x.shape) == 3 else "NHWC"
        return tf.nn.convolution(x, w, strides, how, form, dilations) + b

    return f


def gradients(f, *tensors) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        y = f(*tensors)
    return tape.gradient(y, tensors)


def value_and_gradients(f, x, w, b, dy) -> Any:
    with tf.GradientTape() as tape:
        tape.watch((x, w, b))
        y = f(x, w, b)
    return y, *tape.gradient(y, (x, w, b), output_gradients=dy)


def by_loops(window, x, w, b):
    """The sums of the docstring, entry by entry: y, and a function from dy to dx, dw and db."""
    rank = x.ndim - 2
    sizes = np.array(w.shape[:rank])
    s, d = (np.broadcast_to(value, rank) for value in (window[2], window[4]))
    steps = np.array(x.shape[1:-1])
    reach = d * (sizes - 1)
    match window[3].lower():
        case "valid":
            before, places = 0 * reach, (steps - reach + s - 1) // s
        case "causal":
            before, places = reach, (steps + s - 1) // s
        case _:
            places = (steps + s - 1) // s
            before = np.maximum((places - 1) * s + reach + 1 - steps, 0) // 2
    pairs = []
    for i in np.ndindex(*places):
        for j in np.ndindex(*sizes):
            m = s * i + d * j - before
            if np.all((m >= 0) & (m < steps)):
                pairs.append(((slice(None), *i), j, (slice(None), *m)))
    y = np.zeros((x.shape[0], *places, w.shape[-1])) + b
    for i, j, m in pairs:
        y[i] += x[m] @ w[j]

    def back(dy):
        dx, dw = np.zeros_like(x), np.zeros_like(w)
        for i, j, m in pairs:
            dx[m] += dy[i] @ w[j].T
            dw[j] += x[m].T @ dy[i]
        return dx, dw, dy.reshape(-1, dy.shape[-1]).sum(axis=0)

    return y, back


@pytest.mark.parametrize("mode", MODES)
def test_value_and_gradients_are_the_sums(mode):
    names = SOME if mode == "jit" else list(WINDOWS)
    windows = [WINDOWS[name] for name in names]
    arguments, expected = [], []
    for window in windows:
        x, w, b = draw(*window[:2], window[1][-1:])
        y, back = by_loops(window, x, w, b)
        (dy,) = draw(y.shape, seed=1)
        arguments.append([tf.constant(a) for a in (x, w, b, dy)])
        expected.append((y, *back(dy)))

    def all_windows(arguments):
        pairs = zip(windows, arguments, strict=True)
        return [value_and_gradients(ours(window), *a) for window, a in pairs]

    found = MODES[mode](all_windows)(arguments)
    for name, f, e in zip(names, found, expected, strict=True):
        for i, j in zip(f, e, strict=True):
            np.testing.assert_allclose(i, j, rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.thin("1-D", "2-D*")
@by_window
def test_gradients_agree_with_autodiff_and_central_differences(window):
    gradcheck(ours(window), *draw(*window[:2], window[1][-1:]), twin=plain(window))


def test_without_bias():
    window = WINDOWS["2-D, same"]
    gradcheck(ours(window), *draw(*window[:2]), twin=plain(window))


def random_window(rng) -> tuple[Any, ...]:
    """A window that fits into its input, of either rank."""
    rank = int(rng.integers(1, 3))
    strides, dilations = (1,) * rank, (1,) * rank
    match rng.integers(3):
        case 0:
            strides = tuple(rng.integers(1, 4, rank).tolist())
        case 1:
            dilations = tuple(rng.integers(1, 4, rank).tolist())
    sizes = rng.integers(1, 4, rank)
    steps = (sizes - 1) * dilations + rng.integers(1, 6, rank)
    channels, filters = rng.integers(1, 5, 2).tolist()
    padding = str(rng.choice(["valid", "same", "causal"][: 4 - rank]))
    x_shape = (int(rng.integers(1, 4)), *steps.tolist(), channels)
    return x_shape, (*sizes.tolist(), channels, filters), strides, padding, dilations


@pytest.mark.slow
def test_float32_is_within_2_ulp_of_autodiff_over_500_windows():
    rng = np.random.default_rng(0)
    for _ in range(500):
        window = random_window(rng)
        scale = rng.choice([1.0, 1.0, 1e4, 1e-40])  # the last makes subnormal numbers
        shapes = (*window[:2], window[1][-1:])
        x, w, b = (tf.constant(scale * rng.normal(size=n), tf.float32) for n in shapes)
        dy = tf.constant(rng.normal(size=plain(window)(x, w).shape), tf.float32)
        found = value_and_gradients(ours(window), x, w, b, dy)
        expected = value_and_gradients(plain(window), x, w, b, dy)
        for f, e in zip(found, expected, strict=True):
            assert np.isfinite(f).all()
            np.testing.assert_array_max_ulp(f.numpy(), e.numpy(), maxulp=2)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["graph", "jit"])
def test_float32_is_within_2_ulp_of_autodiff_in_a_graph(mode):
    names = list(WINDOWS) if mode == "graph" else SOME
    windows = [WINDOWS[name] for name in names]
    arguments = []
    for window in windows:
        x, w, b = (tf.constant(a, tf.float32) for a in draw(*window[:2], window[1][-1:]))
        arguments.append((x, w, b, tf.random.normal(plain(window)(x, w).shape)))

    def both(arguments):
        return [
            [value_and_gradients(f(window), *a) for f in (ours, plain)]
            for window, a in zip(windows, arguments, strict=True)
        ]

    for name, pair in zip(names, MODES[mode](both)(arguments), strict=True):
        for f, e in zip(*pair, strict=True):
            np.testing.assert_array_max_ulp(f.numpy(), e.numpy(), maxulp=2)
            assert f.shape == e.shape, name


@pytest.mark.thin("1-D")
@pytest.mark.parametrize("name", SOME)
def test_second_order_and_forward_mode_agree_with_autodiff(name):
    window = WINDOWS[name]
    x, w, b, v, u = map(tf.constant, draw(*window[:2], window[1][-1:], window[1], window[0]))

    def derivatives(f):
        def loss(x, w):
            return tf.reduce_sum(tf.sin(f(x, w, b)))

        with tf.GradientTape(persistent=True) as outer:
            outer.watch((x, w))
            dx, dw = gradients(loss, x, w)
            y = f(x, w, b)
        with tf.autodiff.ForwardAccumulator((x, w), (u, v)) as accumulator:
            jvp = accumulator.jvp(f(x, w, b))
        hessian = outer.jacobian(dw, w)
        return hessian, outer.gradient(dx, [x, w]), outer.jacobian(y, w), jvp

    for found, expected in zip(
        tf.nest.flatten(derivatives(ours(window))),
        tf.nest.flatten(derivatives(plain(window))),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", ["1-D, causal", "2-D, strides"])
def test_per_example_gradients_by_vectorized_map(name):
    window = WINDOWS[name]
    x, w, b = map(tf.constant, draw((3, 2, *window[0][1:]), window[1], window[1][-1:]))

    def per_example(f):
        return lambda example: gradients(lambda w, b: tf.sin(f(example, w, b)), w, b)

    found = tf.vectorized_map(per_example(ours(window)), x)
    for i in range(3):
        for f, e in zip(found, per_example(plain(window))(x[i]), strict=True):
            np.testing.assert_allclose(f[i], e, rtol=1e-11, atol=1e-12)


def test_recomputed_gradients_are_the_same():
    window = WINDOWS["2-D, same"]
    arguments = [tf.constant(a) for a in draw(*window[:2], window[1][-1:])]
    again = gradients(tf.recompute_grad(ours(window)), *arguments)
    for found, expected in zip(again, gradients(ours(window), *arguments), strict=True):
        np.testing.assert_array_equal(found, expected)


UNKNOWN = {
    "batch": lambda shape: [None, *shape[1:]],
    "all of x but the channels": lambda shape: [*[None] * (len(shape) - 1), shape[-1]],
}


@pytest.mark.parametrize("mode", ["graph", "jit"])
@pytest.mark.parametrize("known", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_unknown_sizes_in_a_graph(known, mode):
    windows = [WINDOWS[name] for name in (WINDOWS if mode == "graph" else SOME)]
    arguments, specs, shapes = [], [], []
    for window in windows:
        arrays = draw(*window[:2], window[1][-1:])
        arguments.append([tf.constant(a) for a in arrays])
        given = known(window[0]), *(a.shape for a in arrays[1:])
        specs.append([tf.TensorSpec(shape, tf.float64) for shape in given])

    def all_windows(arguments):
        shapes.extend(
            ours(window)(*a).shape.as_list() for window, a in zip(windows, arguments, strict=True)
        )
        return [gradients(ours(window), *a) for window, a in zip(windows, arguments, strict=True)]

    jit = mode == "jit"
    found = tf.function(all_windows, input_signature=[specs], jit_compile=jit)(arguments)
    for window, a, shape, f in zip(windows, arguments, shapes, found, strict=True):
        assert shape == known(plain(window)(*a).shape.as_list())
        for i, j in zip(f, gradients(plain(window), *a), strict=True):
            np.testing.assert_allclose(i, j, rtol=1e-12, atol=1e-12)


def test_unknown_sizes_of_everything():
    window = WINDOWS["2-D, same, dilations"]
    spec = [tf.TensorSpec([None] * rank, tf.float64) for rank in (4, 4, 1)]
    arguments = [tf.constant(a) for a in draw(*window[:2], window[1][-1:])]
    found = tf.function(functools.partial(gradients, ours(window)), input_signature=spec)
    for i, j in zip(found(*arguments), gradients(plain(window), *arguments), strict=True):
        np.testing.assert_allclose(i, j, rtol=1e-12, atol=1e-12)


@pytest.mark.slow
def test_gradients_survive_a_saved_model(tmp_path):
    window = WINDOWS["2-D, same, dilations"]
    spec = [tf.TensorSpec(s) for s in ((None, None, None, 1), window[1], window[1][-1:])]
    module = tf.Module()
    module.f = tf.function(ours(window), input_signature=spec)
    tf.saved_model.save(module, str(tmp_path / "model"))
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    arguments = [tf.constant(a, tf.float32) for a in draw(*window[:2], window[1][-1:])]
    for found, expected in zip(
        gradients(loaded.f, *arguments), gradients(ours(window), *arguments), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_dtype_is_kept(dtype):
    for name in ("1-D, causal, dilation", "2-D, strides"):
        window = WINDOWS[name]
        arguments = [tf.cast(a, dtype) for a in draw(*window[:2], window[1][-1:])]
        assert ours(window)(*arguments).dtype == dtype
        assert [g.dtype.name for g in gradients(ours(window), *arguments)] == [dtype] * 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
def test_a_batch_of_zero_has_the_right_shapes(mode, dtype):
    """TensorFlow's own float32 convolution gives it the shape of x on a CPU."""

    def f(x, w, b):
        y = ours(window)(x, w, b)
        return y, gradients(ours(window), x, w, b)

    for name in ("1-D", "2-D, same, dilations", "2-D, strides"):
        window = WINDOWS[name]
        x = tf.zeros((0, *window[0][1:]), dtype)
        w, b = tf.ones(window[1], dtype), tf.ones(window[1][-1:], dtype)
        y, found = MODES[mode](f)(x, w, b)
        full = plain(window)(tf.zeros((1, *window[0][1:]), dtype), w)
        assert y.shape == (0, *full.shape[1:])
        assert [g.shape for g in found] == [x.shape, w.shape, b.shape]
        for g in found:
            np.testing.assert_array_equal(g, 0)


def zeros(*shape, dtype="float32"):
    return tf.zeros(shape, dtype)


X1, W1 = zeros(2, 6, 3), zeros(3, 3, 4)
X2, W2 = zeros(2, 6, 6, 3), zeros(3, 3, 3, 4)
BAD: dict[str, Any] = {
    "rank of x": ((zeros(6, 3), W1), {}, ValueError, r"x\[tf\.newaxis\]"),
    "rank 5": ((zeros(1, 2, 6, 6, 3), W2), {}, ValueError, r"\(1, 2, 6, 6, 3\)"),
    "rank of w": ((X1, W2), {}, ValueError, "one axis for each space axis"),
    "channels": ((zeros(2, 6, 2), W1), {}, ValueError, r"\(2, 6, 2\).*\(3, 3, 4\)"),
    "groups": ((zeros(2, 6, 6), W1), {}, ValueError, r"tf\.nn\.convolution"),
    "size of b": ((X1, W1, zeros(1)), {}, ValueError, "one entry per output channel"),
    "window too large": ((zeros(2, 2, 3), W1), {}, ValueError, r"no place.*\(2, 2, 3\)"),
    "dilated too large": ((X2, W2), {"dilations": (1, 3)}, ValueError, r"no place.*\(1, 3\)"),
    "no steps": ((zeros(2, 0, 3), W1), {"padding": "causal"}, ValueError, r"no place"),
    "padding": ((X1, W1), {"padding": "full"}, ValueError, "'causal'.*'full'"),
    "no padding": ((X1, W1), {"padding": None}, ValueError, "one of .*None"),
    "causal in 2-D": ((X2, W2), {"padding": "causal"}, ValueError, r"\('valid', 'same'\)"),
    "stride 0": ((X1, W1), {"strides": 0}, ValueError, "`strides`.*at least 1.*0"),
    "three strides": ((X2, W2), {"strides": (1, 1, 1)}, ValueError, "each of the 2 space axes"),
    "a broken dilation": ((X1, W1), {"dilations": 1.5}, ValueError, r"`dilations`.*1\.5"),
    "both": ((X1, W1), {"strides": 2, "dilations": 2}, ValueError, "together with dilations"),
    "integer x": ((zeros(2, 6, 3, dtype="int32"), W1), {}, TypeError, r"`x`.*tf\.cast"),
    "complex x": ((zeros(2, 6, 3, dtype="complex64"), W1), {}, TypeError, "complex64"),
    "integer w": ((X1, zeros(3, 3, 4, dtype="int32")), {}, TypeError, r"`w`.*tf\.cast"),
    "dtypes": ((X1, zeros(3, 3, 4, dtype="float64")), {}, TypeError, r"tf\.cast\(w, x\.dtype\)"),
    "sparse": ((tf.sparse.from_dense(X1), W1), {}, TypeError, r"tf\.sparse\.to_dense\(x\)"),
    "ragged": ((tf.RaggedTensor.from_tensor(X1), W1), {}, TypeError, r"x\.to_tensor\(\)"),
}


@pytest.mark.parametrize(("arguments", "how", "error", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_with_what_to_write(arguments, how, error, message):
    with pytest.raises(error, match=message):
        ops.convolution(*arguments, **how)


def test_unknown_rank_is_refused_with_what_to_write():
    f = tf.function(ops.convolution, input_signature=[tf.TensorSpec(None), tf.TensorSpec(None)])
    with pytest.raises(ValueError, match=r"tf\.ensure_shape"):
        f(X1, W1)
