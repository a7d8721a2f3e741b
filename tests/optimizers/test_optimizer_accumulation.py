"""Accumulation: k batches of b are one batch of k b, with everything else that a step does."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from modes import MODES
from optimizer_cases import every_state
from problems import regression_data, regression_model

import keras_course_ext.optimizers as ours

K, B = 4, 4
COMMON = {
    "plain": {},
    "ema": {"use_ema": True, "ema_momentum": 0.8},
    "ema_overwrite": {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 2},
    "clipnorm": {"clipnorm": 0.2},
    "global_clipnorm": {"global_clipnorm": 0.2},
    "clipvalue": {"clipvalue": 0.05},
    "weight_decay": {"weight_decay": 0.1},
}


def fitted(optimizer: Any, batch_size: int, **compiled: Any) -> list[np.ndarray]:
    model = regression_model()
    model.compile(optimizer, "mse", **compiled)
    x, y = regression_data(5 * K * B)
    model.fit(x, y, batch_size=batch_size, shuffle=False, verbose=0)
    return model.get_weights()


@pytest.mark.thin("adam", "nesterov")
@every_state
def test_k_batches_are_one_large_batch(case):
    many = fitted(case.ours(gradient_accumulation_steps=K), B, run_eagerly=True)
    one = fitted(case.ours(), K * B, run_eagerly=True)
    for w, exact in zip(many, one, strict=True):
        np.testing.assert_allclose(w, exact, rtol=1e-5, atol=1e-6)


@pytest.mark.thin("graph-plain", "jit-weight_decay")
@pytest.mark.parametrize("common", COMMON.values(), ids=COMMON)
@pytest.mark.parametrize("mode", ["graph", "jit"])
def test_k_batches_are_one_large_batch_with_the_common_arguments(mode, common):
    jit = {"jit_compile": mode == "jit"}
    many = fitted(ours.Adam(0.01, gradient_accumulation_steps=K, **common), B, **jit)
    one = fitted(ours.Adam(0.01, **common), K * B, **jit)
    for w, exact in zip(many, one, strict=True):
        np.testing.assert_allclose(w, exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_a_fit_that_ends_before_the_first_update_keeps_the_weights(mode):
    model = regression_model()
    before = model.get_weights()
    optimizer = ours.Adam(0.1, use_ema=True, gradient_accumulation_steps=3)
    model.compile(optimizer, "mse", run_eagerly=mode == "eager", jit_compile=mode == "jit")
    model.fit(*regression_data(8), batch_size=4, verbose=0)
    for w, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, old)
    assert int(optimizer.iterations) == 0


def test_the_step_number_and_the_schedule_count_updates_not_batches():
    optimizer = ours.Adam(0.1, gradient_accumulation_steps=2)
    w = tf.Variable([1.0])
    for _ in range(4):
        optimizer.apply([tf.constant([2.0])], [w])
    np.testing.assert_allclose(w, [0.8], rtol=1e-5)  # two first-order steps of 0.1


def test_a_schedule_counts_updates():
    schedule = keras.optimizers.schedules.InverseTimeDecay(0.05, 1, 1.0)
    many = fitted(ours.SGD(schedule, gradient_accumulation_steps=K), B, run_eagerly=True)
    one = fitted(ours.SGD(schedule), K * B, run_eagerly=True)
    for w, exact in zip(many, one, strict=True):
        np.testing.assert_allclose(w, exact, rtol=1e-5, atol=1e-6)


def rates_of(optimizer: Any, batches: int) -> tuple[list[float], list[float]]:
    """How far the weights move at each batch, and the rate that the optimizer names before it."""
    w, moved, named = tf.Variable([0.0]), [], []
    for _ in range(batches):
        before = float(w[0])
        named.append(float(optimizer.learning_rate))
        optimizer.apply([tf.constant([-1.0])], [w])
        moved.append(round(float(w[0]) - before, 6))
    return moved, named


def test_a_schedule_counts_batches_in_the_convention_of_keras():
    schedule = keras.optimizers.schedules.InverseTimeDecay(1.0, 1, 1.0)
    arguments = {"learning_rate": schedule, "gradient_accumulation_steps": 2}
    moved, named = rates_of(ours.SGD(**arguments), 4)
    assert moved == [0.0, 1.0, 0.0, 0.5]
    assert named == [1.0, 1.0, 0.5, 0.5]
    as_keras = ours.SGD(**arguments, convention="keras")
    wrapped = ours.Lookahead(ours.SGD(**arguments, convention="keras"), slow_step_size=1.0)
    again = ours.SGD.from_config(as_keras.get_config())
    expected = rates_of(keras.optimizers.SGD(**arguments), 4)
    assert expected[0] == [0.0, 0.5, 0.0, 0.25]
    for optimizer in (as_keras, wrapped, again):
        assert rates_of(optimizer, 4) == expected
        assert [optimizer.learning_rate_at(t) for t in range(2)] == [0.5, 0.25]


def test_the_default_convention_survives_a_config():
    config = ours.SGD(gradient_accumulation_steps=2).get_config()
    assert config["convention"] is None
    assert not ours.SGD.from_config(config).counts_batches
