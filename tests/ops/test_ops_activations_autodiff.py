"""Everything that TensorFlow differentiates with works on our activations as on its own ops."""

import numpy as np
import pytest
import tensorflow as tf
from activation_cases import CASES, X, gradient

ZERO = tf.UnconnectedGradients.ZERO
by_case = pytest.mark.parametrize("name", CASES)


@pytest.mark.thin("sigmoid", "relu", "gelu*")
@by_case
def test_hessian_agrees_with_autodiff(name):
    # Not at 9.6, where the exponential drowns the others.
    x = tf.constant([*X[0, 1:], *X[1, :2]])
    w = tf.constant(np.random.default_rng(1).normal(size=(4, 4)))

    def hessian(f):
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(x)
            dx = gradient(lambda x: tf.reduce_sum(tf.square(tf.linalg.matvec(w, f(x)))), x)
        return outer.jacobian(dx, x, unconnected_gradients=ZERO, experimental_use_pfor=False)

    expected = hessian(CASES[name].twin)
    np.testing.assert_allclose(hessian(CASES[name].op), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.thin("sigmoid", "relu", "gelu*")
@by_case
def test_forward_mode_gives_the_same_derivative(name):
    x = tf.constant(X)
    with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as accumulator:
        y = CASES[name].op(x)
    np.testing.assert_allclose(accumulator.jvp(y), CASES[name].df(X), rtol=1e-11, atol=1e-15)


@pytest.mark.thin("sigmoid")
@by_case
def test_recomputed_gradient_is_the_same(name):
    x = tf.constant(X)
    found = gradient(tf.recompute_grad(CASES[name].op), x)
    np.testing.assert_array_equal(found, gradient(CASES[name].op, x))


@pytest.mark.slow
def test_per_example_gradients_by_vectorized_map():
    def gradients(row):
        return [gradient(case.op, row) for case in CASES.values()]

    for name, dx in zip(CASES, tf.vectorized_map(gradients, tf.constant(X)), strict=True):
        expected = CASES[name].df(X)
        np.testing.assert_allclose(dx, expected, rtol=1e-11, atol=1e-15, err_msg=name)


@pytest.mark.slow
def test_jacobians_by_pfor_of_f_and_of_its_derivative():
    x = tf.constant(X[1])
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(x)
        with tf.GradientTape(persistent=True) as inner:
            inner.watch(x)
            ys = {name: case.op(x) for name, case in CASES.items()}
        dxs = {name: inner.gradient(y, x) for name, y in ys.items()}
    for name, case in CASES.items():
        derivatives = [(ys[name], case.df(X[1]))]
        if np.any(case.ddf(X[1])):
            derivatives.append((dxs[name], case.ddf(X[1])))
        for f, expected in derivatives:
            found = outer.jacobian(f, x, experimental_use_pfor=True)
            np.testing.assert_allclose(found, np.diag(expected), 1e-10, 1e-12, err_msg=name)
