"""The activation layers beside Keras's functions and layers."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from modes import MODES

from keras_course_ext import activations, layers

X = np.random.default_rng(0).normal(0, 2, (2, 3, 4)).astype("float32")

TWO_AXES: dict[str, Any] = {"axis": (1, 2)}
RELU: dict[str, Any] = {"max_value": 2.0, "negative_slope": 0.1, "threshold": 0.5}
CASES = {
    "linear": (layers.Linear, {}, keras.activations.linear),
    "sigmoid": (layers.Sigmoid, {}, keras.activations.sigmoid),
    "tanh": (layers.Tanh, {}, keras.activations.tanh),
    "relu": (layers.ReLU, {}, keras.layers.ReLU()),
    "relu, all options": (layers.ReLU, RELU, keras.layers.ReLU(**RELU)),
    "relu, at most 6": (layers.ReLU, {"max_value": 6}, keras.layers.ReLU(6)),
    "leaky relu": (layers.LeakyReLU, {}, keras.layers.LeakyReLU()),
    "leaky relu, 0.1": (layers.LeakyReLU, {"negative_slope": 0.1}, keras.layers.LeakyReLU(0.1)),
    "elu": (layers.ELU, {}, keras.layers.ELU()),
    "elu, alpha": (layers.ELU, {"alpha": 0.5}, keras.layers.ELU(alpha=0.5)),
    "selu": (layers.SELU, {}, keras.activations.selu),
    "softplus": (layers.Softplus, {}, keras.activations.softplus),
    "softsign": (layers.Softsign, {}, keras.activations.softsign),
    "gelu": (layers.GELU, {}, keras.activations.gelu),
    "gelu, tanh": (
        layers.GELU,
        {"approximate": True},
        lambda x: keras.activations.gelu(x, approximate=True),
    ),
    "silu": (layers.SiLU, {}, keras.activations.silu),
    "hard sigmoid": (layers.HardSigmoid, {}, keras.activations.hard_sigmoid),
    "exponential": (layers.Exponential, {}, keras.activations.exponential),
    "softmax": (layers.Softmax, {}, keras.activations.softmax),
    "softmax, axis 1": (layers.Softmax, {"axis": 1}, keras.layers.Softmax(axis=1)),
    "softmax, two axes": (layers.Softmax, TWO_AXES, keras.layers.Softmax(**TWO_AXES)),
    "log-softmax": (layers.LogSoftmax, {}, keras.activations.log_softmax),
    "log-softmax, axis 1": (
        layers.LogSoftmax,
        {"axis": 1},
        lambda x: keras.activations.log_softmax(x, axis=1),
    ),
    "activation": (layers.Activation, {"activation": "silu"}, keras.layers.Activation("silu")),
}
CLASSES = sorted({cls for cls, _, _ in CASES.values()} | {layers.Step}, key=lambda c: c.__name__)


def make(cls):
    return cls("tanh") if cls is layers.Activation else cls()


by_case = pytest.mark.parametrize(("cls", "config", "theirs"), CASES.values(), ids=CASES.keys())


def value_and_gradient(f, x) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
        total = tf.reduce_sum(tf.square(y))
    return y, tape.gradient(total, x)


@pytest.mark.parametrize("mode", MODES)
def test_values_and_gradients_are_keras_s(mode):
    x = tf.constant(X)
    made = {name: cls(**config) for name, (cls, config, _) in CASES.items()}

    def compute(x):
        return {name: value_and_gradient(layer, x) for name, layer in made.items()}

    found = MODES[mode](compute)(x)
    for name, (_, _, theirs) in CASES.items():
        for f, e in zip(found[name], value_and_gradient(theirs, x), strict=True):
            np.testing.assert_allclose(f, e, rtol=1e-5, atol=1e-6, err_msg=name)


def test_step_fires_above_0_and_passes_no_gradient():
    y, dx = value_and_gradient(layers.Step(), tf.constant([-1.0, 0.0, 2.0]))
    np.testing.assert_array_equal([y, dx], [[0, 0, 1], [0, 0, 0]])


@by_case
def test_symbolic_call_config_and_clone(cls, config, theirs):
    model = keras.Sequential([keras.Input((3, 4)), cls(**config, name="last")])
    assert model.output_shape == (None, 3, 4)
    clone = keras.models.clone_model(model)
    assert type(clone.layers[0]) is cls
    assert clone.layers[0].get_config() == model.layers[0].get_config()
    np.testing.assert_array_equal(clone(X), model(X))


KERAS_S = {name: case for name, case in CASES.items() if isinstance(case[2], keras.layers.Layer)}


@pytest.mark.parametrize(("cls", "config", "theirs"), KERAS_S.values(), ids=KERAS_S)
def test_keras_s_config_is_taken(cls, config, theirs):
    keras_s = {**theirs.get_config(), "name": "r"}
    if cls is not layers.ELU:  # Keras's forgets alpha
        assert keras_s.keys() == cls(**config).get_config().keys()
    assert cls.from_config(keras_s).name == "r"


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
@by_case
def test_computes_in_the_compute_dtype(cls, config, theirs, policy):
    layer = cls(**config, dtype=policy)
    y = layer(X)
    assert y.dtype.name == policy.removeprefix("mixed_") == layer(keras.Input((3, 4))).dtype
    np.testing.assert_allclose(tf.cast(y, "float32"), theirs(X), rtol=4e-2, atol=2e-2)


# Softmax takes a mask of the scores themselves.
@pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls is not layers.Softmax])
def test_mask_passes_through(cls):
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    y = make(cls)(keras.layers.Embedding(5, 4, mask_zero=True)(ids))
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


REFUSED = {
    "relu, slope": (layers.ReLU, {"negative_slope": -0.1}, "negative_slope.*at least 0.*-0.1"),
    "relu, no slope": (layers.ReLU, {"negative_slope": None}, "negative_slope.*None"),
    "relu, maximum": (layers.ReLU, {"max_value": -1}, "max_value.*at least 0.*-1"),
    "relu, threshold": (layers.ReLU, {"threshold": -2}, "threshold.*at least 0.*-2"),
    "leaky relu": (layers.LeakyReLU, {"negative_slope": -0.1}, "negative_slope.*at least 0"),
    "activation": (layers.Activation, {"activation": "rleu"}, "Did you mean 'relu'"),
}


@pytest.mark.parametrize(("cls", "config", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_options_are_refused(cls, config, message):
    with pytest.raises(ValueError, match=message):
        cls(**config)


def test_leaky_relu_takes_the_old_name_of_its_slope():
    assert layers.LeakyReLU(alpha=0.1).negative_slope == 0.1


BAD_INPUTS = {
    "integers": (lambda: np.array([[1, 2]]), r"tf\.cast"),
    "complex numbers": (lambda: tf.complex([[1.0]], [[1.0]]), r"tf\.cast"),
    "sparse": (lambda: tf.sparse.from_dense([[1.0]]), r"tf\.sparse\.to_dense"),
    "ragged": (lambda: tf.ragged.constant([[1.0], []]), r"to_tensor"),
}


@pytest.mark.parametrize("bad", BAD_INPUTS)
@pytest.mark.parametrize("cls", CLASSES)
def test_bad_input_is_refused_with_what_to_write(cls, bad):
    value, message = BAD_INPUTS[bad]
    if cls is layers.Linear and bad in ("integers", "complex numbers"):
        np.testing.assert_array_equal(make(cls)(value()), value())  # the identity takes them
        return
    with pytest.raises((TypeError, ValueError), match=message):
        make(cls)(value())


@pytest.mark.parametrize("cls", CLASSES)
def test_a_batch_of_zero_stays_one(cls):
    assert make(cls)(np.zeros((0, 3), "float32")).shape == (0, 3)


@pytest.mark.parametrize("cls", [layers.Softmax, layers.LogSoftmax])
def test_a_wrong_axis_is_refused_when_the_model_is_built(cls):
    with pytest.raises(ValueError, match=r"axis.*\[-2, 2\)"):
        cls(axis=3)(keras.Input((4,)))


FUNCTIONS = [None, "relu", "mish", keras.activations.relu, activations.relu, keras.layers.ReLU()]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_activation_takes_what_get_takes_and_comes_back(function):
    layer = layers.Activation(function)
    again = layers.Activation.from_config(layer.get_config())
    assert layer.activation is activations.get(function)
    assert type(again.activation) is type(layer.activation)
    if not isinstance(function, keras.layers.Layer):
        assert again.activation is layer.activation
    np.testing.assert_array_equal(again(X), layer(X))


class Scaled(layers.ReLU):
    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return super().call(inputs) * self.scale


def test_a_subclass_with_weights_is_built():
    layer = Scaled()
    assert not layer.built
    np.testing.assert_array_equal(layer(X), layers.ReLU()(X))
    assert layer.built
    assert [tuple(w.shape) for w in layer.weights] == [(4,)]
    assert layers.ReLU().built
