"""Dense as a drop-in for `keras.layers.Dense`: same weights, outputs, gradients, training."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext import activations, layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 4)).astype("float32")


@keras.saving.register_keras_serializable(package="test_dense")
def sine(x):
    return tf.math.sin(x)


# Arguments of the layer; a new row is a new case.
CONFIGS = {
    "plain": {},
    "no bias": {"use_bias": False},
    "linear": {"activation": "linear"},
    "sigmoid": {"activation": "sigmoid"},
    "tanh": {"activation": "tanh"},
    "relu": {"activation": "relu"},
    "softplus": {"activation": "softplus"},
    "softmax": {"activation": "softmax"},
    "Keras's mish": {"activation": "mish"},
    "a callable": {"activation": sine},
    "a layer": {"activation": keras.layers.LeakyReLU(0.1)},
    "initializers": {"kernel_initializer": "he_normal", "bias_initializer": "ones"},
    "regularizers": {
        "kernel_regularizer": keras.regularizers.L2(0.1),
        "bias_regularizer": keras.regularizers.L1(0.1),
        "activity_regularizer": keras.regularizers.L2(0.1),
    },
    "constraints": {"kernel_constraint": "non_neg", "bias_constraint": "unit_norm"},
    "float64": {"dtype": "float64"},
    "mixed_float16": {"dtype": "mixed_float16", "activation": "tanh"},
    "mixed_bfloat16": {"dtype": "mixed_bfloat16", "activation": "relu"},
}
by_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())


def pair(units=3, input_shape=(None, 4), **config):
    """Ours and Keras's, with the same weights."""
    ours, theirs = layers.Dense(units, **config), keras.layers.Dense(units, **config)
    for layer in (ours, theirs):
        layer.build(input_shape)
    values = [RNG.normal(size=w.shape).astype("float32") for w in theirs.weights]
    ours.set_weights(values)
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def output_and_gradients(layer, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        total = tf.reduce_sum(tf.cast(y, "float32") ** 2) + sum(layer.losses)
    variables = [v.value for v in layer.trainable_variables]
    return [y, *tape.gradient(total, [x, *variables])]


def assert_same(found, expected, rtol=1e-5, atol=1e-5):
    for f, e in zip(found, expected, strict=True):
        assert f.dtype == e.dtype
        np.testing.assert_allclose(tf.cast(f, "float64"), tf.cast(e, "float64"), rtol, atol)


@by_config
def test_output_and_gradients_are_keras_s(config):
    ours, theirs = pair(**config)
    half = {"mixed_float16": 2e-3, "mixed_bfloat16": 2e-2}.get(config.get("dtype"), 0)
    found, expected = output_and_gradients(ours, X), output_and_gradients(theirs, X)
    assert_same(found, expected, atol=1e-5 + 20 * half)


@pytest.mark.parametrize("leading", [(5,), (2, 3), (2, 3, 2), (2, 1, 3, 2), (0,)])
def test_rank_2_to_5(leading):
    x = RNG.normal(size=(*leading, 4)).astype("float32")
    ours, theirs = pair(input_shape=(None, *leading[1:], 4), activation="tanh")
    assert ours.compute_output_shape(x.shape) == theirs.compute_output_shape(x.shape)
    assert_same(output_and_gradients(ours, x), output_and_gradients(theirs, x))


@by_config
def test_weights_are_keras_s_in_its_order(config):
    ours, theirs = pair(**config)
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]
    assert [w.dtype for w in ours.weights] == [w.dtype for w in theirs.weights]


@by_config
def test_config_makes_the_same_layer_again(config):
    ours, _ = pair(**config)
    again = layers.Dense.from_config(ours.get_config())
    assert again.get_config() == ours.get_config()
    again.build((None, 4))
    again.set_weights(ours.get_weights())
    np.testing.assert_array_equal(again(X), ours(X))


def test_the_same_seed_draws_the_same_weights():
    drawn = []
    for cls in (layers.Dense, keras.layers.Dense):
        keras.utils.set_random_seed(3)
        layer = cls(5)
        layer.build((None, 4))
        drawn.append(layer.get_weights()[0])
    np.testing.assert_array_equal(*drawn)


def test_a_name_means_our_function_and_a_callable_itself():
    assert layers.Dense(2, "relu").activation is activations.relu
    assert layers.Dense(2).activation is activations.linear
    assert layers.Dense(2, keras.activations.relu).activation is keras.activations.relu


def classifier(dense) -> Any:
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((4,)),
            dense(16, activation="tanh"),
            keras.layers.Dropout(0.1, seed=0),
            dense(16, activation="sigmoid", kernel_regularizer="l2"),
            dense(8, activation="relu"),
            dense(3, activation="softmax"),
        ]
    )


COMPILE = {
    "eager": {"run_eagerly": True},
    "graph": {"jit_compile": False},
    "jit": {"jit_compile": True},
    "graph, 3 steps per execution": {"jit_compile": False, "steps_per_execution": 3},
}


