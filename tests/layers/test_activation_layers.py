"""The activation layers beside Keras's functions and layers."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from modes import MODES

from keras_course_ext import layers

X = np.random.default_rng(0).normal(0, 2, (2, 3, 4)).astype("float32")

TWO_AXES: dict[str, Any] = {"axis": (1, 2)}
CASES = {
    "sigmoid": (layers.Sigmoid, {}, keras.activations.sigmoid),
    "tanh": (layers.Tanh, {}, keras.activations.tanh),
    "relu": (layers.ReLU, {}, keras.activations.relu),
    "softplus": (layers.Softplus, {}, keras.activations.softplus),
    "softmax": (layers.Softmax, {}, keras.activations.softmax),
    "softmax, axis 1": (layers.Softmax, {"axis": 1}, keras.layers.Softmax(axis=1)),
    "softmax, two axes": (layers.Softmax, TWO_AXES, keras.layers.Softmax(**TWO_AXES)),
}
by_case = pytest.mark.parametrize(("cls", "config", "theirs"), CASES.values(), ids=CASES.keys())


def value_and_gradient(f, x) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
        total = tf.reduce_sum(tf.square(y))
    return y, tape.gradient(total, x)


@pytest.mark.parametrize("mode", MODES)
@by_case
def test_value_and_gradient_are_keras_s(cls, config, theirs, mode):
    x, layer = tf.constant(X), cls(**config)
    found = MODES[mode](lambda x: value_and_gradient(layer, x))(x)
    for f, e in zip(found, value_and_gradient(theirs, x), strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-5, atol=1e-6)


@by_case
def test_symbolic_call_config_and_clone(cls, config, theirs):
    model = keras.Sequential([keras.Input((3, 4)), cls(**config, name="last")])
    assert model.output_shape == (None, 3, 4)
    clone = keras.models.clone_model(model)
    assert type(clone.layers[0]) is cls
    assert clone.layers[0].get_config() == model.layers[0].get_config()
    np.testing.assert_array_equal(clone(X), model(X))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
@by_case
def test_computes_in_the_compute_dtype(cls, config, theirs, policy):
    layer = cls(**config, dtype=policy)
    y = layer(X)
    assert y.dtype.name == policy.removeprefix("mixed_") == layer(keras.Input((3, 4))).dtype
    np.testing.assert_allclose(tf.cast(y, "float32"), theirs(X), rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("cls", [layers.Sigmoid, layers.Tanh, layers.ReLU, layers.Softplus])
def test_mask_passes_through(cls):
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    y = cls()(keras.layers.Embedding(5, 4, mask_zero=True)(ids))
    np.testing.assert_array_equal(y._keras_mask, ids != 0)


RNG = np.random.default_rng(1)
MASKS = {
    "full": RNG.random(X.shape) > 0.4,
    "last axis": np.array([True, False, True, True]),
    "broadcast": RNG.random((2, 1, 4)) > 0.4,
    "numbers": (RNG.random(X.shape) > 0.4).astype("float32"),
    "nothing takes part": np.zeros(X.shape, bool),
}


@pytest.mark.parametrize("mode", ["eager", "jit"])
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
def test_softmax_with_a_mask_is_keras_s(mask, mode):
    ours, theirs = layers.Softmax(), keras.layers.Softmax()
    x = tf.constant(X)
    found = MODES[mode](lambda x: value_and_gradient(lambda x: ours(x, mask=mask), x))(x)
    expected = value_and_gradient(lambda x: theirs(x, mask=mask), x)
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(np.asarray(f)[np.broadcast_to(mask < 0.5, X.shape)], 0)


def test_softmax_masks_scores_below_minus_1e9_too():
    y = layers.Softmax()(tf.constant([[-2e9, -2e9, 5.0]]), mask=tf.constant([True, True, False]))
    np.testing.assert_allclose(y, [[0.5, 0.5, 0]])


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4, 1), (3, 3, 4)])
def test_softmax_refuses_a_mask_that_does_not_fit(shape):
    with pytest.raises(ValueError, match=r"mask of shape .*inputs of shape \(2, 3, 4\)"):
        layers.Softmax()(X, mask=np.ones(shape, bool))


@pytest.mark.parametrize("option", [{"max_value": 6.0}, {"negative_slope": 0.1}, {"threshold": 1}])
def test_relu_refuses_the_variants_and_names_keras_s_layer(option):
    with pytest.raises(ValueError, match=r"keras\.layers\.ReLU"):
        layers.ReLU(**option)


def test_relu_takes_the_place_of_keras_s_plain_one():
    config = keras.layers.ReLU(name="r").get_config()
    assert layers.ReLU.from_config(config).name == "r"


def test_integers_are_refused():
    with pytest.raises(TypeError, match=r"tf\.cast"):
        layers.Sigmoid()(np.array([[1, 2]]))
