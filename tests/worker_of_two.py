"""A training loop of one's own under `watch`, alone or as one of two workers; also a program.

python worker_of_two.py RANK PORT PORT FILE: be worker RANK, write the record to FILE, and beside
it, to FILE with the ending .txt, what Keras's `fit` says under the same strategy.
"""

import json
import os
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.monitoring import GradientHistory

BATCH, STEPS = 8, 5


def train(strategy: tf.distribute.Strategy, part: slice) -> GradientHistory:
    """Train on a part of each batch, and return the record."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS, BATCH, 5)).astype("float32")
    y = rng.normal(size=(STEPS, BATCH, 3)).astype("float32")
    keras.utils.set_random_seed(1)
    with strategy.scope():
        layers = [
            keras.layers.Dense(6, activation="relu", name="relu"),
            keras.layers.Dense(6, activation="tanh", name="tanh"),
            keras.layers.Dense(3, name="linear"),
        ]
        model = keras.Sequential([keras.Input((5,)), *layers])
        optimizer = keras.optimizers.SGD(0.05)
        optimizer.build(model.trainable_variables)

    def on_replica(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((model(x) - y) ** 2) / (3 * BATCH)
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)

    @tf.function
    def step(x, y):
        strategy.run(on_replica, args=(x, y))

    monitor = GradientMonitor(update_freq=1, histograms=2)
    with monitor.watch(model, optimizer):
        for i in range(STEPS):
            step(tf.constant(x[i, part]), tf.constant(y[i, part]))
    return monitor.history


def fit(strategy: tf.distribute.Strategy) -> str:
    """Return the error of Keras's own `fit`, without anything of this package; empty for none."""
    with strategy.scope():
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
        model.compile("sgd", "mse")
    try:
        model.fit(np.ones((BATCH, 5)), np.ones((BATCH, 3)), batch_size=BATCH // 2, verbose=0)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    rank, *ports, path = sys.argv[1:]
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    task = {"type": "worker", "index": int(rank)}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})
    workers = tf.distribute.MultiWorkerMirroredStrategy()
    half = BATCH // 2
    history = train(workers, slice(int(rank) * half, (int(rank) + 1) * half))
    history.save(path)
    Path(path).with_suffix(".txt").write_text(fit(workers), "utf-8")
