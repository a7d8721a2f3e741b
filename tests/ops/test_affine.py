"""Y = X W + B against NumPy, autodiff on plain ops, and differences, at every rank."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from modes import MODES

from keras_course_ext import gradcheck, ops

LEADING = [(5,), (2, 3), (2, 3, 2), (2, 1, 3, 2), (0,)]


def draw(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def plain(x, w, b=None):
    y = tf.einsum("...i,io->...o", x, w)
    return y if b is None else y + b


def gradients(f, *tensors) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        y = f(*tensors)
    return tape.gradient(y, tensors)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("leading", [shape for shape in LEADING if 0 not in shape])
def test_gradients_agree_with_autodiff_and_central_differences(leading, bias):
    arguments = draw((*leading, 4), (4, 3), *([(3,)] if bias else []))
    gradcheck(ops.affine, *arguments, twin=plain)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("leading", LEADING)
def test_value_and_gradients_are_the_formulas(leading, mode):
    x, w, b, dy = draw((*leading, 4), (4, 3), (3,), (*leading, 3))

    def value_and_gradients(x, w, b, dy):
        with tf.GradientTape() as tape:
            tape.watch((x, w, b))
            y = ops.affine(x, w, b)
        return y, *tape.gradient(y, (x, w, b), output_gradients=dy)

    y, dx, dw, db = MODES[mode](value_and_gradients)(*map(tf.constant, (x, w, b, dy)))
    rows, drows = x.reshape(-1, 4), dy.reshape(-1, 3)
    close: dict[str, Any] = {"rtol": 1e-13, "atol": 1e-13}
    np.testing.assert_allclose(y, (rows @ w + b).reshape(dy.shape), **close)
    np.testing.assert_allclose(dx, (drows @ w.T).reshape(x.shape), **close)
    np.testing.assert_allclose(dw, rows.T @ drows, **close)
    np.testing.assert_allclose(db, drows.sum(axis=0), **close)


def test_the_shapes_of_the_deck():
    x, w, b = map(tf.constant, draw((7, 2), (2, 3), (3,)))
    dx, dw, db = gradients(ops.affine, x, w, b)
    assert (dx.shape, dw.shape, db.shape) == ((7, 2), (2, 3), (3,))


def flattened(x, w, b):
    """X W + B from TensorFlow's own ops, with the sums in the order of any dense layer."""
    y = tf.matmul(tf.reshape(x, (-1, x.shape[-1])), w) + b
    return tf.reshape(y, (*x.shape[:-1], w.shape[1]))


def random_configuration(rng):
    """Arguments of a random rank, size and scale."""
    leading = rng.integers(1, 5, rng.integers(1, 5))
    inputs, units = rng.integers(1, 17, 2)
    scale = 10.0 ** rng.integers(-6, 7)
    shapes = (*leading, inputs), (inputs, units), (units,)
    return [tf.constant(scale * rng.normal(size=shape), tf.float32) for shape in shapes]


def assert_within_2_ulp(found, expected):
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_array_max_ulp(f.numpy(), e.numpy(), maxulp=2)


@pytest.mark.slow
def test_float32_gradients_are_within_2_ulp_of_autodiff_in_500_configurations():
    rng = np.random.default_rng(0)
    for _ in range(500):
        arguments = random_configuration(rng)
        assert_within_2_ulp(gradients(ops.affine, *arguments), gradients(flattened, *arguments))


@pytest.mark.parametrize("mode", ["graph", "jit"])
@pytest.mark.parametrize("leading", [(6,), (2, 3)])
def test_float32_gradients_are_within_2_ulp_of_autodiff_when_compiled(mode, leading):
    ours = MODES[mode](lambda *a: gradients(ops.affine, *a))
    theirs = MODES[mode](lambda *a: gradients(flattened, *a))
    for seed in range(50):
        drawn = draw((*leading, 5), (5, 4), (4,), seed=seed)
        arguments = [tf.constant(a, tf.float32) for a in drawn]
        assert_within_2_ulp(ours(*arguments), theirs(*arguments))


@pytest.mark.slow
@pytest.mark.parametrize("leading", [(3,), (2, 2)])
def test_all_second_derivatives_by_pfor_and_recomputed_gradients_agree(leading):
    arguments = [tf.constant(a) for a in draw((*leading, 2), (2, 3), (3,))]

    def hessians(f):
        with tf.GradientTape() as outer:
            outer.watch(arguments)
            found = tf.concat(
                [tf.reshape(g, [-1]) for g in gradients(lambda *a: tf.sin(f(*a)), *arguments)], 0
            )
        return outer.jacobian(found, arguments)

    for found, e in zip(hessians(ops.affine), hessians(plain), strict=True):
        np.testing.assert_allclose(found, e, rtol=1e-12, atol=1e-13)
    again = gradients(tf.recompute_grad(ops.affine), *arguments)
    for found, e in zip(again, gradients(ops.affine, *arguments), strict=True):
        np.testing.assert_array_equal(found, e)


