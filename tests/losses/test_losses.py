"""The losses as `model.compile` uses them, beside Keras's."""

import inspect
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from modes import MODES

from keras_course_ext import activations, layers, losses

RNG = np.random.default_rng(0)
SCORES = RNG.normal(size=(6, 3)).astype("float32")
SHARES = 1 / (1 + np.exp(-SCORES))
ONE_HOT = np.eye(3, dtype="float32")[[0, 1, 2, 2, 1, 0]]
CLASS = ONE_HOT.argmax(-1)

# name of the class, options, targets, predictions
CASES = {
    "mse": ("MeanSquaredError", {}, ONE_HOT, SCORES),
    "bce": ("BinaryCrossentropy", {}, ONE_HOT, SHARES),
    "bce, options": (
        "BinaryCrossentropy",
        {"from_logits": True, "label_smoothing": 0.1, "axis": 0},
        ONE_HOT,
        SCORES,
    ),
    "cce": ("CategoricalCrossentropy", {}, ONE_HOT, SHARES),
    "cce, options": (
        "CategoricalCrossentropy",
        {"from_logits": True, "label_smoothing": 0.1},
        ONE_HOT,
        SCORES,
    ),
    "sce": ("SparseCategoricalCrossentropy", {}, CLASS, SHARES),
    "sce, options": ("SparseCategoricalCrossentropy", {"from_logits": True}, CLASS, SCORES),
}
by_case = pytest.mark.parametrize(
    ("name", "options", "y_true", "y_pred"), CASES.values(), ids=CASES.keys()
)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None]
)
@by_case
def test_value_is_keras_s(name, options, y_true, y_pred, reduction, weighted):
    weight = None
    if weighted:
        samples = 3 if "axis" in options else 6
        weight = RNG.random(samples).astype("float32")
    found = getattr(losses, name)(reduction=reduction, **options)(y_true, y_pred, weight)
    expected = getattr(keras.losses, name)(reduction=reduction, **options)(y_true, y_pred, weight)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=2e-6)


@by_case
def test_arguments_stand_where_keras_s_do(name, options, y_true, y_pred):
    ours, theirs = (
        list(inspect.signature(getattr(m, name)).parameters.values())
        for m in (losses, keras.losses)
    )
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


