"""Muon on matrices and kernels; what is no matrix is in the table of the optimizers."""

import re
from typing import Any

import keras
import numpy as np
import oracles_beyond
import pytest
import tensorflow as tf
from optimizer_cases import KERAS_MUON
from problems import regression_data, regression_model, varying_rates

from keras_course_ext.optimizers import Muon, trajectory
from keras_course_ext.optimizers.rules.muon import muon_adamw_rule, muon_rule, newton_schulz

STEPS = 50
SHAPES = [(6, 4), (4, 6), (5, 5), (7, 1)]
NO_DECAY: dict[str, Any] = {"weight_decay": None, "adam_weight_decay": None}

shapes = pytest.mark.parametrize("shape", SHAPES, ids=[f"{n}x{k}" for n, k in SHAPES])


def matrices(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@shapes
@pytest.mark.parametrize("steps", [1, 5, 8])
def test_the_iteration_acts_on_the_singular_values_alone(shape, steps):
    x = matrices(*shape)
    exact = oracles_beyond.newton_schulz(x, steps)
    np.testing.assert_allclose(newton_schulz(x, steps=steps), exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(64, 16), (16, 64), (32, 32)])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_singular_values_come_near_1(shape, size):
    x = size * matrices(*shape)
    s = np.linalg.svd(x, compute_uv=False)
    visible = np.sum(s > 0.01 * np.linalg.norm(x))
    assert visible > 12
    after = np.linalg.svd(newton_schulz(x, steps=5), compute_uv=False)[:visible]
    assert np.all((after > 0.68) & (after < 1.14))


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"nesterov": False, "momentum": 0.8},
        {"rms_rate": None},
        {"weight_decay": 0.1},
    ],
    ids=str,
)
@shapes
def test_matrices_follow_the_oracle(shape, arguments):
    arguments = {"weight_decay": None} | arguments
    gradients, start, rates = (
        matrices(STEPS, *shape),
        matrices(*shape, seed=1),
        varying_rates(STEPS),
    )
    given = iter(gradients)
    path = trajectory(Muon(**arguments), lambda w: next(given), start, STEPS, rates)
    decay = arguments.pop("weight_decay") or 0.0
    exact = oracles_beyond.muon(gradients, start, rates, weight_decay=decay, **arguments)
    np.testing.assert_allclose(path[1:], exact, rtol=0, atol=1e-12)


def test_conventions_choose_the_length():
    g = matrices(4, 9)
    full = newton_schulz(1.95 * g, steps=5)
    for arguments, length in (
        ({}, 0.2 * 3),
        ({"convention": "paper"}, 1.5),
        ({"convention": "torch"}, 1.5),
        ({"rms_rate": None}, 1.0),
        ({"convention": "torch", "rms_rate": 0.1}, 0.3),
    ):
        rule = Muon(**(arguments | NO_DECAY)).rule
        w, m = rule(g, np.zeros_like(g), np.zeros_like(g), lr=1.0)
        np.testing.assert_allclose(w, -length * full, rtol=0, atol=1e-12)
        np.testing.assert_allclose(m, g)
    tall = matrices(9, 4)
    w, _ = Muon(convention="torch").rule(tall, np.zeros_like(tall), np.zeros_like(tall), lr=1.0)
    np.testing.assert_allclose(w, -newton_schulz(1.95 * tall, steps=5), rtol=0, atol=1e-12)


def test_a_convolution_is_its_matrix_of_fan_in_by_fan_out():
    shape, matrix = (3, 2, 4, 5), (24, 5)
    kernels = [
        keras.Variable(matrices(*shape).reshape(s), dtype="float32") for s in (shape, matrix)
    ]
    optimizer = Muon(0.1)
    for seed in range(5):
        g = matrices(*shape, seed=seed + 1).astype("float32")
        optimizer.apply([tf.constant(g.reshape(v.shape)) for v in kernels], kernels)
    np.testing.assert_array_equal(kernels[0].numpy().reshape(matrix), kernels[1].numpy())
    assert optimizer.adam_velocities == [None, None]


def orthogonalized(optimizer: Muon, variables) -> list[str]:
    """The paths of the variables that are updated as matrices, as asked for in a step."""
    rules = {v.path: optimizer.rule_for(v.value).func for v in variables}
    assert set(rules.values()) <= {muon_rule, muon_adamw_rule}
    return [path for path, rule in rules.items() if rule is muon_rule]


