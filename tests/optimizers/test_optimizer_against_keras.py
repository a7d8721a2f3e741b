"""Ours beside Keras's own, through `fit` and with the arguments common to all optimizers."""

import functools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from optimizer_cases import (
    BY_NAME,
    UPDATES_OF_KERAS,
    Case,
    every_optimizer,
    every_optimizer_of_keras,
    every_update_of_keras,
)
from problems import regression_data, regression_model

from keras_course_ext.optimizers import Adam, Ftrl

STEPS = 100


def fit(model: Any) -> np.ndarray:
    x, y = regression_data(4 * STEPS)
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    return flat(model.trainable_variables)


def flat(variables) -> np.ndarray:
    return np.concatenate([np.ravel(v) for v in variables])


def relative_error(ours: np.ndarray, theirs: np.ndarray) -> float:
    assert np.all(np.isfinite(theirs))
    return float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)))


@pytest.mark.parametrize("name", ["sgd_nesterov", "adam"])
def test_compiled_into_a_model_it_is_bit_identical(name):
    trained = []
    for optimizer in (BY_NAME[name].ours(), BY_NAME[name].keras()):
        model = regression_model()
        model.compile(optimizer, "mse", jit_compile=False)
        trained.append(fit(model))
    np.testing.assert_array_equal(*trained)


class SideBySide(keras.Model):
    """A linear model for every optimizer, all alike and trained in one step.

    `fit` compiles one graph instead of one for each.
    """

    def __init__(self, optimizers):
        super().__init__()
        self.heads = [keras.layers.Dense(3, use_bias=False) for _ in optimizers]
        for head in self.heads:
            head.kernel_initializer = keras.initializers.GlorotUniform(seed=0)
        self.optimizers = optimizers

    def build(self, input_shape):
        for head, optimizer in zip(self.heads, self.optimizers, strict=True):
            head.build(input_shape)
            optimizer.build(head.trainable_variables)

    def call(self, x):
        return [head(x) for head in self.heads]

    def train_step(self, data):
        x, y = data
        losses = []
        for head, optimizer in zip(self.heads, self.optimizers, strict=True):
            with tf.GradientTape() as tape:
                losses.append(tf.reduce_mean(tf.square(head(x) - y)))
            w = head.trainable_variables
            optimizer.apply(tape.gradient(losses[-1], w), w)
        return {"loss": losses[-1]}


@functools.cache
def side_by_side(mode: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The trained weights of ours and of Keras's, by case."""
    model: Any = SideBySide(
        [make() for case in UPDATES_OF_KERAS for make in (case.ours, case.keras)]
    )
    model.build((None, 4))
    model.compile(run_eagerly=mode == "eager", jit_compile=mode == "jit")
    fit(model)
    trained = [flat(head.trainable_variables) for head in model.heads]
    return {
        case.name: pair
        for case, pair in zip(
            UPDATES_OF_KERAS, zip(trained[::2], trained[1::2], strict=True), strict=True
        )
    }


def assert_as_close(case: Case, ours: np.ndarray, theirs: np.ndarray) -> None:
    if case.rounds_as_keras:
        np.testing.assert_array_equal(ours, theirs)
    else:
        assert relative_error(ours, theirs) < 1e-6


@pytest.mark.slow
@every_update_of_keras
def test_fit_is_bit_identical_in_eager_mode(case):
    assert_as_close(case, *side_by_side("eager")[case.name])


@pytest.mark.parametrize("name", ["gradient_descent", "momentum", "nesterov"])
def test_fit_of_gradient_descent_is_bit_identical_in_graph_mode(name):
    np.testing.assert_array_equal(*side_by_side("graph")[name])


@pytest.mark.thin("graph-*")
@every_update_of_keras
@pytest.mark.parametrize("mode", ["graph", "jit"])
def test_fit_equals_that_of_keras(case, mode):
    assert relative_error(*side_by_side(mode)[case.name]) < 1e-6


def falling_rate() -> Any:
    return keras.optimizers.schedules.ExponentialDecay(0.05, 3, 0.5)


COMMON = {
    "weight_decay": {"weight_decay": 0.1},
    "clipnorm": {"clipnorm": 0.7},
    "clipvalue": {"clipvalue": 0.3},
    "global_clipnorm": {"global_clipnorm": 0.9},
    "ema": {"use_ema": True, "ema_momentum": 0.8},
    "ema_overwrite": {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 4},
    "loss_scale_factor": {"loss_scale_factor": 8.0},
    "accumulation": {"gradient_accumulation_steps": 3},
    "schedule": {"learning_rate": falling_rate()},
    "callable": {"learning_rate": lambda: 0.03},
}


def apply_some(optimizer, steps: int = 5) -> np.ndarray:
    rng = np.random.default_rng(3)
    variables = [
        keras.Variable(rng.normal(size=shape), dtype="float32") for shape in ((3, 2), (2,))
    ]
    for _ in range(steps):
        optimizer.apply(
            [tf.constant(rng.normal(size=v.shape), "float32") for v in variables], variables
        )
    optimizer.finalize_variable_values(variables)
    return flat([*variables, *optimizer.variables])


@pytest.mark.parametrize("common", COMMON.values(), ids=COMMON)
def test_a_common_argument_does_what_it_does_in_keras(common):
    """Weights and state after five steps, bit by bit."""
    ours = apply_some(Adam(**({"learning_rate": 0.01} | common)))
    theirs = apply_some(keras.optimizers.Adam(**({"learning_rate": 0.01} | common)))
    np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(ours, apply_some(Adam(0.01)))


TOGETHER = {
    "weight_decay": 0.01,
    "global_clipnorm": 0.5,
    "use_ema": True,
    "ema_overwrite_frequency": 2,
}


@every_optimizer_of_keras
def test_common_arguments_together(case):
    common = TOGETHER if case.decays_as_keras else TOGETHER | {"weight_decay": None}
    ours = apply_some(case.ours(falling_rate(), **common))
    assert_as_close(case, ours, apply_some(case.keras(falling_rate(), **common)))


@pytest.mark.thin("False")
@pytest.mark.parametrize("jit_compile", [False, True])
def test_common_arguments_together_under_fit(jit_compile):
    trained = []
    for cls in (Adam, keras.optimizers.Adam):
        model = regression_model()
        model.compile(cls(falling_rate(), **TOGETHER), "mse", jit_compile=jit_compile)
        trained.append(fit(model))
    assert relative_error(*trained) < 1e-6


@every_optimizer
def test_weights_without_a_gradient_stay(case):
    optimizer = case.ours()
    used, unused = keras.Variable([1.0, 2.0]), keras.Variable([3.0])
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([tf.ones(2), None], [used, unused])
    assert unused.numpy() == 3.0
    assert np.all(used.numpy() < [1.0, 2.0])


@every_optimizer
def test_constraints_hold(case):
    w = keras.Variable([1e-6, 1.0])
    w.constraint = keras.constraints.NonNeg()
    case.ours().apply([tf.constant([5.0, 0.0])], [w])
    assert w.numpy()[0] == 0.0
    if case.cls is not Ftrl:  # whose weights are 0 before their first gradient
        assert 0.99 < w.numpy()[1] <= 1.0  # without a gradient only weight decay moves it


def test_learning_rate_can_be_set():
    optimizer = Adam(0.1)
    w = keras.Variable([1.0])
    optimizer.apply([tf.ones(1)], [w])
    optimizer.learning_rate = 0.0
    before = w.numpy()
    optimizer.apply([tf.ones(1)], [w])
    np.testing.assert_array_equal(w, before)