@by_case
def test_config_makes_the_same_loss_again(name, options, y_true, y_pred):
    loss = getattr(losses, name)(reduction="sum", name="mine", **options)
    again: Any = keras.losses.get(keras.saving.serialize_keras_object(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert again(y_true, y_pred) == loss(y_true, y_pred)


@pytest.mark.parametrize("name", ["MeanSquaredError", "SparseCategoricalCrossentropy"])
def test_mask_of_the_predictions_counts(name):
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    embedded = keras.layers.Embedding(5, 4, mask_zero=True)(ids)
    y_pred = layers.Dense(4, activation="softmax")(embedded)
    y_true = ids % 4 if name.startswith("Sparse") else np.ones((2, 3, 4))
    found = float(getattr(losses, name)()(y_true, y_pred))
    assert found == pytest.approx(float(getattr(keras.losses, name)()(y_true, y_pred)), rel=1e-6)
    assert found != pytest.approx(float(getattr(losses, name)()(y_true, tf.identity(y_pred))))


LAST = {
    "our softmax": (activations.softmax, "Categorical"),
    "our softmax layer": (layers.Softmax(), "Categorical"),
    "Keras's softmax": (keras.activations.softmax, "Categorical"),
    "Keras's softmax layer": (keras.layers.Softmax(), "Categorical"),
    "our softmax, class numbers": (activations.softmax, "SparseCategorical"),
    "Keras's softmax, class numbers": (keras.activations.softmax, "SparseCategorical"),
    "our sigmoid": (activations.sigmoid, "Binary"),
    "our sigmoid layer": (layers.Sigmoid(), "Binary"),
    "Keras's sigmoid": (keras.activations.sigmoid, "Binary"),
}


@pytest.mark.thin("*-eager")
@pytest.mark.parametrize("mode", ["eager", "jit"])
@pytest.mark.parametrize("module", [losses, keras.losses], ids=["our loss", "Keras's loss"])
@pytest.mark.parametrize(("last", "kind"), LAST.values(), ids=LAST.keys())
def test_saturated_outputs_keep_the_gradient_p_minus_t(last, kind, module, mode):
    # Every output is wrong by so much that its probability has rounded to 0 or 1.
    z = tf.constant([[-200.0, 200.0]])
    t = tf.constant([0]) if kind == "SparseCategorical" else tf.constant([[1.0, 0.0]])
    loss = getattr(module, f"{kind}Crossentropy")()

    def value_and_gradient(z) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(z)
            e = loss(t, last(z))
        return e, tape.gradient(e, z)

    e, dz = MODES[mode](value_and_gradient)(z)
    n = 2 if kind == "Binary" else 1
    np.testing.assert_allclose(e, 200 if kind == "Binary" else 400, rtol=1e-6)
    np.testing.assert_allclose(dz, [[-1 / n, 1 / n]], rtol=1e-6)


def test_logits_behind_another_axis_are_not_mistaken():
    z = tf.constant(RNG.normal(size=(2, 3, 3)), tf.float32)
    t = tf.one_hot(tf.constant([[0, 1, 2], [2, 2, 0]]), 3)
    for softmax_axis, loss_axis in ((1, 2), (1, -1), (2, 1), (-1, 1), (1, 1)):
        p: Any = activations.softmax(z, axis=softmax_axis)
        loss: Any = losses.CategoricalCrossentropy(axis=loss_axis)
        np.testing.assert_allclose(loss(t, p), loss(t, tf.identity(p)), rtol=1e-6)


def test_from_logits_after_a_softmax_is_warned_of():
    with pytest.warns(UserWarning, match="Leave from_logits out"):
        losses.CategoricalCrossentropy(from_logits=True)(ONE_HOT, activations.softmax(SCORES))


MODELS = {
    "mse": ("MeanSquaredError", None, ONE_HOT, {"run_eagerly": True}),
    "bce": ("BinaryCrossentropy", "sigmoid", ONE_HOT, {"jit_compile": True}),
    "cce": ("CategoricalCrossentropy", "softmax", ONE_HOT, {"jit_compile": False}),
    "sce": ("SparseCategoricalCrossentropy", "softmax", CLASS, {"jit_compile": True}),
}


@pytest.mark.parametrize(("name", "activation", "y", "how"), MODELS.values(), ids=MODELS.keys())
def test_training_is_keras_s(name, activation, y, how):
    records = []
    for module in (losses, keras.losses):
        keras.utils.set_random_seed(1)
        model: Any = keras.Sequential(
            [keras.Input((3,)), keras.layers.Dense(3, activation=activation, name="out")]
        )
        # Far from the solution, so that outputs saturate.
        model.layers[0].set_weights([np.full((3, 3), 5.0) - 60 * np.eye(3), np.zeros(3)])
        model.compile(keras.optimizers.SGD(0.5), getattr(module, name)(), **how)
        weight = np.linspace(0.5, 1.5, 6)
        fit = model.fit(SCORES, y, sample_weight=weight, epochs=5, batch_size=4, verbose=0)
        records.append((fit.history["loss"], *model.get_weights()))
    for found, expected in zip(*records, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("name", ["bce", "cce", "sce"])
def test_half_precision_outputs_give_a_finite_float32_loss(name, policy):
    cls, activation, y, _ = MODELS[name]
    p = keras.layers.Activation(activation, dtype=policy)(SCORES * 1000)
    e = getattr(losses, cls)()(y, p)
    assert e.dtype == tf.float32
    assert np.isfinite(e)


BAD = {
    "ignore_class": (
        lambda: losses.SparseCategoricalCrossentropy(ignore_class=0.5)(CLASS, SHARES),
        r"ignore_class=0\.5",
    ),
    "delta": (lambda: losses.Huber(delta=0), "delta=0"),
    "reduction": (lambda: losses.MeanSquaredError(reduction="average"), "reduction"),
    "shapes": (
        lambda: losses.MeanSquaredError()(np.zeros((4, 1)), np.zeros((4, 3))),
        r"\(4, 1\).*\(4, 3\)",
    ),
    "class numbers for one-hot": (
        lambda: losses.CategoricalCrossentropy()(CLASS, SHARES),
        "shapes must be equal",
    ),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_clearly(call, message):
    with pytest.raises(ValueError, match=message):
        call()