def test_which_variables_are_matrices():
    model: Any = keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            keras.layers.Embedding(10, 4, name="embedding"),
            keras.layers.Conv1D(5, 3, name="conv"),
            keras.layers.LayerNormalization(name="norm"),
            keras.layers.Flatten(),
            keras.layers.Dense(4, name="hidden"),
            keras.layers.Dense(2, name="output"),
        ]
    )
    variables = model.trainable_variables
    for arguments, expected in (
        ({}, ["conv/kernel", "hidden/kernel", "output/kernel"]),
        ({"exclude_layers": ["output/ker", "con."]}, ["hidden/kernel"]),
        (
            {"exclude_embeddings": False, "exclude_layers": ["output"]},
            ["embedding/embeddings", "conv/kernel", "hidden/kernel"],
        ),
    ):
        optimizer = Muon(**arguments)
        optimizer.build(variables)
        paths = [path.removeprefix("sequential/") for path in orthogonalized(optimizer, variables)]
        assert paths == expected
        # Only AdamW keeps a second slot.
        slots = sum("velocity" in v.name for v in optimizer.variables)
        assert slots == len(variables) - len(expected)


@pytest.mark.skipif(not KERAS_MUON, reason="Keras's Muon fails in its first step here")
@pytest.mark.thin("graph")
@pytest.mark.parametrize("mode", ["eager", "graph", "jit"])
def test_fit_is_that_of_keras(mode):
    x, y = regression_data(80)
    trained = []
    for cls in (Muon, KERAS_MUON):
        model = regression_model()
        optimizer = cls(0.01, weight_decay=0.1, adam_lr_ratio=0.5, exclude_layers=["dense_1"])
        model.compile(optimizer, "mse", run_eagerly=mode == "eager", jit_compile=mode == "jit")
        model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
        assert [v is None for v in optimizer.adam_velocities] == [True, False, False, False]
        trained.append(np.concatenate([np.ravel(w) for w in model.get_weights()]))
        keras.backend.clear_session(free_memory=False)
    if mode == "jit":
        np.testing.assert_allclose(*trained, rtol=1e-6, atol=1e-6)
    else:
        np.testing.assert_array_equal(*trained)


def test_float64_matrices_follow_the_oracle():
    keras.config.set_floatx("float64")
    try:
        w, optimizer = keras.Variable(matrices(6, 4, seed=1)), Muon(0.01, weight_decay=0.1)
        gradients = matrices(STEPS, 6, 4)
        for g in gradients:
            optimizer.apply([tf.constant(g)], [w])
    finally:
        keras.config.set_floatx("float32")
    rates = np.full(STEPS, 0.01)
    exact = oracles_beyond.muon(gradients, matrices(6, 4, seed=1), rates, weight_decay=0.1)
    np.testing.assert_allclose(w, exact[-1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_matrices_of_zero_gradients_stay(dtype):
    w = keras.Variable([[1.0, -2.0], [3.0, 4.0]], dtype=dtype)
    Muon(0.01, weight_decay=None).apply([tf.zeros((2, 2), dtype)], [w])
    np.testing.assert_array_equal(tf.cast(w, "float32"), [[1.0, -2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"exclude_layers": "output"}, 'Write, for example, `exclude_layers=["output"]`.'),
        ({"exclude_layers": ["("]}, "must be a list of regular expressions, but got"),
        ({"exclude_layers": [3]}, "must be a list of regular expressions, but got"),
        ({"ns_steps": 0}, "`ns_steps` must be an integer of at least 1, but got ns_steps=0"),
        ({"adam_weight_decay": -1}, "`adam_weight_decay` must be a number of at least 0"),
        ({"rms_rate": "0.2"}, "`rms_rate` must be a number of at least 0"),
    ],
)
def test_bad_arguments_are_refused_with_advice(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Muon(**arguments)


def test_patterns_are_kept_in_the_configuration():
    config = Muon(exclude_layers=["output"], rms_rate=None).get_config()
    assert config["exclude_layers"] == ["output"]
    again: Any = Muon.from_config(config)
    assert again.get_config() == config
    assert again.rms_rate is None
