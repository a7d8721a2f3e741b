"""Adafactor and SOAP on matrices, and Prodigy on several variables, against their oracles."""

from typing import Any

import keras
import numpy as np
import oracles_newer
import pytest
import tensorflow as tf
from modes import MODES

import keras_course_ext.optimizers as ours
from keras_course_ext.optimizers import trajectory

STEPS = 25
RATES = 0.02 * (1 + 0.5 * np.sin(np.arange(STEPS) / 7))
NORMAL = np.random.default_rng(0)
GRADIENTS = NORMAL.normal(size=(STEPS, 4, 3)) * [1.0, 3.0, 0.1] + 0.2
START = NORMAL.normal(size=(4, 3))

CASES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "adafactor": (lambda: ours.Adafactor(), oracles_newer.adafactor, {}),
    "adafactor_paper": (
        lambda: ours.Adafactor(convention="paper", clip_threshold=0.5),
        oracles_newer.adafactor,
        {"clip_threshold": 0.5},
    ),
    "soap": (lambda: ours.SOAP(), oracles_newer.soap, {}),
    "soap_often": (
        lambda: ours.SOAP(precondition_frequency=2, beta_1=0.5, beta_2=0.8),
        oracles_newer.soap,
        {"frequency": 2, "beta_1": 0.5, "beta_2": 0.8},
    ),
    "soap_right": (
        lambda: ours.SOAP(max_precond_dim=3, precondition_frequency=3),
        oracles_newer.soap,
        {"left": False, "frequency": 3},
    ),
}
every_case = pytest.mark.parametrize("name", CASES)


def worst(path: np.ndarray, exact: np.ndarray) -> float:
    return float(np.max(np.abs(path - exact)) / np.max(np.abs(exact)))


@every_case
def test_rule_on_numpy_is_the_oracle(name):
    make, oracle, arguments = CASES[name]
    given = iter(GRADIENTS)
    path = trajectory(make(), lambda w: next(given), START, STEPS, RATES)
    # A renewed basis multiplies the rounding error of the one before.
    assert worst(path[1:], oracle(GRADIENTS, START, RATES, **arguments)) < 1e-11


def stepped(optimizer: Any, weights: list[Any], grads: list[np.ndarray], mode: str) -> None:
    """Applies the gradients of all steps at the rates of `RATES`."""
    optimizer.build(weights)

    def step(lr: Any, *gradients: Any) -> None:
        optimizer.learning_rate.assign(lr)
        optimizer.apply(list(gradients), weights)

    step = MODES[mode](step)
    for lr, *gradients in zip(RATES, *grads, strict=True):
        step(tf.constant(lr, "float32"), *(tf.constant(g, "float32") for g in gradients))


@pytest.mark.thin("jit-soap_often", "graph-adafactor_paper")
@every_case
@pytest.mark.parametrize("mode", MODES)
def test_float32_matrices_follow_the_oracle(name, mode):
    make, oracle, arguments = CASES[name]
    optimizer, w = make(), keras.Variable(START, dtype="float32")
    stepped(optimizer, [w], [GRADIENTS], mode)
    assert worst(w.numpy(), oracle(GRADIENTS, START, RATES, **arguments)[-1]) < 2e-5


def test_a_kernel_of_a_convolution_is_a_matrix():
    w = keras.Variable(START.reshape(2, 2, 3), dtype="float32")
    stepped(ours.SOAP(), [w], [GRADIENTS.reshape(STEPS, 2, 2, 3)], "graph")
    exact = oracles_newer.soap(GRADIENTS, START, RATES)[-1]
    assert worst(w.numpy().reshape(4, 3), exact) < 2e-5


def test_the_paper_s_adafactor_keeps_a_row_and_a_column():
    shapes = {}
    for convention in ("keras", "paper"):
        optimizer = ours.Adafactor(convention=convention)
        optimizer.build([keras.Variable(START), keras.Variable(START[0])])
        shapes[convention] = [tuple(v.shape) for v in optimizer.variables[2:]]
    assert shapes["keras"] == [(4,), (3,), (4, 3), (), (), (3,)]
    assert shapes["paper"] == [(4,), (3,), (3,)]


class Several:
    """Gradients of three variables, and their weights, as one vector for the oracle."""

    shapes = ((2, 3), (4,), (1, 2))
    together = np.random.default_rng(3).normal(size=(STEPS, 12)) * np.logspace(-1, 1, 12) - 0.3
    start = np.random.default_rng(4).normal(size=12)

    @classmethod
    def pieces(cls, flat: np.ndarray) -> list[np.ndarray]:
        cuts = np.cumsum([int(np.prod(s)) for s in cls.shapes])[:-1]
        parts = np.split(flat, cuts, axis=-1)
        return [p.reshape(*flat.shape[:-1], *s) for p, s in zip(parts, cls.shapes, strict=True)]


