"""Layers, activations and losses on a GPU: the float64 result of a CPU."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from gpu_device import DEVICE, on_gpu
from layer_cases import KINDS

import keras_course_ext as kce

pytestmark = on_gpu
# Float32 products on a GPU may have TensorFloat-32's ten bits.
TOLERANCES = {"float32": 1e-5, "float16": 4e-3, "bfloat16": 3e-2}
by_dtype = pytest.mark.parametrize("dtype", TOLERANCES)
by_mode = pytest.mark.parametrize("jit", [False, True], ids=["graph", "jit"])
LOSSES = {
    "MeanSquaredError": (6, 3),
    "Huber": (6, 3),
    "BinaryCrossentropy": (6, 3),
    "CategoricalCrossentropy": (6, 3),
}


@pytest.fixture(autouse=True)
def _whole_products():
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    yield
    tf.config.experimental.enable_tensor_float_32_execution(before)


def with_gradients(f, device, jit, dtype, *values):
    """The result of a function and its gradients by its arguments."""

    @tf.function(jit_compile=jit)
    def run(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = f(*inputs)
            loss = tf.reduce_sum(tf.cast(y, "float32") * tf.cast(tf.cos(y), "float32"))
        return y, *tape.gradient(loss, inputs)

    with tf.device(device):
        return [np.array(tf.cast(t, "float64")) for t in run(*(tf.cast(v, dtype) for v in values))]


def assert_close(found, expected, dtype):
    for a, b in zip(found, expected, strict=True):
        limit = TOLERANCES[dtype] * max(1.0, np.abs(b).max())
        np.testing.assert_allclose(a, b, rtol=0, atol=limit)


@by_dtype
@by_mode
@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_computes_what_keras_s_does_on_a_cpu(kind, jit, dtype):
    ours, theirs = KINDS[kind].pair(activation="tanh")
    x, weights = KINDS[kind].x(4), ours.get_weights()

    def of(layer):
        return lambda x, *w: layer.stateless_call(w, [], x)[0]

    # Each layer in the dtype itself, so that its casts are none.
    cast = type(ours).from_config(ours.get_config() | {"dtype": dtype})
    cast.build((None, *KINDS[kind].sample))
    wide = type(theirs).from_config(theirs.get_config() | {"dtype": "float64"})
    wide.build((None, *KINDS[kind].sample))
    rounded = [np.array(tf.cast(tf.cast(v, dtype), "float64")) for v in (x, *weights)]
    found = with_gradients(of(cast), DEVICE, jit, dtype, *rounded)
    expected = with_gradients(of(wide), "/CPU:0", False, "float64", *rounded)
    assert_close(found, expected, dtype)


@by_dtype
@by_mode
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "gelu", "softplus", "softmax", "elu"])
def test_an_activation_is_that_of_a_cpu(name, jit, dtype):
    f = getattr(kce.activations, name)
    x = np.linspace(-6, 6, 60).reshape(4, 15)
    x = np.array(tf.cast(tf.cast(x, dtype), "float64"))
    theirs = getattr(keras.activations, name)
    expected = with_gradients(theirs, "/CPU:0", False, "float64", x)
    assert_close(with_gradients(f, DEVICE, jit, dtype, x), expected, dtype)


@by_mode
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_that_of_a_cpu(name, jit):
    rng = np.random.default_rng(0)
    y = np.eye(3)[rng.integers(0, 3, 6)]
    p = rng.dirichlet(np.ones(3), 6)
    found, expected = (
        with_gradients(
            lambda p, loss=loss: loss(tf.cast(y, p.dtype), p)[None], device, jit_here, dtype, p
        )
        for loss, device, jit_here, dtype in (
            (getattr(kce.losses, name)(), DEVICE, jit, "float32"),
            (getattr(keras.losses, name)(dtype="float64"), "/CPU:0", False, "float64"),
        )
    )
    assert_close(found, expected, "float32")
