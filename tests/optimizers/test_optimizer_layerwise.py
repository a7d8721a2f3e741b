"""Lamb and LARS, whose steps depend on the norms of a variable; weight decay inside a rule."""

from typing import Any

import keras
import numpy as np
import oracles_beyond
import pytest
import tensorflow as tf

from keras_course_ext.optimizers import LARS, Lamb, Muon, RuleOptimizer, trajectory

INSIDE = {
    "lamb": Lamb,
    "lars": LARS,
    "muon": lambda *a, **k: Muon(*a, adam_weight_decay=k["weight_decay"], **k),
}

inside = pytest.mark.parametrize("make", INSIDE.values(), ids=INSIDE)


def after_steps(optimizer: RuleOptimizer, variables, steps: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(steps):
        grads = [tf.constant(rng.normal(size=v.shape), "float32") for v in variables]
        optimizer.apply(grads, variables)
    return [v.numpy() for v in variables]


def kernel_and_bias() -> list[keras.Variable]:
    rng = np.random.default_rng(1)
    return [
        keras.Variable(rng.normal(size=shape), dtype="float32", name=name)
        for shape, name in (((4, 3), "kernel"), ((3,), "bias"))
    ]


@inside
@pytest.mark.parametrize("by", ["var_list", "var_names"])
def test_variables_can_be_excluded_from_weight_decay(make, by):
    without = after_steps(make(0.1, weight_decay=None), kernel_and_bias())
    every = after_steps(make(0.1, weight_decay=0.5), kernel_and_bias())
    variables, optimizer = kernel_and_bias(), make(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(
        **({"var_list": variables[1:]} if by == "var_list" else {"var_names": ["bias"]})
    )
    kernel, bias = after_steps(optimizer, variables)
    np.testing.assert_array_equal(kernel, every[0])
    np.testing.assert_array_equal(bias, without[1])
    assert not np.array_equal(kernel, without[0])
    assert not np.array_equal(every[1], without[1])


@pytest.mark.parametrize("name", ["lamb", "lars"])
def test_weight_decay_is_applied_once(name):
    g = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    start = np.array([1.0, -2.0, 0.5, 3.0])
    w, optimizer = keras.Variable(start, dtype="float32"), INSIDE[name](0.1, weight_decay=0.5)
    for row in g:
        optimizer.apply([tf.constant(row)], [w])
    exact = getattr(oracles_beyond, name)(
        g.astype("float64"), start, np.full(5, 0.1), weight_decay=0.5
    )
    np.testing.assert_allclose(w, exact[-1], rtol=1e-5)  # 1 − 0.999ᵗ in float32


@pytest.mark.parametrize("name", ["lamb", "lars"])
def test_the_whole_variable_is_one_tensor_whatever_its_shape(name):
    g, start = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    paths = [
        trajectory(INSIDE[name](0.1), lambda w: g.reshape(w.shape), w, 3)
        for w in (start, start.ravel())
    ]
    np.testing.assert_allclose(paths[0].reshape(paths[1].shape), paths[1], rtol=1e-13)


@pytest.mark.parametrize("as_tensor", [False, True])
def test_where_a_norm_is_0_the_ratio_is_1(as_tensor):
    kind: Any = (lambda x: tf.constant(x, "float64")) if as_tensor else np.array
    zero, one = kind([0.0, 0.0]), kind([3.0, -4.0])
    lamb, lars = Lamb(weight_decay=None).rule, LARS(weight_decay=None).rule
    w, *_ = lamb(one, zero, zero, zero, lr=0.1, t=1)
    np.testing.assert_allclose(w, [-0.1, 0.1], rtol=1e-6)
    w, *_ = lars(one, zero, zero, lr=0.1)
    np.testing.assert_allclose(w, [-0.3, 0.4])
    for rule, slots in ((lamb, 2), (lars, 1)):
        scalars = {"lr": 0.1} | ({"t": 1} if rule is lamb else {})
        w, *_ = rule(zero, one, *[zero] * slots, **scalars)
        np.testing.assert_array_equal(w, one)


def test_lamb_changes_a_variable_by_the_share_lr_of_itself():
    g, start = np.random.default_rng(0).normal(size=(2, 6))
    path = trajectory(Lamb(0.01, weight_decay=0.3), lambda w: 100 * g, start, 4, [0.01] * 4)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    np.testing.assert_allclose(steps, 0.01 * np.linalg.norm(path[:-1], axis=1), rtol=1e-12)


def test_lars_does_not_see_the_size_of_the_gradient():
    g, start = np.random.default_rng(0).normal(size=(2, 6))
    paths = [trajectory(LARS(1.0), lambda w, c=c: c * g, start, 4) for c in (1.0, 1000.0)]
    np.testing.assert_allclose(*paths, rtol=1e-12)
