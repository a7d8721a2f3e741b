"""Bits: gradient descent and its momentums are those of Keras, the others within 4 ulp a step."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from modes import MODES
from optimizer_cases import BY_NAME, every_update_of_keras

# A large variable and some small ones, so that every engine has its part.
SHAPES = [(260, 256), (6, 4), (4,), (3,)]

pytestmark = pytest.mark.canary


def weights(seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [keras.Variable(rng.normal(size=shape), dtype="float32") for shape in SHAPES]


def stepper(optimizer: Any, variables: list[Any], mode: str) -> Any:
    optimizer.build(variables)
    return MODES[mode](lambda grads: optimizer.apply(grads, variables))


@pytest.mark.thin("nesterov-graph")
@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("name", ["gradient_descent", "momentum", "nesterov"])
def test_a_thousand_steps_are_bit_identical(name, mode):
    case, rng = BY_NAME[name], np.random.default_rng(1)
    pairs = [(make(), weights()) for make in (case.ours, case.keras)]
    steps = [stepper(optimizer, variables, mode) for optimizer, variables in pairs]
    noise = [[tf.constant(rng.normal(size=s), tf.float32) for s in SHAPES] for _ in range(7)]
    for t in range(1000):
        grads = [g * float(np.cos(t)) for g in noise[t % 7]]
        for step in steps:
            step(grads)
    for ours, theirs in zip(pairs[0][1], pairs[1][1], strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.thin("adam", "rmsprop")
@every_update_of_keras
def test_a_step_is_within_4_ulp_of_that_of_keras(case):
    """A step of either from the same weights and the same state, at every point of a path."""
    rng, ours, theirs = np.random.default_rng(2), weights(), weights()
    pairs = [(case.ours(0.001), ours), (case.keras(0.001), theirs)]
    steps = [stepper(optimizer, variables, "graph") for optimizer, variables in pairs]
    worst = 0.0
    for _ in range(20):
        grads = [tf.constant(rng.normal(size=s), tf.float32) for s in SHAPES]
        for step in steps:
            step(grads)
        for w, exact in zip(ours, theirs, strict=True):
            # What is less than twenty steps away from 0 counts as twenty steps away.
            ulp = np.spacing(np.maximum(np.abs(exact.numpy()), 0.02).astype("float32"))
            worst = max(worst, float(np.max(np.abs(w.numpy() - exact.numpy()) / ulp)))
            w.assign(exact)
        for slot, exact in zip(pairs[0][0].variables, pairs[1][0].variables, strict=True):
            slot.assign(exact)
    assert worst <= 4.0
