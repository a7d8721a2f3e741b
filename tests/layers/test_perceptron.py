"""The perceptron with given weights, and as a layer among Keras's."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from modes import MODES

import keras_course_ext as kce
from keras_course_ext import activations
from keras_course_ext.layers import Perceptron

# Keras reads its own variables by `np.array(variable)`.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
XOR = [0, 1, 1, 0]
W1, B1 = [[-2, 2], [-2, 2]], [3, -1]
W2, B2 = [[1], [1]], [-1]


def deck_network(activation, k=1):
    w1, b1, w2, b2 = (k * np.array(w) for w in (W1, B1, W2, B2))
    hidden = Perceptron(2, activation, kernel=w1, bias=b1)
    return keras.Sequential(
        [keras.Input((2,)), hidden, Perceptron(1, activation, kernel=w2, bias=b2)]
    )


def σ(z):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-np.float64(z)))


@pytest.mark.parametrize("mode", MODES)
def test_the_deck_s_truth_table_by_threshold(mode):
    model = deck_network("step")
    n = MODES[mode](model.layers[0])(X)
    y = MODES[mode](model)(X)
    np.testing.assert_array_equal(n, [[1, 0], [1, 1], [1, 1], [0, 1]])
    np.testing.assert_array_equal(y[:, 0], XOR)


def test_the_deck_s_network_by_sigmoid():
    y = np.asarray(deck_network("sigmoid")(X))[:, 0]
    by_hand = [
        σ(σ(3) + σ(-1) - 1),  # (0, 0)
        σ(σ(1) + σ(1) - 1),  # (0, 1)
        σ(σ(1) + σ(1) - 1),  # (1, 0)
        σ(σ(-1) + σ(3) - 1),  # (1, 1)
    ]
    np.testing.assert_allclose(y, by_hand, rtol=1e-6)
    np.testing.assert_array_equal(y.round(3), np.float32([0.555, 0.614, 0.614, 0.555]))


def test_scaled_up_the_sigmoid_agrees_but_for_the_two_inputs_that_sit_at_z_0():
    # What a threshold gets at the output: n1 + n2 - 1.
    z = np.array([1 + 0 - 1, 1 + 1 - 1, 1 + 1 - 1, 0 + 1 - 1])
    np.testing.assert_array_equal(z, [0, 1, 1, 0])
    for k in (10, 100, 300):
        y = np.asarray(deck_network("sigmoid", k)(X))[:, 0]
        # The hidden units miss 1 and 0 by e^-3k and e^-k, of which k times the difference is left.
        missing = k * (σ(-k) - σ(-3 * k))
        np.testing.assert_allclose(y[[0, 3]], σ(missing), rtol=1e-6)
        np.testing.assert_allclose(y[[1, 2]], 1, rtol=1e-4)
        if k >= 100:
            np.testing.assert_array_equal(y, [0.5, 1, 1, 0.5])
        assert missing > 0  # and so it comes down to 0.5, and never below


def test_scaling_the_output_layer_alone_makes_it_worse():
    model = deck_network("sigmoid")
    model.layers[1].set_weights([1000 * np.array(W2), 1000 * np.array(B2)])
    np.testing.assert_allclose(model(X)[:, 0], [1, 1, 1, 1])


def test_a_bias_between_the_classes_makes_all_four_agree():
    model = deck_network("sigmoid", 100)
    model.layers[1].set_weights([100 * np.array(W2), np.array([-150])])
    np.testing.assert_allclose(model(X)[:, 0], XOR, atol=1e-20)


@pytest.mark.parametrize(
    ("kernel", "bias", "table"),
    [
        ([1, 1], -1.5, [0, 0, 0, 1]),
        ([[1], [1]], [-0.5], [0, 1, 1, 1]),
        ([-1, -1], 1.5, [1, 1, 1, 0]),
    ],
    ids=["AND", "OR", "NAND"],
)
def test_given_weights_make_a_gate(kernel, bias, table):
    layer = Perceptron(kernel=kernel, bias=bias)
    np.testing.assert_array_equal(layer(X)[:, 0], table)
    again = Perceptron.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(again(X)[:, 0], table)
    # Given is where the weights start from, and they are weights.
    layer.set_weights([np.zeros((2, 1)), np.ones(1)])
    np.testing.assert_array_equal(layer(X)[:, 0], [1, 1, 1, 1])


def test_given_values_arrive_in_the_dtype_of_the_layer():
    layer = Perceptron(kernel=[0.1, 1 / 3], bias=0.7, dtype="float64")
    layer.build((None, 2))
    assert np.asarray(layer.kernel).ravel().tolist() == [0.1, 1 / 3]
    assert np.asarray(layer.bias).tolist() == [0.7]


def test_without_given_weights_it_is_a_dense_layer():
    kwargs = {"kernel_initializer": keras.initializers.GlorotUniform(1), "name": "same"}
    ours, dense = Perceptron(3, "tanh", **kwargs), kce.layers.Dense(3, "tanh", **kwargs)
    np.testing.assert_array_equal(ours(X), dense(X))
    assert ours.get_config() == dense.get_config()
    assert Perceptron().units == 1
    assert Perceptron().activation is activations.step
    assert Perceptron(use_bias=False, kernel=[1, 1])(X).shape == (4, 1)


@pytest.mark.parametrize("functional", [False, True])
def test_saved_and_loaded_it_keeps_what_it_learned(functional, tmp_path):
    model = deck_network("step")
    if functional:
        inputs = keras.Input((2,))
        hidden, output = model.layers
        model = keras.Model(inputs, output(hidden(inputs)))
    learned = [np.full((2, 1), 3.0), np.array([-4.0])]
    model.layers[-1].set_weights(learned)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.layers[-1]) is Perceptron
    assert loaded.layers[-1].get_config() == model.layers[-1].get_config()
    for found, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0)[:, 0], XOR)


def test_shapes_of_any_rank_known_and_unknown():
    layer = Perceptron(5)
    for shape in ((None, 2), (None, 4, 2), (3, None, 4, 2)):
        symbolic = keras.KerasTensor(shape)
        assert layer(symbolic).shape == layer.compute_output_shape(shape) == (*shape[:-1], 5)
    assert layer(np.zeros((2, 3, 2), "int32")).shape == (2, 3, 5)
    assert layer(np.zeros((0, 2))).shape == (0, 5)


TRAINED = {
    "gradient loss": (lambda: deck_network("step").layers[:1], "mse", True),
    "our gradient loss": (lambda: deck_network("step").layers[:1], kce.losses.get("mse"), True),
    "hidden step below a criterion": (
        lambda: deck_network("step").layers,
        kce.losses.PerceptronCriterion(),
        True,
    ),
    "criterion": (lambda: [Perceptron()], kce.losses.PerceptronCriterion(), False),
    "frozen step and a gradient loss": (lambda: [Perceptron(trainable=False)], "mse", False),
    "frozen step below a sigmoid": (
        lambda: [
            Perceptron(2, kernel=W1, bias=B1, trainable=False),
            Perceptron(activation="sigmoid"),
        ],
        "binary_crossentropy",
        False,
    ),
}


@pytest.mark.parametrize(("layers", "loss", "warned"), TRAINED.values(), ids=TRAINED)
def test_training_through_a_step_that_should_learn_is_warned_of(layers, loss, warned, tmp_path):
    layers = layers()
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(kce.optimizers.GradientDescent(1.0), loss, jit_compile=False)
    before = layers[0].get_weights()
    t = np.ones((4, layers[-1].units))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.predict(X, verbose=0)
        model.evaluate(X, t, verbose=0)
        model.export(tmp_path / "export", verbose=False)
        assert not [w for w in caught if "Perceptron" in str(w.message)]
        model.fit(X, t, epochs=2, verbose=0)
    texts = {str(w.message) for w in caught if "Perceptron" in str(w.message)}
    assert len(texts) == warned
    if warned:
        assert "PerceptronCriterion" in texts.pop()
        for w, b in zip(layers[0].get_weights(), before, strict=True):
            np.testing.assert_array_equal(w, b)


BAD = {
    "columns": (lambda: Perceptron(kernel=[[1, 2], [3, 4]]), r"\(2, 2\) with units=1.*units=2"),
    "vector for two": (lambda: Perceptron(2, kernel=[1, 2]), r"\(inputs, 2\).*\(2,\)"),
    "scalar": (lambda: Perceptron(kernel=3), r"\(inputs, 1\) or \(inputs,\).*shape \(\)"),
    "ragged": (lambda: Perceptron(kernel=[[1], [2, 3]]), "rows of equal length"),
    "words": (lambda: Perceptron(kernel=["a", "b"]), "array of numbers"),
    "complex": (lambda: Perceptron(bias=1j), "array of numbers"),
    "nan": (lambda: Perceptron(kernel=[np.nan, 1]), "finite"),
    "inf": (lambda: Perceptron(bias=np.inf), "finite"),
    "bias": (lambda: Perceptron(2, bias=1.0), r"\(2,\): one for each unit.*shape \(\)"),
    "bias unused": (lambda: Perceptron(bias=1.0, use_bias=False), "use_bias=False"),
    "twice": (lambda: Perceptron(kernel=[1], kernel_initializer="zeros"), "kernel_initializer"),
    "inputs": (lambda: Perceptron(kernel=[1, 2, 3])(X), r"3 inputs.*has 2.*\(2, 1\)"),
    "activation": (lambda: Perceptron(activation="stpe"), "Did you mean 'step'"),
    "units": (lambda: Perceptron(0), "units"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_with_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_no_loss_of_keras_takes_the_weighted_sum_for_a_logit():
    y = Perceptron(kernel=[1, 1], bias=-0.5)(X)
    t = np.array([[0], [1], [1], [1]], "float32")
    for loss in (keras.losses.BinaryCrossentropy(), kce.losses.BinaryCrossentropy()):
        np.testing.assert_allclose(loss(t, y), loss(t, tf.identity(y)))
