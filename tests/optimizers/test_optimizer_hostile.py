"""Every constructor, given values that make no sense: it works, or it names the argument."""

import inspect
import warnings
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import keras_course_ext.optimizers as ours
from keras_course_ext.optimizers.arguments import CommonArguments

WRAPPERS = {
    ours.Lookahead: {"inner": ours.SGD},
    ours.LayerWise: {"inner": ours.SGD, "multipliers": lambda: {".*": 0.5}},
}
CLASSES = [
    cls
    for cls in map(ours.__dict__.get, ours.__all__)
    if isinstance(cls, type)
    and issubclass(cls, ours.RuleOptimizer)
    and cls is not ours.RuleOptimizer
]

HOSTILE = st.one_of(
    st.sampled_from([10**400, -(10**400), 2**63, -1, 0, 1, 2, 1e-320, 1e308, -0.0, 0.5]),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), 1j, True, False, None]),
    st.sampled_from(["", "no", "0.1", "adam", "(", b"\xff", [], [0.1], ["("], [None], (), {}]),
    st.sampled_from([np.float16(0.5), np.float64("nan"), np.int8(-1), np.bool_(True)]),
    st.sampled_from([np.array(0.1), np.ones(3), np.str_("x"), object, len, {1: 2}, {"a": "b"}]),
    st.floats(width=16),
    st.integers(),
    st.text(max_size=3),
)


def arguments_of(cls: type) -> list[str]:
    own = [p.name for p in inspect.signature(cls).parameters.values() if p.kind != p.VAR_KEYWORD]
    common = [] if cls in WRAPPERS else list(CommonArguments.__annotations__)
    return list(dict.fromkeys([*own, *common]))


def works(optimizer: Any) -> None:
    w = keras.Variable(np.ones((2, 3), "float32"))
    optimizer.apply([tf.ones((2, 3))], [w])
    type(optimizer).from_config(optimizer.get_config())


@pytest.mark.parametrize("cls", CLASSES)
@given(data=st.data())
@settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_hostile_argument_is_taken_or_named(cls, data):
    name = data.draw(st.sampled_from(arguments_of(cls)), label="argument")
    value = data.draw(HOSTILE, label="value")
    arguments = {n: make() for n, make in WRAPPERS.get(cls, {}).items()} | {name: value}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        message = ""
        try:
            optimizer = cls(**arguments)
        except (TypeError, ValueError) as error:
            optimizer, message = None, str(error)
        if optimizer is None:
            assert name in message or (name == "inner" and "wraps an optimizer" in message)
            assert len(message) < 1000
        # A callable that is no learning rate fails when it is called.
        elif not (name in ("learning_rate", "lr") and callable(value)):
            works(optimizer)