def test_extreme_numbers_give_finite_gradients_and_infinite_ones_only_where_they_meet():
    big, tiny = 1e4, np.float32(1e-40)
    x = tf.constant([[big, -big], [tiny, 0.0], [np.inf, 1.0]], tf.float32)
    w, b = tf.constant([[1.0, -big], [big, tiny]]), tf.constant([big, -big])
    dx, dw, db = gradients(ops.affine, x, w, b)
    np.testing.assert_allclose(dx, [[1 - big, big]] * 3, rtol=1e-6)
    np.testing.assert_array_equal(dw, [[np.inf, np.inf], [1 - big, 1 - big]])
    np.testing.assert_array_equal(db, [3, 3])


@pytest.mark.parametrize("leading", [(3,), (2, 3)])
def test_second_order_and_forward_mode_agree_with_autodiff(leading):
    x, w, b, v = map(tf.constant, draw((*leading, 2), (2, 3), (3,), (2, 3)))

    def derivatives(f):
        def loss(w):
            return tf.reduce_sum(tf.sin(f(x, w, b)))

        with tf.GradientTape() as outer:
            outer.watch(w)
            with tf.GradientTape() as inner:
                inner.watch(w)
                e = loss(w)
            dw = inner.gradient(e, w)
        with tf.autodiff.ForwardAccumulator(w, v) as accumulator:
            y = f(x, w, b)
        return outer.jacobian(dw, w), accumulator.jvp(y)

    for ours, expected in zip(derivatives(ops.affine), derivatives(plain), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("leading", [(), (2,)])
def test_per_example_gradients_by_vectorized_map(leading):
    x, w, b = draw((4, 1, *leading, 2), (2, 3), (3,))

    def dw(example):
        return gradients(lambda w: tf.sin(ops.affine(example, w, tf.constant(b))), tf.constant(w))

    rows = x.reshape(4, -1, 2)
    expected = np.einsum("eni,eno->eio", rows, np.cos(rows @ w + b))
    np.testing.assert_allclose(tf.vectorized_map(dw, tf.constant(x))[0], expected, rtol=1e-12)


UNKNOWN = {
    "batch": [None, 3, 4],
    "batch and time": [None, None, 4],
    "all sizes": [None, None, None],
    "rank": None,
}


@pytest.mark.parametrize("shape", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_unknown_sizes_in_a_graph(shape):
    x, w, b = map(tf.constant, draw((2, 3, 4), (4, 5), (5,)))
    known = []

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float64)])
    def value_and_gradients(x):
        y = ops.affine(x, w, b)
        known.append(y.shape)
        return y, gradients(ops.affine, x, w, b)

    y, found = value_and_gradients(x)
    if shape is not None:
        assert known[0].as_list() == [*shape[:-1], 5]
    np.testing.assert_allclose(y, plain(x, w, b), rtol=1e-13)
    for ours, expected in zip(found, gradients(plain, x, w, b), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_dtype_is_kept(dtype):
    arguments = [tf.cast(a, dtype) for a in draw((2, 3, 4), (4, 5), (5,))]
    assert ops.affine(*arguments).dtype == dtype
    assert [g.dtype.name for g in gradients(ops.affine, *arguments)] == [dtype] * 3


@pytest.mark.slow
def test_gradients_survive_a_saved_model(tmp_path):
    spec = [tf.TensorSpec(s) for s in ((None, None, 4), (4, 3), (3,))]
    module = tf.Module()
    module.f = tf.function(ops.affine, input_signature=spec)
    tf.saved_model.save(module, str(tmp_path / "model"))
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    arguments = [tf.constant(a, tf.float32) for a in draw((2, 3, 4), (4, 3), (3,))]
    for found, expected in zip(
        gradients(loaded.f, *arguments), gradients(ops.affine, *arguments), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def zeros(*shape, dtype="float32"):
    return tf.zeros(shape, dtype)


BAD = {
    "vector": ((zeros(4), zeros(4, 3)), ValueError, r"x\[tf\.newaxis, :\]"),
    "scalar": ((zeros(), zeros(4, 3)), ValueError, "rank 2"),
    "last axis": ((zeros(2, 5), zeros(4, 3)), ValueError, r"\(2, 5\).*\(4, 3\)"),
    "rank of w": ((zeros(2, 4), zeros(4)), ValueError, r"\(inputs, outputs\)"),
    "size of b": ((zeros(2, 4), zeros(4, 3), zeros(1)), ValueError, "one entry per output"),
    "rank of b": ((zeros(2, 4), zeros(4, 3), zeros(2, 3)), ValueError, "one entry per output"),
    "integer x": ((zeros(2, 4, dtype="int32"), zeros(4, 3)), TypeError, r"`x`.*tf\.cast"),
    "integer w": ((zeros(2, 4), zeros(4, 3, dtype="int32")), TypeError, r"`w`.*tf\.cast"),
    "dtypes": ((zeros(2, 4), zeros(4, 3, dtype="float64")), TypeError, r"tf\.cast\(w, x\.dtype\)"),
    "sparse": ((tf.sparse.eye(4), zeros(4, 3)), TypeError, r"tf\.sparse\.to_dense\(x\)"),
}


@pytest.mark.parametrize(("arguments", "error", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_with_what_to_write(arguments, error, message):
    with pytest.raises(error, match=message):
        ops.affine(*arguments)
