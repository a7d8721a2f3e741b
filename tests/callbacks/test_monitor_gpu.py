"""The monitor on a GPU: exact figures, and training with the same bits."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from gpu_device import DEVICE, on_gpu
from monitor_cells import Cell, outcome

import keras_course_ext as kce

pytestmark = on_gpu
MODELS = ["Sequential", "Conv2D", "LSTM", "MultiHeadAttention", "BatchNormalization"]
CELLS = [
    *(
        Cell(m, "float32", mode, "1", "one", "plain", "our Adam")
        for m in MODELS
        for mode in ("graph", "jit")
    ),
    *(
        Cell("Sequential", d, m, "1", "one", "plain", "our SGD")
        for d in ("mixed_float16", "mixed_bfloat16")
        for m in ("graph", "jit")
    ),
    Cell("Sequential", "float32", "graph", "7", "one", "global_clipnorm", "Keras Adam"),
    Cell("Sequential", "float32", "eager", "1", "one", "accumulation", "our Adam"),
]


@pytest.fixture(autouse=True, scope="module")
def _deterministic():
    tf.config.experimental.enable_op_determinism()
    tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    yield
    tf.config.experimental.enable_tensor_float_32_execution(tf32)
    tf.config.experimental.disable_op_determinism()


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_it_is_exact_and_leaves_every_bit(cell):
    """`outcome` compares every figure with the oracle's, and weights and slots bit by bit."""
    with tf.device(DEVICE):
        verdict, detail = outcome(cell, None)
    assert verdict == "ok", detail


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "jit"])
def test_a_gradient_norm_is_that_of_a_cpu(jit):
    records = []
    for device in (DEVICE, "/CPU:0"):
        keras.utils.set_random_seed(0)
        with tf.device(device):
            layers = [keras.layers.Dense(32, activation="tanh", name=f"d{i}") for i in range(3)]
            model = keras.Sequential(
                [keras.Input((8,)), *layers, keras.layers.Dense(1, name="last")]
            )
            model.compile(kce.optimizers.SGD(0.05), "mse", jit_compile=jit)
            monitor = kce.callbacks.GradientMonitor(1)
            x = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
            model.fit(x, x[:, :1], batch_size=16, shuffle=False, verbose=0, callbacks=[monitor])
        records.append(monitor.history)
    ours, of_cpu = records
    assert ours.keys == of_cpu.keys
    for key in ours.keys:
        if key.statistic in ("grad_norm", "mean", "std"):
            a, b = ours.series(*key)[2], of_cpu.series(*key)[2]
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6, err_msg=str(key))
