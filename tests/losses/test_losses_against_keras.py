"""Every loss class against Keras's: dtypes, reductions, weights, masks, ranks, half precision."""

from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf
from modes import MODES

from keras_course_ext import losses

RNG = np.random.default_rng(0)
# (batch, time, outputs), so that a mask has something to mask.
Z = RNG.normal(0, 2, (2, 3, 4))
P = np.exp(Z) / np.exp(Z).sum(axis=-1, keepdims=True)
SHARES = 1 / (1 + np.exp(-Z))
BITS = RNG.integers(0, 2, Z.shape).astype("float64")
CLASS = np.array([[0, 3, 1], [2, 2, 0]])
ONE_HOT = np.eye(4)[CLASS]
VALID = np.array([[True, True, False], [True, False, False]])
WEIGHT = RNG.uniform(0.5, 1.5, VALID.shape)
REDUCTIONS = ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None]


def columns(t, y):
    """The rank that Keras's own losses give (n,) beside (n, 1)."""
    return (t, y) if t.ndim == y.ndim else (keras.ops.reshape(v, (-1, 1)) for v in (t, y))


class HalfSquaredError(keras.losses.Loss):
    def call(self, y_true, y_pred):
        y_true, y_pred = columns(y_true, y_pred)
        return keras.ops.sum(keras.ops.square(y_pred - y_true), axis=-1) / 2


class PerceptronCriterion(keras.losses.Loss):
    def call(self, y_true, y_pred):
        y_true, y_pred = columns(y_true, y_pred)
        return keras.ops.sum(keras.ops.relu(y_pred) - y_true * y_pred, axis=-1)


def case(name, y_true, y_pred, theirs=None, **options):
    if theirs is None:
        cls = getattr(keras.losses, name)

        def theirs(**kwargs):
            return cls(**options, **kwargs)

    return lambda **kwargs: getattr(losses, name)(**options, **kwargs), theirs, y_true, y_pred


BCE, CCE, SCE = "BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"
CASES = {
    "mse": case("MeanSquaredError", BITS, Z),
    "half": case("HalfSquaredError", BITS, Z, HalfSquaredError),
    "huber": case("Huber", BITS, Z),
    "huber, delta": case("Huber", BITS, Z, delta=0.3),
    "perceptron": case("PerceptronCriterion", BITS, Z, PerceptronCriterion),
    "bce": case(BCE, BITS, SHARES, label_smoothing=0.1),
    "bce, logits": case(BCE, BITS, Z, from_logits=True, label_smoothing=0.1),
    "cce": case(CCE, ONE_HOT, P, label_smoothing=0.2),
    "cce, logits": case(CCE, ONE_HOT, Z, from_logits=True, label_smoothing=0.2),
    "sce": case(SCE, CLASS, P),
    "sce, logits": case(SCE, CLASS, Z, from_logits=True),
    "sce, ignored": case(SCE, CLASS, P, ignore_class=2),
    "sce, logits, ignored": case(
        SCE, np.where(CLASS == 2, 255, CLASS), Z, from_logits=True, ignore_class=255
    ),
}
# z is its own where no step is before it.
CASES["perceptron"] = (
    lambda **kwargs: losses.PerceptronCriterion(from_logits=True, **kwargs),
    *CASES["perceptron"][1:],
)
by_case = pytest.mark.parametrize(
    ("ours", "theirs", "y_true", "y_pred"), CASES.values(), ids=CASES.keys()
)
RTOL = {"float32": 2e-6, "float64": 1e-13}


def masked(y, dtype):
    """`y` with the mask `VALID`, by Keras's own layer."""
    marked = np.where(VALID[..., None], y, -77.0)
    return keras.layers.Masking(-77.0, dtype=dtype)(marked.astype(dtype))


def value_and_gradient(loss, t, y, weight):
    with tf.GradientTape() as tape:
        tape.watch(y)
        e = loss(t, y, weight)
    return e, tape.gradient(e, y)


