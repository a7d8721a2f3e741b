"""Optimizers with any arguments, on variables of any shapes and dtypes."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import GARBAGE, cases
from hypothesis import given
from hypothesis import strategies as st

import keras_course_ext as kce

pytestmark = pytest.mark.slow
ours = kce.optimizers
CLASSES = [
    *(ours.GradientDescent, ours.SGD, ours.Momentum, ours.NesterovMomentum, ours.Adagrad),
    *(ours.RMSprop, ours.Adam, ours.AdamW, ours.Nadam, ours.Adamax, ours.Adadelta, ours.AdaBelief),
    *(ours.RAdam, ours.Lion, ours.Lamb, ours.LARS, ours.Muon, ours.ScheduleFreeAdamW),
]
FRACTION = st.floats(0.0, 0.999)
# By name of the argument: values that are allowed.
VALUES = {
    "learning_rate": st.floats(1e-6, 1.0)
    | st.just(keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.9)),
    "momentum": FRACTION,
    "beta_1": st.floats(0.01, 0.999),
    "beta_2": st.floats(0.01, 0.9999),
    "rho": FRACTION,
    "epsilon": st.sampled_from([1e-7, 1e-8, 1e-3]),
    "nesterov": st.booleans(),
    "centered": st.booleans(),
    "amsgrad": st.booleans(),
    "weight_decay": st.none() | st.floats(0.0, 0.1),
    "clipnorm": st.none() | st.floats(0.01, 10.0),
    "use_ema": st.booleans(),
    "ema_momentum": st.floats(0.1, 0.99),
    "gradient_accumulation_steps": st.none() | st.integers(2, 3),
    "convention": st.sampled_from(["keras", "paper", "torch", "deck"]),
}
SHAPES = st.lists(st.lists(st.integers(0, 5), max_size=3).map(tuple), min_size=1, max_size=4)
DTYPES = st.sampled_from(["float32", "float64", "float16", "bfloat16"])


@st.composite
def arguments(draw, cls):
    """Some arguments that a class takes, with values that are allowed one by one."""
    taken = [name for name in VALUES if name in inspect.signature(cls).parameters]
    if "gradient_accumulation_steps" not in taken:
        taken += ["weight_decay", "clipnorm", "use_ema", "gradient_accumulation_steps"]
    chosen = draw(st.sets(st.sampled_from(sorted(set(taken))), max_size=4))
    return {name: draw(VALUES[name]) for name in sorted(chosen)}


def made(cls, given_arguments):
    """The optimizer, or None if it says why these arguments do not go together."""
    try:
        return cls(**given_arguments)
    except ValueError:
        return None


def trained(optimizer, shapes, dtype, seed):
    """The values of variables after three steps."""
    rng = np.random.default_rng(seed)
    variables = [keras.Variable(rng.normal(size=s), dtype=dtype) for s in shapes]
    optimizer.build(variables)
    for _ in range(3):
        optimizer.apply([tf.cast(rng.normal(size=s), dtype) for s in shapes], variables)
    return [np.array(tf.cast(v, "float64")) for v in variables]


@cases(30)
@given(st.data(), st.sampled_from(CLASSES), SHAPES, DTYPES, st.integers(0, 99))
def test_it_trains_and_its_config_makes_one_that_trains_alike(data, cls, shapes, dtype, seed):
    optimizer = made(cls, data.draw(arguments(cls)))
    if optimizer is None:
        return
    again = cls.from_config(optimizer.get_config())
    first, second = (trained(o, shapes, dtype, seed) for o in (optimizer, again))
    for shape, a, b in zip(shapes, first, second, strict=True):
        assert a.shape == shape
        assert np.isfinite(a).all()
        np.testing.assert_array_equal(a, b)


@cases(60)
@given(st.data(), st.sampled_from(CLASSES))
def test_garbage_is_taken_or_refused(data, cls):
    name = data.draw(
        st.sampled_from(sorted({*VALUES, *inspect.signature(cls).parameters} - {"kwargs"}))
    )
    value = data.draw(GARBAGE)
    try:
        optimizer = cls(**{name: value})
    except (ValueError, TypeError):
        return
    optimizer.get_config()


@cases(6)
@given(st.sampled_from(CLASSES), SHAPES.filter(lambda s: len(s) > 1), st.integers(0, 99))
def test_a_variable_is_updated_in_a_graph_as_if_it_were_alone(cls, shapes, seed):
    """Small variables share a vector for their slots, large ones and single ones do not."""
    rng = np.random.default_rng(seed)
    values, gradients = ([rng.normal(size=s) for s in shapes] for _ in range(2))

    def first_of(number):
        variables = [keras.Variable(v, dtype="float32") for v in values[:number]]
        optimizer = cls()
        optimizer.build(variables)
        given_gradients = [tf.constant(g, tf.float32) for g in gradients[:number]]
        step = tf.function(lambda: optimizer.apply(given_gradients, variables))
        step()
        step()
        return np.asarray(variables[0])

    np.testing.assert_allclose(first_of(len(shapes)), first_of(1), rtol=2e-6, atol=2e-7)
