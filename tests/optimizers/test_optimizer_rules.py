"""The rules as pure functions, against the float64 oracles and against themselves."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from optimizer_cases import (
    Case,
    every_optimizer,
    every_rule,
    every_update,
    every_update_of_keras,
)
from problems import gradient_sequence, varying_rates

from keras_course_ext.optimizers import RuleOptimizer, trajectory
from keras_course_ext.optimizers.rules import elementwise
from keras_course_ext.optimizers.rules.scalars import scalars_of

STEPS = 200
GRADIENTS = gradient_sequence(STEPS)
RATES = varying_rates(STEPS)
START = np.random.default_rng(1).normal(size=GRADIENTS.shape[1])


def oracle_path(case: Case, **changed: float) -> np.ndarray:
    return case.oracle(GRADIENTS, START, RATES, **(case.oracle_arguments | changed))


def scalars(optimizer, lr, t) -> dict:
    """The scalars that the rule of an optimizer takes, at step t as if it were the first."""
    shared = {s.name: s.start for s in optimizer.shared}
    sums = {"progress": 0.0, "s_norm": 1.0} if optimizer.terms else {}
    new = optimizer.shared_values(shared | sums, lr=lr, t=t)
    known = {"lr": lr, "t": t, **optimizer.rule_scalars(shared, new)}
    return {k: known[k] for k in scalars_of(optimizer.rule_for(START).func, known)}


def worst(path: np.ndarray, exact: np.ndarray) -> float:
    """The largest error of a step, as a share of the largest weight."""
    return float(np.max(np.abs(path - exact)) / np.max(np.abs(exact)))


@every_rule
def test_rule_on_numpy_is_the_oracle(case):
    given = iter(GRADIENTS)
    path = trajectory(case.ours(), lambda w: next(given), START, STEPS, RATES)
    assert worst(path[1:], oracle_path(case)) < 1e-13


def apply_sequence(optimizer, gradients, dtype: str) -> np.ndarray:
    w = keras.Variable(START, dtype=dtype)

    @tf.function(autograph=False)
    def step(g, lr):
        optimizer.learning_rate.assign(lr)
        optimizer.apply([g], [w])
        return w.value + 0

    optimizer.build([w])
    return np.array([step(g, lr) for g, lr in zip(gradients, RATES, strict=True)])


def float32_error(case: Case, optimizer) -> float:
    gradients = tf.constant(GRADIENTS, "float32")
    exact = case.oracle(
        gradients.numpy().astype("float64"),
        START.astype("float32").astype("float64"),
        RATES.astype("float32").astype("float64"),
        **case.oracle_arguments,
    )
    return worst(apply_sequence(optimizer, gradients, "float32"), exact)


@pytest.mark.thin("adam", "nesterov", "lamb")
@every_update
def test_float32_variables_follow_the_oracle(case):
    # Adam comes to 3e-6, because 1 − 0.999ᵗ is taken in float32, as Keras takes it.
    assert float32_error(case, case.ours()) < 4e-6


@pytest.mark.thin("adam")
@every_update_of_keras
def test_float32_variables_follow_the_oracle_as_closely_as_those_of_keras(case):
    # In a graph TensorFlow's kernel rounds at other places than Keras, for better or worse.
    assert float32_error(case, case.ours()) <= 1.1 * float32_error(case, case.keras())


@pytest.mark.thin("adam", "nesterov", "lamb")
@every_update
def test_float64_variables_follow_the_oracle(case):
    keras.config.set_floatx("float64")
    try:
        path = apply_sequence(case.ours(), tf.constant(GRADIENTS), "float64")
    finally:
        keras.config.set_floatx("float32")
    assert worst(path, oracle_path(case)) < 1e-13


@every_optimizer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rule_does_not_touch_its_inputs_and_keeps_their_dtype(case, dtype):
    arrays = [x.astype(dtype) for x in (GRADIENTS[0], START)]
    arrays += [slot + 0.5 for slot in case.ours().first_slots(arrays[1])]
    copies = [x.copy() for x in arrays]
    for x in arrays:
        x.flags.writeable = False
    optimizer = case.ours()
    new = optimizer.rule_for(START)(*arrays, **scalars(optimizer, 0.01, 3))
    assert len(new) == len(arrays) - 1
    for x, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(x, copy)
    for value in new:
        assert isinstance(value, np.ndarray)
        assert value.dtype == dtype
        assert not any(np.shares_memory(value, x) for x in arrays)


@pytest.mark.thin("eager-*", "*-adam", "*-rmsprop_centered_momentum")
@every_optimizer
@pytest.mark.parametrize("mode", ["eager", "graph", "jit"])
def test_rule_on_tensors_is_the_rule_on_numpy(case, mode):
    optimizer = case.ours()
    rule = optimizer.rule_for(START)
    arrays = [GRADIENTS[1], START, *(slot + 0.5 for slot in optimizer.first_slots(START))]
    arrays = [x.astype("float32") for x in arrays]
    on_numpy = rule(*arrays, **scalars(optimizer, 0.01, 3))
    as_tensors = scalars(optimizer, tf.constant(0.01), tf.constant(3.0))

    def run(*values):
        return rule(*values, **as_tensors)

    compiled = {"eager": run, "graph": tf.function(run), "jit": tf.function(run, jit_compile=True)}
    on_tensors = compiled[mode](*map(tf.constant, arrays))
    for x, y in zip(on_tensors, on_numpy, strict=True):
        assert x.dtype == tf.float32
        np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-6 * max(1.0, np.max(np.abs(y))))


@pytest.mark.parametrize("name", ["sqrt", "square"])
@pytest.mark.parametrize("kind", [float, np.float32, np.array, tf.constant])
def test_elementwise_functions_keep_the_kind(name, kind):
    x = kind(4.0)
    y = getattr(elementwise, name)(x)
    assert isinstance(y, type(x)) or (kind is np.array and isinstance(y, np.float64))
    assert float(y) == {"sqrt": 2.0, "square": 16.0}[name]


@pytest.mark.parametrize("kind", [float, np.float32, np.array, tf.constant])
def test_maximum(kind):
    assert float(elementwise.maximum(kind(1.0), kind(2.0))) == 2.0
    assert float(elementwise.maximum(kind(2.0), kind(1.0))) == 2.0


@pytest.mark.parametrize("kind", [float, np.float32, np.array, tf.constant])
def test_divide_no_nan(kind):
    quotient = elementwise.divide_no_nan(kind(3.0), kind(2.0))
    assert isinstance(quotient, (type(kind(1.0)), np.float64))
    assert float(quotient) == 1.5
    for x in (0.0, 3.0):
        assert float(elementwise.divide_no_nan(kind(x), kind(0.0))) == 0.0
    assert np.isnan(float(elementwise.divide_no_nan(kind(np.nan), kind(1.0))))


def test_divide_no_nan_is_elementwise_and_keeps_the_dtype():
    x, y = (
        np.array([[1.0, 0.0], [3.0, 4.0]], "float32"),
        np.array([[0.0, 0.0], [2.0, 1.0]], "float32"),
    )
    for kind in (np.array, tf.constant):
        quotient = elementwise.divide_no_nan(kind(x), kind(y))
        assert quotient.dtype == "float32"
        np.testing.assert_array_equal(quotient, [[0.0, 0.0], [1.5, 4.0]])


def test_a_rule_that_returns_too_little_is_named():
    class Forgetful(RuleOptimizer):
        @property
        def rule(self):
            return partial(forgetful_rule)

    def forgetful_rule(g, w, *, lr):
        return w - lr * g

    with pytest.raises(ValueError, match=r"`forgetful_rule` must return a tuple of 1"):
        Forgetful(0.1).apply([tf.ones(2)], [keras.Variable([1.0, 2.0])])


def test_an_optimizer_without_a_rule_says_so():
    class Empty(RuleOptimizer):
        pass

    with pytest.raises(NotImplementedError, match="Empty must define the property `rule`"):
        Empty(0.1).apply([tf.ones(2)], [keras.Variable([1.0, 2.0])])
