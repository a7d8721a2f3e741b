"""Optimizers on a GPU: the rule's formula on a CPU, Keras's optimizers, mixed placement."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from gpu_device import DEVICE, is_on_device, on_gpu
from optimizer_cases import ONE_PER_STATE, UPDATES_OF_KERAS, every

pytestmark = on_gpu
SHAPES = [(64, 48), (48,), (3, 3, 4, 8), (300, 256), ()]
STEPS = 5
# Both are one fused update there. The formulas round differently where the rule divides.
BITS = 4e-7


def trained(make, device, jit, dtype="float32"):
    """The values of some variables after a few steps, and whether they were on the device."""
    rng = np.random.default_rng(0)
    with tf.device(device):
        variables = [keras.Variable(rng.normal(size=shape), dtype=dtype) for shape in SHAPES]
        optimizer = make()
        optimizer.build(variables)

        @tf.function(jit_compile=jit)
        def step(gradients):
            optimizer.apply(gradients, variables)

        for _ in range(STEPS):
            step([tf.constant(rng.normal(size=shape), dtype) for shape in SHAPES])
    values = [np.array(tf.cast(v.value, "float32")) for v in variables]
    return values, all(is_on_device(v.value) for v in variables)


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "jit"])
@every(ONE_PER_STATE)
def test_it_ends_where_it_ends_on_a_cpu(case, jit):
    found, placed = trained(case.ours, DEVICE, jit)
    expected, _ = trained(case.ours, "/CPU:0", False)
    assert placed
    for a, b in zip(found, expected, strict=True):
        # Muon multiplies matrices; the others are elementwise, but for norms.
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-2 if "muon" in case.name else 1e-5)


@every(UPDATES_OF_KERAS)
def test_it_is_keras_s_under_jit(case):
    ours, _ = trained(case.ours, DEVICE, True)
    theirs, _ = trained(case.keras, DEVICE, True)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=BITS, atol=BITS)


def test_adam_is_keras_s_to_the_bit_under_jit():
    ours, _ = trained(case_of("adam").ours, DEVICE, True)
    theirs, _ = trained(case_of("adam").keras, DEVICE, True)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@every(ONE_PER_STATE)
def test_in_half_precision_it_ends_where_it_ends_on_a_cpu(case, dtype):
    found, _ = trained(case.ours, DEVICE, False, dtype)
    expected, _ = trained(case.ours, "/CPU:0", False, dtype)
    unit = {"float16": 2**-10, "bfloat16": 2**-7}[dtype]
    for a, b in zip(found, expected, strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_allclose(a, b, rtol=4 * unit, atol=4 * unit)


def test_variables_on_two_devices_are_updated_where_they_are():
    values = []
    for first in ("/CPU:0", DEVICE):
        variables = []
        for device, shape in zip((first, DEVICE), ((300, 256), (48,)), strict=True):
            with tf.device(device):
                variables.append(keras.Variable(np.ones(shape), dtype="float32"))
        optimizer = case_of("adam").ours()
        optimizer.build(variables)
        step = tf.function(lambda o=optimizer, v=variables: o.apply([tf.sin(w) for w in v], v))
        step()
        step()
        assert first.strip("/") in variables[0].value.device
        values.append([np.asarray(v) for v in variables])
    for a, b in zip(*values, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def case_of(name):
    """The case of this name."""
    return next(case for case in ONE_PER_STATE if case.name == name)