@pytest.mark.parametrize("dtype", RTOL)
@by_case
def test_value_and_gradient_are_keras_s_under_all_settings(ours, theirs, y_true, y_pred, dtype):
    # Each in the dtype in which a deviation shows best, and the usual one in float32 too.
    reductions = REDUCTIONS if dtype == "float64" else REDUCTIONS[:1]
    predictions = {"no mask": tf.constant(y_pred, dtype), "mask": masked(y_pred, dtype)}
    for reduction, weight, mask in product(reductions, (None, WEIGHT), predictions):
        found, expected = (
            value_and_gradient(
                cls(reduction=reduction, dtype=dtype), y_true, predictions[mask], weight
            )
            for cls in (ours, theirs)
        )
        setting = f"{reduction=}, weighted={weight is not None}, {mask}"
        assert found[0].dtype == dtype, setting
        for f, e in zip(found, expected, strict=True):
            assert f.shape == e.shape, setting
            np.testing.assert_allclose(f, e, RTOL[dtype], RTOL[dtype] / 10, err_msg=setting)


@pytest.mark.parametrize("name", ["half", "huber", "perceptron", "sce, ignored"])
def test_value_and_gradient_are_the_same_under_xla(name):
    ours, theirs, y_true, y_pred = CASES[name]
    t, y, weight = tf.constant(y_true), tf.constant(y_pred, "float32"), tf.constant(WEIGHT)
    for f, e in zip(
        MODES["jit"](lambda t, y, w: value_and_gradient(ours(), t, y, w))(t, y, weight),
        value_and_gradient(theirs(), t, y, weight),
        strict=True,
    ):
        np.testing.assert_allclose(f, e, rtol=5e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@by_case
def test_half_precision_predictions_give_keras_s_float32_loss(ours, theirs, y_true, y_pred, dtype):
    y = tf.cast(y_pred, dtype)
    found, expected = (value_and_gradient(cls(), y_true, y, None) for cls in (ours, theirs))
    assert found[0].dtype == "float32"
    assert found[1].dtype == dtype
    for f, e in zip(found, expected, strict=True):
        rtol = 2e-6 if f.dtype == "float32" else 0.02
        np.testing.assert_allclose(tf.cast(f, "float32"), tf.cast(e, "float32"), rtol, rtol / 10)


@by_case
def test_targets_of_another_rank_meet_the_predictions_as_in_keras(ours, theirs, y_true, y_pred):
    if y_true.ndim < y_pred.ndim:  # class numbers
        pairs = [
            (y_true[..., None], y_pred),
            (y_true[0], y_pred[0]),
            (y_true[:1, :1], y_pred[0, :1]),
        ]
    else:
        t, y = y_true[0, :, 0], y_pred[0, :, 0]
        pairs = [(t, y[:, None]), (t[:, None], y), (t, y), (y_true[0], y_pred[0])]
        if ours().name.startswith("categorical"):
            pairs = pairs[2:]  # one class of which nothing can be chosen
    for t, y in pairs:
        np.testing.assert_allclose(ours()(t, y), theirs()(t, y), rtol=2e-6, err_msg=f"{t.shape}")


@pytest.mark.parametrize("everything", [False, True])
def test_ignored_samples_leave_the_mean_to_the_others(everything):
    t = np.array([-1, -1, -1] if everything else [-1, 1, 0])
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    e, dz = value_and_gradient(loss, t, tf.constant(Z[0], "float32"), None)
    kept = t >= 0
    if everything:
        assert e == 0
    else:
        others = losses.SparseCategoricalCrossentropy(from_logits=True)(t[kept], Z[0][kept])
        np.testing.assert_allclose(e, others, rtol=1e-6)
    np.testing.assert_array_equal(dz.numpy()[~kept], 0)
    assert np.all(dz.numpy()[kept] != 0)


def test_ignore_class_in_fit_is_keras_s():
    x, t = RNG.normal(size=(8, 3)).astype("float32"), np.array([0, 1, 255, 1, 0, 255, 255, 1])
    records = []
    for module in (losses, keras.losses):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "softmax")])
        model.compile(
            keras.optimizers.SGD(0.5), module.SparseCategoricalCrossentropy(ignore_class=255)
        )
        history = model.fit(x, t, epochs=4, batch_size=4, shuffle=False, verbose=0).history
        records.append([*history["loss"], *model.get_weights()])
    for found, expected in zip(*records, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