@pytest.mark.parametrize("how", COMPILE.values(), ids=COMPILE.keys())
def test_training_is_keras_s(how):
    x = RNG.normal(size=(48, 4)).astype("float32")
    y = RNG.integers(0, 3, 48)
    weights, losses = [], []
    for dense in (layers.Dense, keras.layers.Dense):
        model = classifier(dense)
        optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
        model.compile(optimizer, "sparse_categorical_crossentropy", **how)
        history = model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights())
        losses.append(history.history["loss"])
    assert losses[0][-1] < losses[0][0]
    np.testing.assert_allclose(*losses, rtol=1e-6)
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains_in_half_and_keeps_float32_weights(policy):
    keras.config.set_dtype_policy(policy)
    model: Any = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid", dtype="float32"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
    y = (X[:, 0] > 0).astype("float32")
    loss = model.fit(X, y, epochs=15, verbose=0).history["loss"]
    assert loss[-1] < 0.5 * loss[0]
    assert {w.dtype for w in model.weights} == {"float32"}
    assert model.layers[0].output.dtype == policy.removeprefix("mixed_")


def test_beside_keras_s_layers_in_a_functional_model_shared_and_nested():
    first, second = keras.Input((4,), name="first"), keras.Input((4,), name="second")
    shared = layers.Dense(5, activation="tanh")
    hidden = keras.layers.Concatenate()([shared(first), shared(second)])
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(6)(hidden))
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(4, "relu"), layers.Dense(2)])
    nested = inner(hidden)
    model: Any = keras.Model([first, second], [nested, layers.Dense(1, "sigmoid")(hidden)])
    assert [tuple(o.shape) for o in model.outputs] == [(None, 2), (None, 1)]
    model.compile("adam", ["mse", "binary_crossentropy"])
    before = shared.get_weights()[0]
    model.fit([X, X[::-1]], [X[:, :2], X[:, :1] > 0], epochs=1, verbose=0)
    assert np.abs(shared.get_weights()[0] - before).max() > 0


def test_symbolic_call_knows_shape_and_dtype():
    y = layers.Dense(7, "softplus", dtype="mixed_bfloat16")(keras.Input((None, 3, 4)))
    assert (tuple(y.shape), y.dtype) == ((None, None, 3, 7), "bfloat16")


def test_mask_passes_through():
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    embedded = keras.layers.Embedding(5, 4, mask_zero=True)(ids)
    y = layers.Dense(2, "relu")(embedded)
    np.testing.assert_array_equal(y._keras_mask, ids != 0)


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool", "float64", "float16"])
def test_other_input_dtypes_are_cast_as_keras_does(dtype):
    ours, theirs = pair()
    x = tf.cast(tf.constant([[1, 0, 3, 1]]), dtype)
    assert ours(x).dtype == theirs(x).dtype == tf.float32
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-6)


def test_sparse_input_is_computed_by_keras():
    ours, theirs = pair()
    x = tf.sparse.from_dense(np.eye(4, dtype="float32"))
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-6)


def test_lora_is_computed_by_keras():
    ours, theirs = pair(activation="tanh")
    for layer in (ours, theirs):
        layer.enable_lora(2)
    factors = [RNG.normal(size=w.shape) for w in theirs.trainable_variables]
    for layer in (ours, theirs):
        for w, value in zip(layer.trainable_variables, factors, strict=True):
            w.assign(value)
    assert_same(output_and_gradients(ours, X), output_and_gradients(theirs, X))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's
def test_quantized_is_computed_by_keras():
    ours, theirs = pair(activation="relu")
    for layer in (ours, theirs):
        layer.quantize("int8")
    assert ours.quantization_mode == "int8"
    np.testing.assert_allclose(ours(X), theirs(X), rtol=1e-6)


def test_rematerialized_gradients_are_the_same():
    plain, _ = pair(activation="tanh")
    with keras.RematScope(mode="full"):
        remat = layers.Dense(3, activation="tanh")
    remat.build((None, 4))
    remat.set_weights(plain.get_weights())
    assert_same(output_and_gradients(remat, X), output_and_gradients(plain, X))


def test_frozen_layer_stays_and_passes_the_gradient_on():
    frozen = layers.Dense(4, "tanh", trainable=False)
    model: Any = keras.Sequential([keras.Input((4,)), layers.Dense(4), frozen, layers.Dense(1)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, X[:, :1], verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [True, True, False, False, True, True]


def test_activation_can_be_taken_off_a_built_layer():
    ours, theirs = pair(activation="relu")
    for layer in (ours, theirs):
        layer.activation = None
    np.testing.assert_allclose(ours(X), theirs(X), rtol=1e-6)


def test_clone_model_keeps_our_layer():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, "relu")])
    clone = keras.models.clone_model(model)
    assert type(clone.layers[0]) is layers.Dense
    assert clone.layers[0].activation is activations.relu


BAD = {
    "activation name": (lambda: layers.Dense(2, "rleu"), ValueError, "Did you mean 'relu'"),
    "activation class": (lambda: layers.Dense(2, layers.ReLU), TypeError, r"ReLU\(\)"),
    "rank 1": (lambda: layers.Dense(2)(tf.zeros(4)), ValueError, "min_ndim=2"),
    "last axis": (lambda: pair()[0](tf.zeros((2, 5))), ValueError, "axis -1"),
    "complex": (lambda: pair()[0](tf.zeros((2, 4), tf.complex64)), TypeError, "complex64"),
    "ragged": (
        lambda: pair()[0](tf.ragged.constant([[[1.0] * 4], []], inner_shape=(4,))),
        TypeError,
        "to_tensor",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_clearly(call, error, message):
    with pytest.raises(error, match=message):
        call()
