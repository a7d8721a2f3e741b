"""An update is read off the assignment only where it is nothing but that one assignment."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_course_ext as kce
from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.monitoring.capture.updates import assigned_steps

STEPS = 6
LARGEST = tf.constant(2.0)


class Signs(keras.optimizers.Optimizer):
    """A user's own rule, with an assignment of its own kind for every second variable."""

    def update_step(self, gradient, variable, learning_rate):
        step = -tf.cast(learning_rate, variable.dtype) * tf.sign(gradient)
        if len(variable.shape) == 1:
            variable.assign(variable + step)
        else:
            self.assign_add(variable, step)


def _in_condition(w):
    tf.cond(LARGEST > 1.0, lambda: w.assign_sub(LARGEST), lambda: w.read_value())


# What happens to a variable, and the move that it tells of.
WRITES = {
    "subtraction": (lambda w: w.assign_sub(LARGEST), 2.0),
    "addition": (lambda w: w.assign_add(-LARGEST), -2.0),
    "nothing": (lambda w: None, None),
    "read only": (lambda w: w + 1.0, None),
    "assignment": (lambda w: w.assign(w - LARGEST), None),
    "two": (lambda w: (w.assign_sub(LARGEST), w.assign_sub(LARGEST)), None),
    "clipped behind it": (lambda w: (w.assign_sub(LARGEST), w.assign(tf.maximum(w, 0.0))), None),
    "condition": (_in_condition, None),
    "kernel": (
        lambda w: tf.raw_ops.ResourceApplyGradientDescent(
            var=w.handle, alpha=1.0, delta=LARGEST, use_locking=False
        ),
        None,
    ),
}


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("name", WRITES)
def test_assigned_steps(name, jit):
    write, expected = WRITES[name]
    ours, other = keras.Variable(5.0), keras.Variable(1.0)
    known = []

    @tf.function(jit_compile=jit)
    def step():
        graph = tf.compat.v1.get_default_graph()
        other.value.assign_sub(1.0)
        ours.value.assign_add(1.0)  # before the update, and so none of it
        before = tf.convert_to_tensor(ours)
        start = len(graph.get_operations())
        other.value.assign_sub(1.0)
        write(ours.value)
        [move] = assigned_steps([before], graph.get_operations()[start:])
        known.append(move is not None)
        return tf.zeros(()) if move is None else move

    found = float(step())
    assert known[-1] == (expected is not None)
    assert expected is None or found == expected


OPTIMIZERS = {
    "SGD": lambda: keras.optimizers.SGD(0.1),
    "Nesterov": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "Adam": lambda: keras.optimizers.Adam(0.05),
    "weight decay": lambda: keras.optimizers.AdamW(0.05, weight_decay=0.1),
    "EMA": lambda: keras.optimizers.Adam(0.05, use_ema=True, ema_overwrite_frequency=2),
    "clipped": lambda: keras.optimizers.RMSprop(0.05, global_clipnorm=0.1),
    "ours": lambda: kce.optimizers.Adam(0.05),
    "our momentum": lambda: kce.optimizers.Momentum(0.05),
    "a user's": lambda: Signs(0.05),
}


@pytest.mark.thin("SGD-False", "Adam-True", "a user's-False")
@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_update_ratio_is_that_of_the_step_truly_taken(name, jit):
    keras.utils.set_random_seed(0)
    hidden = keras.layers.Dense(7, "tanh", kernel_constraint="max_norm")
    model = keras.Sequential([keras.Input((5,)), hidden, keras.layers.Dense(3)])
    model.compile(OPTIMIZERS[name](), "mse", jit_compile=jit)
    seen = [model.get_weights()]

    class Weights(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(self.model.get_weights())

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8 * STEPS, 5)), rng.normal(size=(8 * STEPS, 3))
    monitor = GradientMonitor(update_freq=1)
    model.fit(x, y, batch_size=8, verbose=0, callbacks=[monitor, Weights()])
    for i, (layer, tensor) in enumerate((n, t) for n in model.layers for t in ("kernel", "bias")):
        values = monitor.history.series(layer.name, tensor, "update_ratio")[2]
        before, after = ([np.float64(w[i]) for w in s] for s in (seen[:-1], seen[1:]))
        sizes = [np.linalg.norm(w) for w in before]
        way = [np.linalg.norm(b - a) for a, b in zip(before, after, strict=True)]
        expected = [d / n if n else 0.0 for d, n in zip(way, sizes, strict=True)]
        np.testing.assert_allclose(values, expected, rtol=2e-5)
