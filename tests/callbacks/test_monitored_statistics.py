"""Every statistic of a step against float64 NumPy on what an independent loop sees."""

import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from monitored_models import BATCH, ROWS, compiled, dense_data, fit

from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.monitoring import Key
from keras_course_ext.monitoring.inventory import inventory

STEPS = 2 * -(-ROWS // BATCH)

# |f'| < 1 % of its maximum, from the derivative itself on z.
SATURATED = {
    "tanh": lambda a: 1 - a**2 < 0.01,
    "relu": lambda a: a == 0,
    "softmax": lambda a: a * (1 - a) < 0.01 / 4,
}


def of_weight(g, before, after):
    g, before, after = (np.asarray(v, np.float64) for v in (g, before, after))
    size = np.linalg.norm(before)
    return {
        "grad_norm": np.linalg.norm(g),
        "grad_mean_abs": np.abs(g).mean(),
        "grad_max_abs": np.abs(g).max(),
        "grad_zero_share": (g == 0).mean(),
        "grad_non_finite": 0,
        "weight_norm": size,
        "update_ratio": np.linalg.norm(after - before) / size if size else 0,
    }


def of_output(outputs, activation):
    a = np.concatenate([np.asarray(o, np.float64).ravel() for o in outputs])
    found = {"mean": a.mean(), "std": a.std(), "zero_share": (a == 0).mean()}
    if activation in SATURATED:
        found["saturated_share"] = SATURATED[activation](a).mean()
    return found


def expected_statistics(name, **optimizer) -> list[dict[Key, float]]:
    model, (x, y) = compiled(name, "eager", **optimizer)
    entries = [e for e in inventory(model) if not isinstance(e.layer, keras.Model)]
    steps = []
    for start in [*range(0, len(x), BATCH)] * 2:
        seen: dict[str, list[Any]] = {}
        for e in entries:
            call = e.layer.call

            outputs = seen.setdefault(e.name, [])

            def watched(*args, call=call, outputs=outputs, **kwargs):
                outputs.append(call(*args, **kwargs))
                return outputs[-1]

            e.layer.call = watched
        xb, yb = x[start : start + BATCH], y[start : start + BATCH]
        with tf.GradientTape() as tape:
            loss = model.compute_loss(x=xb, y=yb, y_pred=model(xb, training=True))
        for e in entries:
            del e.layer.call
        weights = model.trainable_variables
        grads = [tf.convert_to_tensor(g) for g in tape.gradient(loss, weights)]
        before = [w.numpy() for w in weights]
        model.optimizer.apply(grads, weights)
        index = {id(w): i for i, w in enumerate(weights)}
        step = {}
        for e in entries:
            for tensor, w in e.weights.items():
                i = index[id(w)]
                values = of_weight(grads[i], before[i], w.numpy())
                step |= {Key(e.name, tensor, s): v for s, v in values.items()}
            activation = e.info.activation or type(e.layer).__name__.lower()
            values = of_output(seen[e.name], activation) if seen[e.name] else {}
            step |= {Key(e.name, "output", s): v for s, v in values.items()}
        norms = [np.linalg.norm(np.asarray(g, np.float64)) for g in grads]
        step[Key("", "model", "grad_norm")] = np.linalg.norm(norms)
        steps.append(step)
    return steps


CELLS = [
    ("sequential", "graph", {}),
    ("sequential", "jit", {"clipnorm": 0.05}),
    ("sequential", "eager", {"global_clipnorm": 0.1}),
    ("shared_layer", "seven_steps", {}),
    ("convolution", "jit", {}),
    ("embedding_and_lstm", "graph", {}),
]


@pytest.mark.parametrize(("name", "mode", "optimizer"), CELLS)
def test_every_statistic_is_that_of_numpy(name, mode, optimizer):
    monitor = GradientMonitor(update_freq=1)
    model, data = compiled(name, mode, **optimizer)
    fit(model, data, callbacks=[monitor])
    history = monitor.history
    expected = expected_statistics(name, **optimizer)
    assert len(history.steps) == len(expected) == STEPS
    for key in expected[0]:
        found = history.series(*key)[2]
        want = np.array([step[key] for step in expected])
        # A mean near 0 is rounded against the size of what is averaged.
        atol = 1e-6 if key.statistic == "mean" else 1e-9
        np.testing.assert_allclose(found, want, rtol=2e-5, atol=atol, err_msg=str(key))
    if optimizer:
        share = history.series("", "model", "clipped_share")[2]
        assert 0 < share.mean() <= 1


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
