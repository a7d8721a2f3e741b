"""Run by `test_keras_is_wrong.py` in a process of its own, for what needs two logical CPUs.

The results go to the JSON file named on the command line: for every case the trained weights, or
the error that came instead.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from problems import regression_data, regression_model

import keras_course_ext.optimizers as ours

CASES: dict[str, Callable[[], Any]] = {
    "accumulation/keras": lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=2),
    "accumulation/ours": lambda: ours.SGD(0.1, gradient_accumulation_steps=2),
    "clipping/keras": lambda: keras.optimizers.SGD(0.1, global_clipnorm=0.1),
    "clipping/ours": lambda: ours.SGD(0.1, global_clipnorm=0.1),
    "schedule_free/keras": lambda: keras.optimizers.ScheduleFreeAdamW(0.05),
    "schedule_free/ours": lambda: ours.ScheduleFreeAdamW(0.05),
}


def fit_under(strategy: Any, make: Callable[[], Any]) -> list[float] | str:
    x, y = regression_data(160)
    try:
        with strategy.scope():
            model = regression_model()
            model.compile(make(), "mse", jit_compile=False)
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return [float(x) for w in model.get_weights() for x in w.ravel()]


def main(path: str) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    strategies = {"one": tf.distribute.get_strategy(), "two": mirrored}
    results = {
        f"{name}/{devices}": fit_under(strategy, make)
        for name, make in CASES.items()
        for devices, strategy in strategies.items()
    }
    with open(path, "w") as file:
        json.dump(results, file)


if __name__ == "__main__":
    main(sys.argv[1])
