"""Rosenblatt's rule as gradient descent; what it learns and what it does not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_course_ext as kce

# Keras reads its own variables by `np.array(variable)`.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
GATES = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "NAND": [1, 1, 1, 0]}
XOR = [0, 1, 1, 0]
HOW = {
    "eager": {"run_eagerly": True},
    "graph": {"jit_compile": False},
    "jit": {"jit_compile": True},
}


def perceptron(η=1.0, units=1, inputs=2, how="graph", loss=None, **kwargs):
    kwargs = {"kernel_initializer": "zeros", **kwargs}
    model = keras.Sequential([keras.Input((inputs,)), kce.layers.Perceptron(units, **kwargs)])
    loss = loss or kce.losses.PerceptronCriterion()
    model.compile(kce.optimizers.GradientDescent(η), loss, **HOW[how])
    return model


def fit(model, x, t, epochs=1, **kwargs):
    model.fit(x, np.array(t), epochs=epochs, batch_size=1, shuffle=False, verbose=0, **kwargs)


def rosenblatt(x, t, w, b, η, epochs):
    """The rule as it is written, in float32, and the number of mistakes."""
    mistakes = 0
    for _ in range(epochs):
        for xi, ti in zip(x, t, strict=True):
            y = np.float32(xi @ w + b > 0)
            w = w + η * np.outer(xi, ti - y)
            b = b + η * (ti - y)
            mistakes += np.sum(ti != y)
    return w, b, mistakes


@pytest.mark.parametrize("how", HOW)
def test_fit_is_the_rule_bit_for_bit(how):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 3)).astype("float32")
    # Noisy, so that mistakes never end; two units, which must not mix.
    t = (x @ rng.normal(size=(3, 2)) + rng.normal(size=(12, 2)) > 0).astype("float32")
    # A power of two: under XLA product and sum are rounded once, with any other η twice.
    η, w, b = np.float32(0.5), rng.normal(size=(3, 2)).astype("float32"), np.float32([0.3, -0.1])
    model = perceptron(0.5, units=2, inputs=3, how=how, kernel_initializer="ones")
    model.set_weights([w, b])
    fit(model, x, t, epochs=3)
    w, b, mistakes = rosenblatt(x, t, w, b, η, epochs=3)
    assert mistakes > 10
    for found, expected in zip(model.get_weights(), (w, b), strict=True):
        assert found.dtype == expected.dtype == np.float32
        np.testing.assert_array_equal(found, expected)


def test_fit_is_the_rule_bit_for_bit_for_a_rate_of_a_tenth():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(30, 2)).astype("float32")
    t = (x[:, :1] > x[:, 1:] ** 2).astype("float32")
    model = perceptron(0.1)
    fit(model, x, t, epochs=3)
    zeros = np.zeros((2, 1), "float32"), np.zeros(1, "float32")
    w, b, _ = rosenblatt(x, t, *zeros, np.float32(0.1), epochs=3)
    for found, expected in zip(model.get_weights(), (w, b), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_gates_are_learned_with_no_more_mistakes_than_novikoff_allows():
    # One unit for each.
    t = np.float32(list(GATES.values())).T
    model = perceptron(units=3)
    fit(model, X, t, epochs=12)
    np.testing.assert_array_equal(model(X), t)
    # With the bias as a third weight, R the longest input, and γ the margin of any unit vector u
    # that separates: here the one whose line runs halfway between the classes.
    inputs = np.c_[X, np.ones(4)]
    separating = {"AND": [1, 1, -1.5], "OR": [1, 1, -0.5], "NAND": [-1, -1, 1.5]}
    for i, u in enumerate(separating.values()):
        zeros = np.zeros((2, 1), "float32"), np.zeros(1, "float32")
        w, b, mistakes = rosenblatt(X, t[:, i : i + 1], *zeros, np.float32(1), epochs=12)
        np.testing.assert_array_equal(model.get_weights()[0][:, i], w[:, 0])
        np.testing.assert_array_equal(model.get_weights()[1][i], b[0])
        margins = (2 * t[:, i] - 1) * (inputs @ u) / np.linalg.norm(u)
        γ, R = margins.min(), np.linalg.norm(inputs, axis=1).max()
        assert γ > 0
        assert 0 < mistakes <= (R / γ) ** 2


def test_the_gates_are_learned_by_gradient_descent_on_the_logistic_form():
    t = np.float32(list(GATES.values())).T
    model = perceptron(3.0, 3, activation="sigmoid", loss=kce.losses.BinaryCrossentropy())
    data = tf.data.Dataset.from_tensors((X, t)).repeat(200)
    model.fit(data, shuffle=False, verbose=0)
    np.testing.assert_array_equal(np.round(model(X)), t)


def test_a_third_input_makes_xor_separable():
    lifted = np.column_stack([X, X[:, 0] * X[:, 1]])
    model = perceptron(inputs=3)
    fit(model, np.tile(lifted, (30, 1)), np.tile(XOR, 30))
    assert model(lifted).numpy().ravel().tolist() == XOR


def test_no_line_separates_xor():
    # With z = w1 x1 + w2 x2 + b the four rows ask for A @ (w1, w2, b) > 0 or <= 0:
    #   (0, 0):            b <= 0        (0, 1):       w2 + b > 0
    #   (1, 1):  w1 + w2 + b <= 0        (1, 0):  w1      + b > 0
    # Left and right add up to the same, w1 + w2 + 2 b, which is <= 0 and > 0.
    z = np.c_[X, np.ones(4)]
    is_1 = np.array(XOR, bool)
    np.testing.assert_array_equal(z[is_1].sum(axis=0), z[~is_1].sum(axis=0))
    # The three gates have no such pair of sums.
    for t in GATES.values():
        is_1 = np.array(t, bool)
        sums = z[is_1].sum(axis=0), z[~is_1].sum(axis=0)
        assert not np.array_equal(*sums)


def test_rosenblatt_s_rule_goes_in_circles_on_xor():
    model, seen = perceptron(), []
    t = np.float32(XOR)[:, None]
    for _ in range(20):
        state = tuple(np.concatenate([w.ravel() for w in model.get_weights()]))
        if state in seen:
            break
        seen.append(state)
        fit(model, X, t)
    else:
        pytest.fail("no state came back")
    # An epoch depends on nothing but the weights it starts from, so from here it is repeated.
    cycle = seen[seen.index(state) :]
    w, b = np.float32(state[:2])[:, None], np.float32(state[2:])
    again_w, again_b, mistakes = rosenblatt(X, t, w, b, np.float32(1), epochs=len(cycle))
    assert mistakes > 0
    np.testing.assert_array_equal(again_w, w)
    np.testing.assert_array_equal(again_b, b)
    assert all(value == round(value) for value in state)


def test_the_logistic_form_ends_at_a_half_everywhere_on_xor():
    t = np.float32(XOR)[:, None]
    model = perceptron(4.0, activation="sigmoid", loss=kce.losses.BinaryCrossentropy())
    model.layers[0].set_weights([np.array([[1.0], [-0.5]]), np.array([0.3])])
    data = tf.data.Dataset.from_tensors((X, t)).repeat(400)
    model.fit(data, shuffle=False, verbose=0)
    np.testing.assert_allclose(model(X), 0.5, atol=1e-4)
    # The loss is convex and its gradient is 0 where all weights are 0: no better place exists.
    with tf.GradientTape() as tape:
        w = tf.zeros((2, 1))
        b = tf.zeros(1)
        tape.watch((w, b))
        e = kce.losses.BinaryCrossentropy(from_logits=True)(t, X @ w + b)
    for g in tape.gradient(e, (w, b)):
        np.testing.assert_allclose(g, 0, atol=1e-8)
    np.testing.assert_allclose(e, np.log(2), rtol=1e-6)


def test_a_batch_is_the_mean_or_the_sum_of_the_rule():
    t = np.float32([[1], [1], [0], [1]])
    for reduction, η in (("sum_over_batch_size", 0.25), ("sum", 1.0)):
        model = perceptron(loss=kce.losses.PerceptronCriterion(reduction=reduction))
        model.fit(X, t, batch_size=4, verbose=0)
        # At w = 0 every unit says 0, so three of the four samples pull.
        np.testing.assert_allclose(model.get_weights()[0], η * X.T @ t)
        np.testing.assert_allclose(model.get_weights()[1], [3 * η])


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_the_weighted_sum_is_found_in_mixed_precision(policy):
    keras.config.set_dtype_policy(policy)
    model = perceptron()
    fit(model, X, GATES["AND"], epochs=10)
    np.testing.assert_array_equal(model(X)[:, 0], GATES["AND"])
    assert model.evaluate(X, np.array(GATES["AND"]), verbose=0) == 0


def test_it_learns_behind_a_dense_layer_an_activation_layer_and_in_a_loaded_model(tmp_path):
    t = np.float32(GATES["OR"])[:, None]
    for layers in (
        [kce.layers.Dense(1, "step")],
        [kce.layers.Dense(1), keras.layers.Activation(kce.activations.step)],
    ):
        model = keras.Sequential([keras.Input((2,)), *layers])
        model.compile(kce.optimizers.GradientDescent(1.0), kce.losses.PerceptronCriterion())
        model.save(tmp_path / "model.keras")
        model = keras.models.load_model(tmp_path / "model.keras")
        fit(model, X, t, epochs=6)
        np.testing.assert_array_equal(model(X), t)


def test_from_logits_takes_z_itself():
    z = np.array([[2.0], [-1.0]], "float32")
    t = np.array([[0.0], [1.0]], "float32")
    loss = kce.losses.PerceptronCriterion(from_logits=True, reduction=None)
    np.testing.assert_array_equal(loss(t, z), [2, 1])
    np.testing.assert_array_equal(loss(t, z, [1.0, 0.5]), [2, 0.5])


def test_masked_samples_do_not_count():
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    embedded = keras.layers.Embedding(5, 4, mask_zero=True)(ids)
    layer = kce.layers.Perceptron(kernel=np.ones(4), bias=0.5)
    t = np.zeros((2, 3, 1), "float32")
    e = kce.losses.PerceptronCriterion()(t, layer(embedded))
    z = np.maximum(np.sum(embedded, axis=-1) + 0.5, 0)
    np.testing.assert_allclose(e, z[ids > 0].mean(), rtol=1e-6)
    assert z[ids > 0].mean() != pytest.approx(z.mean(), rel=1e-3)


BAD = {
    "no z": (lambda: kce.losses.PerceptronCriterion()(X, X), r"kce\.layers\.Perceptron\(\)"),
    "z behind y": (
        lambda: kce.losses.PerceptronCriterion(from_logits=True)(
            X[:, :1], kce.layers.Perceptron()(X)
        ),
        "Leave from_logits out",
    ),
    "sigmoid": (
        lambda: fit(perceptron(activation="sigmoid"), X, XOR),
        "For a sigmoid use BinaryCrossentropy",
    ),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_predictions_without_z_are_refused_with_what_to_write(call, message):
    with pytest.raises(ValueError, match=message):
        call()