PRODIGY: dict[str, Any] = {"d0": 0.01, "use_bias_correction": True, "weight_decay": 0.1}


def assert_is_the_oracle(weights: list[Any], gradients: np.ndarray, **arguments: float) -> None:
    exact = oracles_newer.prodigy(gradients, Several.start, 50 * RATES, **arguments)[-1]
    flat = np.concatenate([np.ravel(w) for w in weights])
    assert worst(flat, exact) < 2e-5


@pytest.mark.thin("graph-1", "jit-None")
@pytest.mark.parametrize("clipnorm", [None, 1])
@pytest.mark.parametrize("mode", MODES)
def test_prodigy_estimates_one_distance_for_all_variables(mode, clipnorm, monkeypatch):
    monkeypatch.setitem(globals(), "RATES", 50 * RATES)
    optimizer = ours.Prodigy(**PRODIGY, global_clipnorm=clipnorm)
    weights = [keras.Variable(w, dtype="float32") for w in Several.pieces(Several.start)]
    stepped(optimizer, weights, Several.pieces(Several.together), mode)
    monkeypatch.undo()
    gradients = Several.together
    if clipnorm:
        gradients = gradients / np.maximum(np.linalg.norm(gradients, axis=1, keepdims=True), 1)
    assert_is_the_oracle(weights, gradients, **PRODIGY)
    assert optimizer.distance > 0.05


def test_prodigy_with_accumulated_batches_and_other_rates():
    weights = [keras.Variable(w, dtype="float32") for w in Several.pieces(Several.start)]
    prodigy = ours.Prodigy(d0=0.01, gradient_accumulation_steps=2)
    optimizer = ours.LayerWise(prodigy, {".*": 1.0})
    optimizer.build(weights)
    step = tf.function(lambda grads: optimizer.apply(grads, weights))
    for g in Several.together:
        for factor in (0.5, 1.5):
            step([tf.constant(factor * p, "float32") for p in Several.pieces(g)])
    exact = oracles_newer.prodigy(Several.together, Several.start, np.ones(STEPS), d0=0.01)[-1]
    assert worst(np.concatenate([np.ravel(w) for w in weights]), exact) < 2e-5


def test_what_prodigy_cannot_do_is_refused():
    with pytest.raises(ValueError, match="sums over all rows"):
        ours.Prodigy(lazy=True)
    with pytest.raises(TypeError, match="sums over all weights"):
        ours.Lookahead(ours.Prodigy())
    optimizer, w = ours.Prodigy(), keras.Variable([1.0])
    optimizer.build([w])
    with pytest.raises(ValueError, match="Call `apply`, not `update_step`"):
        optimizer.update_step(tf.ones(1), w, 1.0)


def test_the_paper_s_ftrl_has_one_power():
    with pytest.raises(ValueError, match=r"learning_rate_power=-0\.4"):
        ours.Ftrl(learning_rate_power=-0.4, convention="paper")
    with pytest.raises(ValueError, match="divides by the learning rate"):
        ours.Ftrl(0.0)


def test_ftrl_without_penalties_from_0_is_adagrad():
    """McMahan, AISTATS 2011: the proximal terms are those of Adagrad's steps."""

    def gradient(w: np.ndarray) -> np.ndarray:
        return w - [1.0, -2.0, 0.5]

    ftrl = ours.Ftrl(0.3, initial_accumulator_value=0.0)
    adagrad = ours.Adagrad(0.3, epsilon=0.0, convention="paper")
    path = trajectory(ftrl, gradient, np.zeros(3), 50)
    np.testing.assert_allclose(path, trajectory(adagrad, gradient, np.zeros(3), 50), rtol=1e-10)
    assert np.abs(path[-1] - [1.0, -2.0, 0.5]).max() < 0.3


def test_relative_steps_of_adafactor_can_be_left_out():
    """Keras's argument has no effect."""
    moved = {}
    for relative in (True, False):
        for cls in (ours.Adafactor, keras.optimizers.Adafactor):
            w = keras.Variable([1.0, 1.0])
            optimizer = cls(2.0, relative_step=relative)
            for _ in range(4):
                w.assign([1.0, 1.0])
                optimizer.apply([tf.ones(2)], [w])
            moved[cls is ours.Adafactor, relative] = 1 - float(w[0])
    np.testing.assert_allclose(list(moved.values()), [0.5, 0.5, 2.0, 0.5], rtol=1e-6)


def test_the_first_step_of_soap_moves_no_matrix():
    w = keras.Variable(START, dtype="float32")
    optimizer = ours.SOAP()
    optimizer.apply([tf.constant(GRADIENTS[0], "float32")], [w])
    np.testing.assert_array_equal(w, START.astype("float32"))
    basis = optimizer._left_basis[0].numpy()
    np.testing.assert_allclose(basis.T @ basis, np.eye(4), atol=1e-6)
