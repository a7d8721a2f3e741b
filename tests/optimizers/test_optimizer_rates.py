"""Learning rates that are assigned after the optimizer was made."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_course_ext.optimizers as ours

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
