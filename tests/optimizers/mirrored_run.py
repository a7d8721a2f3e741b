"""Run by `test_optimizer_distribution.py` in a process of its own.

Logical devices must be set up before TensorFlow starts. The results go to the file named on the
command line: one array per case and optimizer.
"""

import sys

import keras
import numpy as np
import tensorflow as tf
from optimizer_cases import BY_NAME, ONE_PER_STATE
from problems import regression_data, regression_model


def flat(variables) -> np.ndarray:
    return np.concatenate([np.ravel(v) for v in variables])


def apply_under(strategy, make, steps: int = 3) -> np.ndarray:
    """Two variables, a gradient of its own on every replica; the gradients are summed."""
    with strategy.scope():
        w, table = keras.Variable([1.0, -2.0]), keras.Variable(np.ones((4, 2)), dtype="float32")
        optimizer = make()
        optimizer.build([w, table])

    def step():
        share = 1.0 / strategy.num_replicas_in_sync
        g = tf.constant([0.5, -1.0]) * share
        rows = tf.IndexedSlices(
            tf.constant([[1.0, 2.0], [3.0, -1.0]]) * share, tf.constant([3, 3]), tf.constant([4, 2])
        )
        optimizer.apply([g, rows], [w, table])

    for _ in range(steps):
        strategy.run(step)
    return flat([w, table, *optimizer.variables])


def apply_the_same_tensor(strategy, make) -> np.ndarray:
    """One gradient, made before the step: the same tensor on every replica."""
    with strategy.scope():
        w = keras.Variable([1.0, -2.0])
        optimizer = make()
        optimizer.build([w])
    g = tf.constant([0.5, -1.0]) / strategy.num_replicas_in_sync
    for _ in range(3):
        strategy.run(lambda: optimizer.apply([g], [w]))
    return flat([w, *optimizer.variables])


def fit_under(strategy, make) -> np.ndarray:
    x, y = regression_data(160)
    with strategy.scope():
        model = regression_model()
        model.compile(make(), "mse", jit_compile=False)
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    return flat([*model.trainable_variables, *model.optimizer.variables])


def main(path: str) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    alone = tf.distribute.get_strategy()
    results = {}
    for case in ONE_PER_STATE:
        results[f"apply/{case.name}/two"] = apply_under(mirrored, case.ours)
        results[f"apply/{case.name}/one"] = apply_under(alone, case.ours)
    adam = BY_NAME["adam"]
    results["same/adam/two"] = apply_the_same_tensor(mirrored, adam.ours)
    results["same/adam/one"] = apply_the_same_tensor(alone, adam.ours)
    results["fit/adam/ours"] = fit_under(mirrored, adam.ours)
    results["fit/adam/keras"] = fit_under(mirrored, adam.keras)
    np.savez(path, **results)


if __name__ == "__main__":
    main(sys.argv[1])
