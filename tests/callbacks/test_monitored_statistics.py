"""Dead units, histograms, replicas and loops of one's own; the rest is in the monitor's matrix."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from monitored_models import BATCH, ROWS, compiled, dense_data, fit

from keras_course_ext.callbacks import GradientMonitor

STEPS = 2 * -(-ROWS // BATCH)


def test_dead_units_of_a_window():
    model = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(6, activation="relu", name="relu")]
    )
    model.compile("sgd", "mse")
    kernel, bias = model.layers[0].get_weights()
    bias[:2] = -100.0
    model.layers[0].set_weights([kernel, bias])
    monitor = GradientMonitor(update_freq=1)
    x, _ = dense_data()
    model.fit(x, np.zeros((len(x), 6)), verbose=0, callbacks=[monitor])
    assert monitor.history.series("relu", "output", "dead_units")[2].tolist() == [2.0]


@pytest.mark.thin("graph")
@pytest.mark.parametrize("mode", ["eager", "graph", "jit"])
def test_histograms_are_those_of_numpy(mode):
    model, data = compiled("sequential", mode)
    weights = {w.path: w.numpy() for w in model.trainable_variables}
    monitor = GradientMonitor(update_freq="epoch", histograms=4)
    fit(model, data, epochs=1, callbacks=[monitor])
    found = monitor.history.histograms
    assert sorted({h.step for h in found}) == [0, 4, 8]
    first = [h for h in found if h.step == 0]
    assert {h.kind for h in first} == {"gradient", "weight", "activation"}
    kernel = next(h for h in first if (h.layer, h.tensor, h.kind) == ("tanh", "kernel", "weight"))
    values = next(v for path, v in weights.items() if path.endswith("tanh/kernel"))
    counts, _ = np.histogram(values, kernel.edges)
    np.testing.assert_array_equal(kernel.counts, counts)
    bias = next(h for h in first if (h.layer, h.tensor, h.kind) == ("tanh", "bias", "weight"))
    assert bias.counts.sum() == bias.counts[len(bias.counts) // 2] == 7
    relu = next(h for h in first if (h.layer, h.kind) == ("relu", "activation"))
    share = monitor.history.series("relu", "output", "zero_share")[2][0]
    assert relu.counts[len(relu.counts) // 2] == round(share * BATCH * 6)
    assert relu.counts.sum() == BATCH * 6


REPLICAS = """
import keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from keras_course_ext.callbacks import GradientMonitor

rng = np.random.default_rng(0)
x, y = rng.normal(size=(48, 5)).astype("float32"), rng.integers(0, 3, 48)


def build(strategy):
    keras.utils.set_random_seed(1)
    with strategy.scope():
        hidden = keras.layers.Dense(7, activation="relu", name="hidden")
        last = keras.layers.Dense(3, "softmax", name="last")
        model = keras.Sequential([keras.Input((5,)), hidden, last])
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return model


def fitted(strategy, monitored):
    model, monitor = build(strategy), GradientMonitor(update_freq=1)
    callbacks = [monitor] if monitored else []
    model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=callbacks)
    return monitor.history, model.get_weights()


def watched(strategy):
    model, monitor = build(strategy), GradientMonitor(update_freq=1)

    def one(x, y):
        with tf.GradientTape() as tape:
            losses = keras.losses.sparse_categorical_crossentropy(y, model(x, training=True))
            loss = tf.reduce_sum(losses) / 8
        gradients = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply(gradients, model.trainable_variables)

    step = tf.function(lambda batch: strategy.run(one, args=batch))
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8).repeat(2)
    with monitor.watch(model):
        for batch in strategy.experimental_distribute_dataset(data):
            step(batch)
    return monitor.history


single = tf.distribute.get_strategy()
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
expected, _ = fitted(single, True)
history, weights = fitted(mirrored, True)
for a, b in zip(weights, fitted(mirrored, False)[1], strict=True):
    np.testing.assert_array_equal(a, b)
for other in (history, watched(single), watched(mirrored)):
    np.testing.assert_array_equal(other.steps, expected.steps)
    for key in expected.keys:
        if key.statistic not in ("dead_units", "signal_decay", "grad_noise"):
            found, want = other.series(*key)[2], expected.series(*key)[2]
            np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-7, err_msg=str(key))
print("same")
"""


@pytest.mark.slow
def test_two_replicas_and_loops_of_one_s_own_record_what_fit_does():
    done = subprocess.run(
        [sys.executable, "-c", REPLICAS], capture_output=True, text=True, check=False
    )
    assert done.stdout.split()[-1:] == ["same"], done.stderr[-3000:]


def test_watch_says_when_nothing_was_seen():
    model, _ = compiled("sequential", "graph")
    with pytest.raises(RuntimeError, match="saw no step"), GradientMonitor().watch(model):
        pass
    with (
        pytest.raises(ValueError, match="built model"),
        GradientMonitor().watch(keras.Sequential([keras.layers.Dense(1)]), keras.optimizers.SGD()),
    ):
        pass
