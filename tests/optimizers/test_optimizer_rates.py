"""Learning rates that are assigned after the optimizer was made."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_course_ext.optimizers as ours

# Keras reads a variable by `np.array` for a callback that reads the rate, which NumPy 2.4 dislikes.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SCHEDULES: dict[str, Any] = {
    "schedule": lambda: keras.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.01]),
    "callable": lambda: lambda: 0.25,
    "float": lambda: 0.3,
    "float32": lambda: np.float32(0.3),
    "array": lambda: np.array(0.3),
    "tensor": lambda: tf.constant(0.3),
}
RATES = {"schedule": [1.0, 0.01, 0.01], "callable": [0.25] * 3}


# Where the first rate is a callable, Keras has no variable to assign a number to.
@pytest.mark.parametrize(
    ("name", "first"), [*((name, 0.1) for name in SCHEDULES), *((n, lambda: 0.1) for n in RATES)]
)
def test_an_assigned_rate_is_that_of_the_trajectory_and_of_the_steps(name, first):
    optimizer = ours.GradientDescent(first)
    optimizer.learning_rate = SCHEDULES[name]()
    exact = RATES.get(name, [0.3] * 3)
    np.testing.assert_allclose([optimizer.learning_rate_at(t) for t in range(3)], exact, rtol=1e-7)
    path = ours.trajectory(optimizer, np.ones_like, start=[0.0], steps=3)
    np.testing.assert_allclose(path[:, 0], -np.cumsum([0.0, *exact]), rtol=1e-7)
    w = keras.Variable([0.0])
    for x in path[1:]:
        optimizer.apply([tf.ones(1)], [w])
        np.testing.assert_allclose(w, x, rtol=1e-6)


def test_an_assigned_number_is_not_rounded_to_float32():
    optimizer = ours.GradientDescent(0.5)
    optimizer.learning_rate = 0.1
    assert optimizer.learning_rate_at(0) == 0.1
    optimizer.learning_rate.assign(0.2)
    assert optimizer.learning_rate_at(0) == np.float32(0.2)


@pytest.mark.parametrize(
    "wrap", [ours.Lookahead, lambda inner: ours.LayerWise(inner, {".*": 1.0})], ids=["la", "lw"]
)
def test_a_schedule_assigned_to_a_wrapper_is_in_its_config(wrap):
    optimizer = wrap(ours.GradientDescent(0.1))
    optimizer.learning_rate = SCHEDULES["schedule"]()
    again = type(optimizer).from_config(optimizer.get_config())
    assert [round(again.learning_rate_at(t), 6) for t in range(2)] == [1.0, 0.01]


def fit(optimizer, callbacks, epochs=3, **how):
    """Four steps an epoch, with the gradient 1. Returns the weight, and the model."""
    model: Any = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(optimizer, lambda t, y: y, **how)
    x = np.ones((8, 1), "float32")
    model.fit(x, x, batch_size=2, epochs=epochs, verbose=0, callbacks=callbacks)
    return float(np.squeeze(model.get_weights()[0])), model


def decaying(rate=0.1, decay=0.5, cls: Any = ours.GradientDescent):
    with pytest.warns(DeprecationWarning, match="decay"):
        return cls(lr=rate, decay=decay)


@pytest.mark.parametrize("how", [{}, {"run_eagerly": True}, {"jit_compile": True}])
def test_decay_goes_on_from_a_rate_that_a_callback_sets(how):
    """As in Keras 2: lr / (1 + decay t)."""
    rates = [0.1, 0.4, 0.2]
    set_rate = keras.callbacks.LearningRateScheduler(lambda epoch, lr: rates[epoch])
    w, model = fit(decaying(), [set_rate], **how)
    t = np.arange(12)
    np.testing.assert_allclose(w, -np.sum(np.repeat(rates, 4) / (1 + 0.5 * t)), rtol=1e-5)
    np.testing.assert_allclose(float(model.optimizer.learning_rate), 0.2)
    assert model.history.history["learning_rate"] == pytest.approx(rates)
    again = ours.GradientDescent.from_config(model.optimizer.get_config())
    np.testing.assert_allclose(again.learning_rate_at(4), 0.2 / 3, rtol=1e-6)
    again.learning_rate = 0.6
    np.testing.assert_allclose(again.learning_rate_at(4), 0.2, rtol=1e-6)


@pytest.mark.parametrize(
    "wrap", [lambda o: o, lambda inner: ours.LayerWise(inner, {".*": 1.0})], ids=["bare", "lw"]
)
def test_reduce_lr_on_plateau_with_decay(wrap):
    plateau: Any = keras.callbacks.ReduceLROnPlateau(
        "loss", factor=0.5, patience=0, min_delta=1e9, min_lr=0.0
    )
    w, model = fit(wrap(decaying()), [plateau])
    rates = model.history.history["learning_rate"]
    exact = np.repeat(rates, 4) / (1 + 0.5 * np.arange(12))
    assert rates[-1] < rates[0]
    np.testing.assert_allclose(w, -np.sum(exact), rtol=1e-5)
    again = type(model.optimizer).from_config(model.optimizer.get_config())
    assert float(again.learning_rate) == float(model.optimizer.learning_rate)


def test_without_the_private_hook_decay_is_the_same(monkeypatch):
    expected, _ = fit(decaying(), [])
    monkeypatch.delattr(ours.RuleOptimizer, "_backend_apply_gradients")
    np.testing.assert_allclose(fit(decaying(), [])[0], expected, rtol=1e-6)


def test_lr_is_an_alias_with_one_warning():
    optimizer = ours.Adam(0.5)
    with pytest.warns(DeprecationWarning, match=r"`optimizer\.learning_rate`") as caught:
        optimizer.lr = 0.25
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert float(optimizer.lr) == 0.25  # a second warning would be an error
    optimizer.lr.assign(0.125)
    assert float(optimizer.learning_rate) == 0.125
    with pytest.warns(DeprecationWarning, match="Keras 2's name") as caught:
        assert float(ours.Adam(0.5).lr) == 0.5
    assert caught[0].filename == __file__
