"""`convention`: whose defaults and whose form; the forms' values stand in the case table."""

import re
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_course_ext.optimizers as ours
from keras_course_ext.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    GradientDescent,
    Momentum,
    NesterovMomentum,
    RMSprop,
)

CONVENTIONS = ("keras", "paper", "torch", "deck")
RATE = "learning_rate"
EPSILON = "epsilon"
START = "initial_accumulator_value"

DEFAULTS: dict[Any, dict[str, tuple[float, ...]]] = {
    GradientDescent: {RATE: (0.01, 0.01, 0.001, 0.01)},
    SGD: {RATE: (0.01, 0.01, 0.001, 0.01), "momentum": (0.0,) * 4},
    Momentum: {RATE: (0.01, 0.01, 0.001, 0.01), "momentum": (0.9,) * 4},
    NesterovMomentum: {RATE: (0.01, 0.01, 0.001, 0.01), "momentum": (0.9,) * 4},
    Adagrad: {
        RATE: (0.001, 0.001, 0.01, 0.01),
        EPSILON: (1e-7, 1e-7, 1e-10, 1e-6),
        START: (0.1, 0.0, 0.0, 0.0),
    },
    RMSprop: {
        RATE: (0.001, 0.001, 0.01, 0.001),
        EPSILON: (1e-7, 0.0, 1e-8, 1e-8),
        "rho": (0.9, 0.9, 0.99, 0.9),
    },
    Adam: {RATE: (0.001,) * 4, EPSILON: (1e-7, 1e-8, 1e-8, 1e-8), "beta_2": (0.999,) * 4},
    AdamW: {
        RATE: (0.001,) * 4,
        EPSILON: (1e-7, 1e-8, 1e-8, 1e-8),
        "weight_decay": (0.004, 0.004, 0.01, 0.004),
    },
    Adamax: {RATE: (0.001, 0.002, 0.002, 0.002), EPSILON: (1e-7, 0.0, 1e-8, 1e-7)},
    Adadelta: {
        RATE: (0.001, 1.0, 1.0, 1.0),
        EPSILON: (1e-7, 1e-6, 1e-6, 1e-7),
        "rho": (0.95, 0.95, 0.9, 0.95),
    },
}

every_class = pytest.mark.parametrize("cls", DEFAULTS)
every_convention = pytest.mark.parametrize("convention", CONVENTIONS)


@every_class
def test_a_convention_sets_the_defaults(cls):
    for i, convention in enumerate(CONVENTIONS):
        config = cls(convention=convention).get_config()
        assert config["convention"] == convention
        for name, values in DEFAULTS[cls].items():
            assert config[name] == pytest.approx(values[i], rel=1e-7), (convention, name)


@every_class
@every_convention
def test_what_is_written_is_taken_in_every_convention(cls, convention):
    """Also when it is the default of Keras's convention."""
    written = {name: values[0] for name, values in DEFAULTS[cls].items()}
    optimizer = cls(**written, convention=convention)
    config = optimizer.get_config()
    for name, value in written.items():
        assert config[name] == pytest.approx(value, rel=1e-7)
    again = cls.from_config(config)
    assert again.get_config() == config
    assert again.rule.func is optimizer.rule.func


@every_class
def test_another_convention_is_refused(cls):
    message = (
        f'`{cls.__name__}` knows the conventions "keras", "paper", "torch", "deck", but got '
        "convention='jax'."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        cls(convention="jax")


def test_decay_starts_from_the_rate_of_the_convention():
    with pytest.warns(DeprecationWarning, match=r"InverseTimeDecay\(0\.01, decay_steps=1"):
        optimizer: Any = Adagrad(decay=0.5, convention="deck")
    assert float(optimizer.learning_rate) == 0.01
    assert optimizer.learning_rate_at(2) == np.float32(0.005)


@pytest.mark.parametrize("cls", [Momentum, NesterovMomentum])
def test_the_place_of_the_rate_matters_only_when_it_changes(cls):
    def path(convention: str, rates: list[float]) -> np.ndarray:
        optimizer = cls(convention=convention)
        return ours.trajectory(optimizer, lambda w: w, [1.0, -2.0], len(rates), rates)

    same, falling = [0.1] * 20, [0.1] * 10 + [0.0] * 10
    np.testing.assert_allclose(path("torch", same), path("keras", same), rtol=1e-12)
    assert np.ptp(path("torch", falling)[10:], axis=0).max() == 0.0
    assert np.ptp(path("keras", falling)[11:], axis=0).max() > 0.01


WITHOUT_EPSILON = {
    "adagrad": Adagrad(0.1, epsilon=0.0, convention="paper"),
    "rmsprop": RMSprop(0.1, convention="paper"),
    "rmsprop_momentum": RMSprop(0.1, momentum=0.9, convention="paper"),
    "rmsprop_centered": RMSprop(0.1, centered=True, convention="paper"),
    "rmsprop_centered_momentum": RMSprop(0.1, momentum=0.9, centered=True, convention="paper"),
    "rmsprop_torch": RMSprop(0.1, momentum=0.9, centered=True, epsilon=0.0, convention="torch"),
    "adam": Adam(0.1, epsilon=0.0, convention="paper"),
    "adam_amsgrad": Adam(0.1, epsilon=0.0, amsgrad=True, convention="paper"),
    "adamw": AdamW(0.1, weight_decay=0.0, epsilon=0.0, convention="paper"),
    "adamax": Adamax(0.1, convention="paper"),
    "adamax_torch": Adamax(0.1, epsilon=0.0, convention="torch"),
}


@pytest.mark.parametrize("optimizer", WITHOUT_EPSILON.values(), ids=WITHOUT_EPSILON)
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_without_epsilon_zero_by_zero_is_zero(optimizer, dtype):
    again = type(optimizer).from_config(optimizer.get_config())
    w = keras.Variable([1.0, -2.0], dtype=dtype)
    for _ in range(3):
        again.apply([tf.constant([0.0, 1.0], dtype)], [w])
    assert w.numpy()[0] == 1.0
    assert w.numpy()[1] < -2.0

    def gradient(w: np.ndarray) -> np.ndarray:
        return np.array([0.0, 1.0])

    with np.errstate(all="raise"):
        path = ours.trajectory(again, gradient, [1.0, -2.0], 3)
    np.testing.assert_array_equal(path[:, 0], 1.0)
    assert np.all(np.diff(path[:, 1]) < 0)


@pytest.mark.parametrize(
    ("convention", "momentum"),
    [("paper", 0.0), ("paper", 0.5), ("torch", 0.0), ("torch", 0.5), ("deck", 0.0)],
)
def test_centered_rmsprop_has_no_root_of_a_negative_variance(convention, momentum):
    """Of a constant gradient v − a² is 0, and below 0 after rounding."""
    optimizer = RMSprop(
        1e-9, rho=0.5, momentum=momentum, centered=True, epsilon=1e-9, convention=convention
    )
    constant = np.linspace(900.0, 1000.0, 64).astype("float32")
    with np.errstate(all="raise"):
        path = ours.trajectory(optimizer, lambda w: constant, np.zeros(64, "float32"), 60)
    assert np.all(np.isfinite(path))
