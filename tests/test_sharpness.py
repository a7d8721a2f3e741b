"""SAM beside two explicit tapes, in all modes, with accumulation, and through a file."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from problems import regression_data

import keras_course_ext as kce

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X, Y = regression_data(48)
RHO = 0.3
COMPILE: dict[str, dict[str, Any]] = {
    "eager": {"run_eagerly": True},
    "graph": {"jit_compile": False},
    "jit": {"jit_compile": True},
}


def network() -> Any:
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(5, activation="tanh", kernel_regularizer="l2"),
            keras.layers.BatchNormalization(momentum=0.5),
            keras.layers.Dense(3),
        ]
    )


def by_two_tapes(model: Any, optimizer: Any, rho: float, splits: int = 1) -> float:
    """Trains one epoch of batches of 8; returns the loss of the last batch at w."""
    w, loss = model.trainable_variables, tf.constant(0.0)
    means: list[Any] = []
    for i in range(0, len(X), 8):
        x, y = X[i : i + 8], Y[i : i + 8]

        def gradient(x: Any = x, y: Any = y) -> tuple[Any, list[Any]]:
            with tf.GradientTape() as tape:
                error = tf.reduce_mean(tf.square(model(x, training=True) - y))
                error += sum(model.losses)
            return error, tape.gradient(error, w)

        loss, g = gradient()
        moving = [v.numpy() for v in model.non_trainable_variables]
        norm = np.sqrt(sum(float(tf.reduce_sum(tf.square(p))) for p in g))
        before = [v.numpy() for v in w]
        for v, p in zip(w, g, strict=True):
            v.assign(v + rho / norm * p)
        _, g = gradient()
        for v, value in zip(w, before, strict=True):
            v.assign(value)
        for v, value in zip(model.non_trainable_variables, moving, strict=True):
            v.assign(value)
        means.append(g)
        if len(means) == splits:
            optimizer.apply([sum(p) / splits for p in zip(*means, strict=True)], w)
            means = []
    return float(loss)


@pytest.mark.thin("graph-2", "jit-1")
@pytest.mark.parametrize("splits", [1, 2])
@pytest.mark.parametrize("mode", COMPILE)
def test_sam_is_two_explicit_tapes(mode, splits):
    expected, model = network(), network()
    by_two_tapes(expected, kce.optimizers.Momentum(0.05), RHO, splits)
    sam = kce.SAM(model, rho=RHO)
    steps = None if splits == 1 else splits
    optimizer = kce.optimizers.Momentum(0.05, gradient_accumulation_steps=steps)
    sam.compile(optimizer, "mse", **COMPILE[mode])
    sam.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    for value, exact in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(value, exact, rtol=1e-4, atol=1e-5)
    plain = network()
    by_two_tapes(plain, kce.optimizers.Momentum(0.05), 1e-6, splits)
    pairs = zip(plain.get_weights(), expected.get_weights(), strict=True)
    assert max(np.abs(a - b).max() for a, b in pairs) > 1e-3


def test_the_loss_and_the_metrics_are_those_of_the_weights():
    sam = kce.SAM(network(), rho=RHO)
    sam.compile(kce.optimizers.SGD(0.05), "mse", metrics=["mae"], run_eagerly=True)
    logs = sam.train_on_batch(X[:8], Y[:8], return_dict=True)
    model = network()
    out = model(X[:8], training=True)
    error = tf.reduce_mean(tf.square(out - Y[:8])) + sum(model.losses)
    np.testing.assert_allclose(logs["loss"], error, rtol=1e-5)
    np.testing.assert_allclose(logs["mae"], np.abs(out - Y[:8]).mean(), rtol=1e-5)
    assert set(sam.evaluate(X, Y, verbose=0, return_dict=True)) == {"loss", "mae"}
    assert sam.predict(X, verbose=0).shape == (48, 3)


def test_sam_is_saved_and_goes_on(tmp_path):
    sam = kce.SAM(network(), rho=RHO)
    sam.compile(kce.optimizers.Adam(0.01), "mse", run_eagerly=True)
    sam.fit(X[:16], Y[:16], batch_size=8, verbose=0)
    sam.save(tmp_path / "sam.keras")
    again: Any = keras.models.load_model(tmp_path / "sam.keras")
    assert (type(again), again.rho) == (kce.SAM, RHO)
    for model in (sam, again):
        model.train_on_batch(X[:8], Y[:8])
    for value, exact in zip(again.get_weights(), sam.get_weights(), strict=True):
        np.testing.assert_allclose(value, exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rho", [0.0, -1.0, "0.1", None, True, float("nan"), float("inf")])
def test_another_radius_is_refused(rho):
    with pytest.raises(ValueError, match="`rho` must be a number above 0"):
        kce.SAM(network(), rho=rho)


def test_only_a_model_is_wrapped():
    with pytest.raises(ValueError, match="wraps a Keras model"):
        kce.SAM("model")  # pyright: ignore[reportArgumentType]


def test_a_zero_gradient_and_an_overflow_leave_the_weights():
    model = network()
    sam = kce.SAM(model, rho=RHO)
    scaler = keras.optimizers.LossScaleOptimizer(kce.optimizers.SGD(0.1), initial_scale=2.0)
    sam.compile(scaler, lambda y, out: 0.0 * out, run_eagerly=True)
    model.layers[0].kernel.regularizer = None
    before = [w.numpy() for w in model.trainable_variables]
    sam.train_on_batch(X[:8], Y[:8])
    sam.train_on_batch(np.full((8, 4), np.inf, "float32"), Y[:8])
    for w, value in zip(model.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(w, value)
