"""Sums of whole tensors against float64 NumPy, for sizes on both sides of every bound."""

import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext.monitoring.capture import norms, reductions
from keras_course_ext.monitoring.capture.norms import norms_and_non_finite, unconditional_norms
from keras_course_ext.monitoring.capture.reductions import (
    ABS_MAX,
    ABS_SUM,
    HALF_SQUARES,
    NONZERO,
    SUM,
    reduced,
)
from keras_course_ext.monitoring.capture.sums import nonzero_units

EXPECTED = {
    HALF_SQUARES: lambda x: (x * x).sum() / 2,
    SUM: lambda x: x.sum(),
    ABS_SUM: lambda x: np.abs(x).sum(),
    ABS_MAX: lambda x: np.abs(x).max(),
    NONZERO: lambda x: (x != 0).sum(),
}
SHAPES = [
    (),
    (3,),
    (4095,),
    (4097,),
    (70_001,),
    (7, 600),
    (9, 1023),
    (513, 17),
    (3, 3, 16, 33),
    (2, 3_000),
    (33, 26, 26, 5),
    (64, 5000),
]
MODES = {
    "eager": lambda f: f,
    "graph": tf.function,
    "jit": lambda f: tf.function(f, jit_compile=True),
    "graph, open batch": lambda f: _open_batch(f, False),
    "jit, open batch": lambda f: _open_batch(f, True),
}


def _open_batch(f, jit):
    """Trace f for any size of the first axis."""

    def run(x):
        spec = tf.TensorSpec([None, *x.shape[1:]] if x.shape.rank else [], x.dtype)
        return tf.function(f, input_signature=[spec], jit_compile=jit)(x)

    return run


def _data(shape):
    rng = np.random.default_rng(0)
    x = rng.normal(1.0, 3.0, shape) * (rng.random(shape) < 0.7)
    return np.asarray(x, np.float32)


@pytest.mark.thin("*-eager", "(7, 600)-*")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_against_numpy(shape, mode):
    x = _data(shape)
    found = MODES[mode](lambda t: reduced([t, 2.0 * t], set(EXPECTED)))(tf.constant(x))
    for name, of in EXPECTED.items():
        expected = [of(np.float64(x)), of(2.0 * np.float64(x))]
        np.testing.assert_allclose(found[name], expected, rtol=1e-5, err_msg=name)


@pytest.mark.thin("*-eager", "1.0-*")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [1e-25, 1e-15, 1.0, 1e25])
def test_unconditional_norms_over_the_whole_range(size, mode):
    x = _data((33, 600)) * np.float32(size)
    found = MODES[mode](lambda t: unconditional_norms([t]))(tf.constant(x))
    np.testing.assert_allclose(found, [np.linalg.norm(np.float64(x))], rtol=1e-5)


@pytest.mark.parametrize("place", ["eager", "graph", "jit", "GPU"])
def test_norms_and_non_finite_elements_of_several_tensors(place, monkeypatch):
    if place == "GPU":  # how a graph is built there; it runs anywhere
        monkeypatch.setattr(norms, "on_gpu", lambda x: True)
        monkeypatch.setattr(reductions, "on_gpu", lambda x: True)
    tensors = [_data((400, 300)), _data((7,)), _data((7,)) * np.float32(1e-25), _data((7,))]
    f = MODES["graph" if place == "GPU" else place](lambda *t: norms_and_non_finite(t, 3))
    for bad in (0, 2):
        tensors[1][:bad], tensors[3][:bad] = np.nan, np.inf
        found, counts = f(*map(tf.constant, tensors))
        expected = [np.linalg.norm(np.float64(x)) for x in tensors]
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        np.testing.assert_array_equal(counts, [0, bad, 0])
    if place == "GPU":
        graph = f.get_concrete_function(*map(tf.constant, tensors)).graph
        assert not {"If", "StatelessIf", "StridedSlice"} & {
            op.type for op in graph.get_operations()
        }


@pytest.mark.thin("*-eager", "(5, 3)-*")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(5, 3), (130, 700), (9, 26, 26, 16)], ids=str)
def test_nonzero_units(shape, mode):
    x = _data(shape) * (np.arange(shape[-1]) != 1)
    x[..., 2] *= np.where(x[..., 2].cumsum().reshape(x[..., 2].shape) % 2, 1, -1)
    found = MODES[mode](lambda t: nonzero_units([t, t]))(tf.constant(x, tf.float32))
    expected = 2 * (x != 0).reshape(-1, shape[-1]).sum(axis=0)
    np.testing.assert_array_equal(found, expected)


def test_the_same_elements_are_summed_once():
    @tf.function
    def f(x):
        flat = tf.identity(tf.reshape(x, [-1]))
        return reduced([x, 3.0 * x, flat, x], {SUM})[SUM]

    x = _data((6, 4))
    total = x.sum(dtype=np.float64)
    np.testing.assert_allclose(f(tf.constant(x)), np.array([1, 3, 1, 1]) * total, rtol=1e-5)
    graph = f.get_concrete_function(tf.TensorSpec((6, 4))).graph
    summed = [op.inputs[0].shape for op in graph.get_operations() if op.type == "Sum"]
    assert summed == [(2, 24)]


def test_small_tensors_of_one_shape_are_one_sum():
    @tf.function
    def f(tensors, large):
        return reduced([*tensors, large, *tensors[::-1]], set(EXPECTED), about=tf.range(41.0))

    tensors = [_data((6, 4)) + i for i in range(20)]
    large = _data((300, 400))
    found = f([tf.constant(x) for x in tensors], tf.constant(large))
    every = [np.float64(x) - i for i, x in enumerate([*tensors, large])]
    for name, of in EXPECTED.items():
        expected = [of(x) for x in every]
        expected += expected[:20][::-1]
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, err_msg=name)
