"""What a subclass of RuleOptimizer may say, and the functions that its rule may call."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from modes import MODES

import keras_course_ext.optimizers as ours
from keras_course_ext.optimizers import RuleOptimizer, trajectory
from keras_course_ext.optimizers.arguments import Number, optional
from keras_course_ext.optimizers.rules import elementwise, tensorwise
from keras_course_ext.optimizers.slots import Shared, Slot


def heavy_rule(g, w, v, *, lr):
    v = 0.5 * v - lr * g
    return w + v, v


def plain_rule(g, w, *, lr):
    return (w - lr * g,)


class HeavyMatrices(RuleOptimizer):
    """Momentum for matrices, gradient descent for the rest."""

    slots = ((Slot("momentum", "momentums"),),)

    def __init__(self, learning_rate=0.1, **common):
        super().__init__(learning_rate, **common)

    def rule_for(self, variable):
        return partial(heavy_rule if len(variable.shape) == 2 else plain_rule)

    def slots_for(self, variable):
        return self.slot_groups() if len(variable.shape) == 2 else []


@pytest.mark.parametrize("mode", MODES)
def test_a_variable_may_have_a_rule_and_slots_of_its_own(mode):
    variables = [keras.Variable(np.ones(shape), dtype="float32") for shape in ((2,), (2, 2), ())]
    optimizer = HeavyMatrices(0.5)
    optimizer.build(variables)
    assert [v is None for v in optimizer.momentums] == [True, False, True]
    assert len(optimizer.variables) == 3  # the iteration, the learning rate, one momentum

    def step():
        optimizer.apply([tf.ones(v.shape) for v in variables], variables)

    run = MODES[mode](step)
    for _ in range(3):
        run()
    for variable, value in zip(variables, (-0.5, -1.125, -0.5), strict=True):
        np.testing.assert_array_equal(variable, np.full(variable.shape, value))
    path = trajectory(HeavyMatrices(0.5), np.ones_like, np.ones((2, 2)), 3)
    np.testing.assert_array_equal(path[-1], np.full((2, 2), -1.125))


def counted_rule(g, w, *, lr, total):
    return (w - lr * total * g,)


class Counted(RuleOptimizer):
    """Multiplies its rate by the sum of all rates so far."""

    shared = (Shared("total", "_total", start=1.0),)

    def __init__(self, learning_rate=0.1, **common):
        super().__init__(learning_rate, **common)

    def shared_values(self, old, *, lr, t):
        return {"total": old["total"] + lr * t}

    @property
    def rule(self):
        return partial(counted_rule)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("accumulated", [None, 2])
def test_shared_scalars_are_renewed_once_a_step(mode, accumulated):
    variables = [keras.Variable([0.0]), keras.Variable([10.0])]
    optimizer = Counted(0.5, gradient_accumulation_steps=accumulated)
    optimizer.build(variables)

    def step():
        optimizer.apply([tf.ones(1), tf.ones(1)], variables)

    run = MODES[mode](step)
    for _ in range(3 * (accumulated or 1)):
        run()
    # 1.5, 2.5 and 4.
    assert float(optimizer._total) == 4.0
    np.testing.assert_array_equal(np.ravel(variables), [-4.0, 6.0])
    path = trajectory(Counted(0.5), np.ones_like, np.zeros(1), 3)
    np.testing.assert_array_equal(path[-1], [-4.0])


def test_rule_and_slots_are_those_of_all_variables_by_default():
    optimizer, w = ours.Adam(0.1), np.ones(3)
    assert optimizer.rule_for(w).keywords == optimizer.rule.keywords
    assert [slot.name for group in optimizer.slots_for(w) for slot in group] == [
        "momentum",
        "velocity",
    ]


def test_optional_lets_none_pass():
    check = optional(Number(example=0.5))
    assert check("x", None) is None
    assert check("x", 1) == 1.0
    with pytest.raises(ValueError, match="`x` must be a number"):
        check("x", -1)


@pytest.mark.parametrize("kind", [float, np.float32, np.array, tf.constant])
def test_elementwise_functions(kind):
    for x, y in ((-3.0, -1.0), (0.0, 0.0), (2.0, 1.0)):
        result = elementwise.sign(kind(x))
        assert float(result) == y
        assert isinstance(result, type(kind(x))) or kind is np.array
    yes, no = (kind(1.0) > 0, kind(-1.0) > 0)
    assert float(elementwise.where(yes, kind(2.0), 3.0)) == 2.0
    assert float(elementwise.where(no, kind(2.0), 3.0)) == 3.0
    x = kind(0.1)
    exact = elementwise.as_float64(x)
    assert exact.dtype == tf.float64 if kind is tf.constant else type(exact) is float
    back = elementwise.as_dtype_of(exact, x)
    assert float(back) == float(x)
    assert getattr(back, "dtype", float) == getattr(x, "dtype", float)


def test_where_goes_element_by_element():
    x = np.array([1.0, -1.0])
    np.testing.assert_array_equal(elementwise.where(x > 0, x, 0.0), [1.0, 0.0])
    np.testing.assert_array_equal(
        elementwise.where(tf.constant(x > 0), tf.constant(x), 0.0), [1, 0]
    )


def test_a_python_float_is_not_rounded_on_its_way_to_float64():
    assert float(elementwise.as_dtype_of(0.1, tf.constant(1.0, tf.float64))) == 0.1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [np.array, tf.constant])
def test_tensorwise_functions(kind, dtype):
    x = kind([[3.0, 0.0, 0.0], [0.0, 4.0, 0.0]], dtype)
    for result, value in (
        (tensorwise.total(x), 7.0),
        (tensorwise.norm(x), 5.0),
        (tensorwise.ratio(tensorwise.norm(x), tensorwise.total(x)), 5 / 7),
    ):
        np.testing.assert_allclose(result, value, rtol=1e-6)
        assert result.dtype == dtype
    assert tensorwise.transpose(x).shape == (3, 2)
    np.testing.assert_array_equal(tensorwise.transpose(x)[1], [0.0, 4.0])
    np.testing.assert_array_equal(tensorwise.reshape(x, (-1, 2))[0], [3.0, 0.0])


@pytest.mark.parametrize("kind", [float, np.float32, tf.constant])
def test_a_ratio_with_0_is_1(kind):
    for x, y in ((0.0, 2.0), (2.0, 0.0), (0.0, 0.0)):
        assert float(tensorwise.ratio(kind(x), kind(y))) == 1.0
    assert float(tensorwise.ratio(kind(1.0), kind(2.0))) == 0.5
