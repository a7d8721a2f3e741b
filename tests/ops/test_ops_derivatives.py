"""The table of derivatives against automatic differentiation of TensorFlow's own functions."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext.ops.activations.derivatives import DERIVATIVES

SHARE = 0.01
# Off the corners, with points where each f' is below 1 % of its maximum.
Z = np.concatenate([np.linspace(-12.013, 12.012, 4801), [-1.27846, -0.75179, -300.0, 300.0]])
ELEMENTWISE = [name for name, d in DERIVATIVES.items() if d.slope is not None]
CAN_SATURATE = [name for name in ELEMENTWISE if name not in ("exponential", "leaky_relu")]


def values(name):
    """Z, A and f' of Keras's function of that name."""
    z = tf.constant(Z)
    function = getattr(keras.activations, name)
    with tf.GradientTape() as tape:
        tape.watch(z)
        # Keras's erf form of gelu rounds its constants to float32.
        a = function(z) if name != "gelu" else 0.5 * z * tf.math.erfc(-z * np.sqrt(0.5))
    return z, a, tape.gradient(a, z).numpy()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_function_slope_and_maximum(name):
    entry = DERIVATIVES[name]
    z, a, slope = values(name)
    np.testing.assert_allclose(entry.function(z), a, rtol=1e-7, atol=1e-12)
    found = tf.cast(entry.slope(z, a), tf.float64).numpy()
    np.testing.assert_allclose(found, slope, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(entry.back(z, a, 3 * tf.ones_like(a)), 3 * found)
    if name != "exponential":
        # The points are .005 apart, and the largest f' of some is the limit at a corner.
        largest = np.abs(slope).max()
        assert 0.997 * entry.maximum < largest <= (1 + 1e-7) * entry.maximum


@pytest.mark.parametrize("name", CAN_SATURATE)
def test_from_output_or_input_finds_where_f_prime_is_small(name):
    entry = DERIVATIVES[name]
    z, a, slope = values(name)
    assert (entry.from_output is None) != (entry.from_input is None)
    found = np.abs(entry.from_output(a) if entry.from_output else entry.from_input(z))
    bound = 0.0 if entry.piecewise_linear else SHARE * entry.maximum
    small = np.abs(slope) <= bound
    assert 0 < small.sum() < len(Z)
    np.testing.assert_array_equal(found <= bound, small)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_functions_of_all_inputs(name):
    entry = DERIVATIVES[name]
    z, da = tf.constant(Z[:4800].reshape(-1, 6)), tf.constant(np.cos(Z[:4800]).reshape(-1, 6))
    function = getattr(tf.nn, name)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        a = function(z)
    np.testing.assert_allclose(entry.function(z), a, rtol=1e-12)
    dz = tape.gradient(a, z, da)
    np.testing.assert_allclose(entry.back(z, a, da), dz, rtol=1e-9, atol=1e-12)
    jacobian = tape.batch_jacobian(a, z).numpy()
    assert np.abs(jacobian).max() <= entry.maximum
    if name == "softmax":
        diagonal = np.einsum("bii->bi", jacobian)
        np.testing.assert_allclose(entry.from_output(a), diagonal, rtol=1e-9, atol=1e-15)
