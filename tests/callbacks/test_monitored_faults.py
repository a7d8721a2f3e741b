"""Faults put into a network at a known step, in a known layer and direction, and what is told."""

from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf
from monitored_models import BATCH, MODES

from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.monitoring import GradientHistory, diagnose

STEPS, AT = 14, 12


@tf.custom_gradient
def scaled(x, forward, backward):
    return x * forward, lambda dy: (dy * backward, None, None)


class Faulty(keras.layers.Layer):
    """Passes its input on; with the faults that have its name it multiplies it by something."""

    def __init__(self, faults, **kwargs):
        super().__init__(**kwargs)
        self.faults = faults

    def call(self, inputs):
        x, fault = inputs
        forward = backward = tf.ones_like(fault)
        for code, (f, b) in self.faults.items():
            hit = tf.equal(fault, code)
            forward, backward = tf.where(hit, f, forward), tf.where(hit, b, backward)
        return scaled(x, forward, backward)


# By the number that the data carry: which layer multiplies by what, forward and backward.
LOG, GRADIENT, OVERFLOW = 1.0, 2.0, 3.0
LAYERS = {
    "log": {LOG: (-np.inf, 1.0)},
    "gradient": {GRADIENT: (1.0, np.nan)},
    # Huge activations meet a huge gradient in 'second', and in nothing else.
    "up": {OVERFLOW: (1e25, 1.0)},
    "down": {OVERFLOW: (1e-25, 1e18)},
}


def network():
    x, fault = keras.Input((5,)), keras.Input((1,))
    h = keras.layers.Dense(6, activation="tanh", name="first")(x)
    for name in ("log", "gradient", "up"):
        h = Faulty(LAYERS[name], name=name)([h, fault])
    h = keras.layers.Dense(6, name="second")(h)
    h = Faulty(LAYERS["down"], name="down")([h, fault])
    h = keras.layers.Dense(6, activation="tanh", name="third")(h)
    return keras.Model([x, fault], keras.layers.Dense(3, name="last")(h))


# An epoch each: layer, what is said of the direction, and what to change in the data of its batch.
FAULTS = {
    "nan in the data": ("first", "forward, in the output of 'first'", {"x": np.nan}),
    "log of zero": ("log", "forward, in the output of 'log'", {"fault": LOG}),
    "backward": ("gradient", "backward, between 'gradient' and 'log'", {"fault": GRADIENT}),
    "a kernel's gradient alone": ("second", "backward, in 'second'", {"fault": OVERFLOW}),
    "loss": ("last", "the loss was not finite", {"y": np.nan}),
    "update": ("last", "the update of 'last'", {"y": 1e3, "rate": 3e38}),
}


def data():
    rng = np.random.default_rng(0)
    rows = len(FAULTS) * STEPS * BATCH
    x = rng.normal(size=(rows, 5)).astype("float32")
    y = rng.normal(size=(rows, 3)).astype("float32")
    fault = np.zeros((rows, 1), "float32")
    for epoch, (_, _, change) in enumerate(FAULTS.values()):
        batch = slice((epoch * STEPS + AT) * BATCH, (epoch * STEPS + AT + 1) * BATCH)
        for name, array in {"x": x, "y": y, "fault": fault}.items():
            if name in change:
                array[batch] = change[name]
    return x, y, fault


class Epochs(keras.callbacks.Callback):
    """Gives every epoch the first weights, and the fault's learning rate to its batch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 0:
            self.first = self.model.get_weights()
        self.model.set_weights(self.first)
        self.rate = list(FAULTS.values())[epoch][2].get("rate", 0.01)

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = self.rate if batch == AT else 0.01


def batches():
    x, y, fault = data()
    for start in range(0, len(x), BATCH):
        at = slice(start, start + BATCH)
        yield (x[at], fault[at]), y[at]


@cache
def history_of(mode):
    keras.utils.set_random_seed(2)
    model = network()
    model.compile(keras.optimizers.SGD(), "mse", **MODES[mode])
    monitor = GradientMonitor("epoch")
    callbacks = [monitor, Epochs()]
    epochs = {"epochs": len(FAULTS), "steps_per_epoch": STEPS, "shuffle": False}
    model.fit(batches(), **epochs, verbose=0, callbacks=callbacks)
    return monitor.history


def part(history, epoch):
    """Return the record of one epoch."""
    found = GradientHistory(history.layers)
    for chunk in history.blocks():
        rows = chunk.epochs == epoch
        found.append(chunk.steps[rows], chunk.epochs[rows], chunk.keys, chunk.values[rows])
    return found


@pytest.mark.thin("graph-*")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("mode", ["eager", "graph", "jit"])
def test_layer_direction_and_step_are_named_whatever_the_sampling(mode, fault):
    epoch = list(FAULTS).index(fault)
    layer, direction, _ = FAULTS[fault]
    history = part(history_of(mode), epoch)
    finding = diagnose(history)[0]
    assert (finding.kind, finding.layer) == ("non_finite", layer)
    assert (finding.epoch, finding.step) == (epoch, epoch * STEPS + AT)
    if fault == "a kernel's gradient alone" and mode != "eager":
        # Large or not, a kernel's gradient is looked at in the recorded steps alone; in others it
        # shows in the next step.
        direction = "backward, in ∂L/∂W or the update of 'second'"
    assert direction in finding.evidence
    healthy = range(epoch * STEPS + 1, epoch * STEPS + AT)
    if epoch:  # in the first epoch the first ten are recorded
        assert not set(history.steps) & set(healthy)


@pytest.mark.thin("graph")
@pytest.mark.parametrize("mode", ["graph", "jit"])
def test_an_overflow_under_loss_scaling_is_counted_and_no_finding(mode):
    keras.config.set_dtype_policy("mixed_float16")
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, name="only")])
    model.compile("sgd", "mse", **MODES[mode])
    x, y, _ = data()
    x, y = x[: 2 * STEPS * BATCH], y[: 2 * STEPS * BATCH]
    overflowing = [AT, STEPS + 3, STEPS + 4]
    for step in overflowing:  # a gradient of some 1e2, scaled by 2^15, is beyond 65504
        y[step * BATCH : (step + 1) * BATCH] *= 100
    monitor = GradientMonitor("epoch")
    batches = ((x[i : i + BATCH], y[i : i + BATCH]) for i in range(0, len(x), BATCH))
    epochs = {"epochs": 2, "steps_per_epoch": STEPS, "shuffle": False}
    model.fit(batches, **epochs, verbose=0, callbacks=[monitor])
    assert monitor.history.series("", "model", "skipped_steps")[2].tolist() == [1, 2]
    steps, _, norms = monitor.history.series("only", "bias")
    assert steps[~np.isfinite(norms)].tolist() == overflowing
    assert not [f for f in monitor.findings if f.kind == "non_finite"]
