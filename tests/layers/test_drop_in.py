"""Dense, Conv1D and Conv2D in the place of Keras's: same weights, outputs, gradients, files."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_cases import CASES, KINDS, Case, assert_same, output_and_gradients
from modes import MODES

from keras_course_ext import activations, layers

by_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
by_kind = pytest.mark.parametrize("case", KINDS.values(), ids=KINDS.keys())


@by_case
def test_output_and_gradients_are_keras_s(case):
    ours, theirs = case.pair()
    x = case.x()
    assert ours.compute_output_shape(x.shape) == theirs.compute_output_shape(x.shape)
    eps = {"mixed_float16": 2**-10, "mixed_bfloat16": 2**-7}.get(case.arguments.get("dtype"))
    found, expected = output_and_gradients(ours, x), output_and_gradients(theirs, x)
    assert_same(found, expected, tolerance=2 * eps if eps else 1e-5)


@by_case
def test_weights_and_config_are_keras_s_and_make_the_same_layer_again(case):
    ours, theirs = case.pair(name="layer")
    for attribute in ("weights", "trainable_weights", "non_trainable_weights"):
        found, expected = getattr(ours, attribute), getattr(theirs, attribute)
        assert [w.name for w in found] == [w.name for w in expected]
        assert [w.shape for w in found] == [w.shape for w in expected]
        assert [w.dtype for w in found] == [w.dtype for w in expected]
    again = type(ours).from_config(ours.get_config())
    assert again.get_config() == ours.get_config()
    assert again.get_config().keys() == theirs.get_config().keys()
    again.build((None, *case.sample))
    again.set_weights(ours.get_weights())
    x = case.x()
    np.testing.assert_array_equal(again(x), ours(x))


IN_A_GRAPH = {
    "graph": (
        "relu",
        "regularizers",
        "lora",
        "same, strides",
        "groups",
        "causal, strides",
        "rank 4",
    ),
    "jit": ("relu", "dilation"),
}


@pytest.mark.thin("graph")
@pytest.mark.parametrize("mode", IN_A_GRAPH)
def test_output_and_gradients_are_keras_s_in_a_graph(mode):
    cases = [case for name, case in CASES.items() if name.split(", ", 1)[1] in IN_A_GRAPH[mode]]
    pairs, arguments = [case.pair() for case in cases], [case.x() for case in cases]

    def all_cases(arguments):
        return [
            [output_and_gradients(layer, x) for layer in pair]
            for pair, x in zip(pairs, arguments, strict=True)
        ]

    for ours, theirs in MODES[mode](all_cases)(list(map(tf.constant, arguments))):
        assert_same(ours, theirs)


@by_kind
def test_the_same_seed_draws_the_same_weights(case):
    drawn = []
    for module in (layers, keras.layers):
        keras.utils.set_random_seed(3)
        layer = case.make(module)
        layer.build((None, *case.sample))
        drawn.append(layer.get_weights()[0])
    np.testing.assert_array_equal(*drawn)


@by_kind
def test_a_name_means_our_function_and_a_callable_itself(case):
    assert case.make(layers, activation="relu").activation is activations.relu
    assert case.make(layers).activation is activations.linear
    for function in (keras.activations.relu, activations.relu):
        layer = case.make(layers, activation=function)
        assert layer.activation is function
        assert type(layer).from_config(layer.get_config()).activation is function


def test_arguments_by_position_are_keras_s():
    given = (4, 3, 2, "same", "channels_last", 1, 1, "relu", False, "ones")
    for ours, theirs in (
        (layers.Conv1D, keras.layers.Conv1D),
        (layers.Conv2D, keras.layers.Conv2D),
    ):
        layer, expected = ours(*given, name="c"), theirs(*given, name="c").get_config()
        assert layer.activation is activations.relu
        assert {**layer.get_config(), "activation": 0} == {**expected, "activation": 0}
    dense = layers.Dense(3, "relu", False, "ones")
    assert (dense.use_bias, dense.activation) == (False, activations.relu)


@by_kind
def test_clone_model_keeps_our_layer(case):
    model = keras.Sequential([keras.Input(case.sample), case.make(layers, activation="relu")])
    clone = keras.models.clone_model(model)
    assert type(clone.layers[0]) is getattr(layers, case.name)
    assert clone.layers[0].activation is activations.relu


@by_kind
def test_rematerialized_gradients_are_the_same(case):
    plain, _ = case.pair(activation="tanh")
    with keras.RematScope(mode="full"):
        remat = case.make(layers, activation="tanh")
    remat.build((None, *case.sample))
    remat.set_weights(plain.get_weights())
    x = case.x()
    assert_same(output_and_gradients(remat, x), output_and_gradients(plain, x))


@by_kind
def test_frozen_layer_stays_and_passes_the_gradient_on(case):
    model: Any = keras.Sequential(
        [
            keras.Input(case.sample),
            layers.Dense(case.sample[-1]),
            case.make(layers, activation="tanh", trainable=False),
            keras.layers.Flatten(),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(case.x(), np.ones((3, 1)), verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [True, True, False, False, True, True]


@by_kind
def test_activation_can_be_taken_off_a_built_layer(case):
    ours, theirs = case.pair(activation="relu")
    for layer in (ours, theirs):
        layer.activation = None
    x = case.x()
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-6)


@by_kind
def test_symbolic_call_knows_shape_and_dtype(case):
    sample = (*[None] * (len(case.sample) - 1), 4)
    y, expected = (
        case.make(module, dtype="mixed_bfloat16")(keras.Input(sample))
        for module in (layers, keras.layers)
    )
    assert (y.shape, y.dtype) == (expected.shape, "bfloat16")


@by_kind
def test_lora_enabled_later_is_keras_s(case):
    ours, theirs = case.pair(activation="tanh")
    for layer in (ours, theirs):
        layer.enable_lora(2)
    factors = [np.ones(w.shape) / 3 for w in theirs.trainable_variables]
    for layer in (ours, theirs):
        for w, value in zip(layer.trainable_variables, factors, strict=True):
            w.assign(value)
    x = case.x()
    assert_same(output_and_gradients(ours, x), output_and_gradients(theirs, x))
    np.testing.assert_allclose(ours.kernel, theirs.kernel)


@by_kind
def test_per_example_gradients_of_a_layer(case):
    ours, theirs = case.pair(activation="tanh")
    x = tf.constant(case.x(4)[:, np.newaxis])

    def gradient_of(layer):
        return lambda example: output_and_gradients(layer, example)[1:]

    found = tf.vectorized_map(gradient_of(ours), x)
    for i in range(4):
        assert_same([g[i] for g in found], gradient_of(theirs)(x[i]))


def masked(case: Case, layer) -> Any:
    x = tf.constant(case.x(2))
    mask = tf.constant([[True] * 3 + [False] * (x.shape[1] - 3)] * 2)
    y = layer(keras.layers.Masking()(x * tf.cast(mask[..., tf.newaxis], x.dtype)))
    return getattr(y, "_keras_mask", None)


def test_mask_passes_through_dense():
    case = Case("Dense", {"units": 3}, (5, 4))
    ours, theirs = (masked(case, layer) for layer in case.pair())
    np.testing.assert_array_equal(ours, [[True] * 3 + [False] * 2] * 2)
    np.testing.assert_array_equal(ours, theirs)


def test_mask_ends_at_a_convolution_with_keras_s_warning():
    case = KINDS["Conv1D"]
    for layer in case.pair():
        with pytest.warns(UserWarning, match="does not support masking"):
            assert masked(case, layer) is None


def test_beside_keras_s_layers_in_a_functional_model_shared_and_nested():
    first, second = keras.Input((6, 4), name="first"), keras.Input((6, 4), name="second")
    shared, convolution = layers.Dense(5, activation="tanh"), layers.Conv1D(3, 2, activation="relu")
    hidden = [keras.layers.Flatten()(convolution(shared(x))) for x in (first, second)]
    hidden = keras.layers.Dense(6)(keras.layers.Concatenate()(hidden))
    hidden = keras.layers.BatchNormalization()(hidden)
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(4, "relu"), layers.Dense(2)])
    nested = inner(hidden)
    model: Any = keras.Model([first, second], [nested, layers.Dense(1, "sigmoid")(hidden)])
    assert [tuple(o.shape) for o in model.outputs] == [(None, 2), (None, 1)]
    model.compile("sgd", ["mse", "binary_crossentropy"])
    x = [KINDS["Conv1D"].x(8) for _ in range(2)]
    targets = [np.ones((8, 2)), np.ones((8, 1))]
    # The gradient of a shared layer is the sum over its places.
    expected = []
    for constant in (0, 1):
        with tf.GradientTape() as tape:
            branches = [convolution(shared(v)) for v in x]
            branches[constant] = tf.stop_gradient(branches[constant])
            h = keras.ops.concatenate([keras.layers.Flatten()(b) for b in branches])
            total = tf.reduce_sum(h**2)
        expected.append(tape.gradient(total, shared.kernel.value))
    with tf.GradientTape() as tape:
        h = keras.ops.concatenate([keras.layers.Flatten()(convolution(shared(v))) for v in x])
        total = tf.reduce_sum(h**2)
    found = tape.gradient(total, shared.kernel.value)
    np.testing.assert_allclose(found, sum(expected), rtol=1e-4)
    before = [w.copy() for w in model.get_weights()]
    model.fit(x, targets, epochs=1, verbose=0)
    moved = [np.abs(a - b).max() > 0 for a, b in zip(before, model.get_weights(), strict=True)]
    assert all(moved)
