"""CPU seconds of many short epochs, and of a second fit: plain, and with a `GradientMonitor`.

`python benchmarks/monitor_epochs.py` fits XOR, one step an epoch, for growing numbers of epochs:
the ratio to the plain fit must not grow with them. Then it fits a deep network three times with the
same monitor: only the first fit traces. CPU seconds are compared, so other programs disturb little.
"""

import argparse
import time
from collections.abc import Sequence

import keras
import numpy as np

import keras_course_ext as kce

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
Y = (X[:, :1] != X[:, 1:]).astype("float32")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--epochs", type=int, nargs="+", default=[500, 1000, 2000, 10_000])
    parser.add_argument("--layers", type=int, nargs="+", default=[20, 100])
    args = parser.parse_args()
    monitors = {"default": {}, "every step": {"update_freq": 1}}
    seconds_of(xor(), 20, [])  # warms up
    print("epochs of XOR  " + "  ".join(f"{name:>22}" for name in ("plain", *monitors)))
    for epochs in args.epochs:
        plain = seconds_of(xor(), epochs, [])
        cells = [f"{plain:8.2f} s"]
        for arguments in monitors.values():
            monitor = kce.callbacks.GradientMonitor(**arguments)
            seconds = seconds_of(xor(), epochs, [monitor])
            cells.append(f"{seconds:8.2f} s, ratio {seconds / plain:4.2f}")
        print(f"{epochs:13}  " + "  ".join(f"{cell:>22}" for cell in cells), flush=True)
    print("three fits of 200 steps, seconds of each")
    for layers in args.layers:
        plain = fits(layers, [])
        monitored = fits(layers, [kce.callbacks.GradientMonitor()])
        print(f"{layers} Dense layers: plain {plain}, monitored {monitored}", flush=True)


def xor() -> keras.Model:
    """Return a network that can learn XOR."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(4, "tanh"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(keras.optimizers.SGD(0.5), "mse", jit_compile=False)
    return model


def seconds_of(model: keras.Model, epochs: int, callbacks: Sequence) -> float:
    """Return the CPU seconds of a fit."""
    start = time.process_time()
    model.fit(X, Y, epochs=epochs, verbose=0, callbacks=list(callbacks))
    return time.process_time() - start


def fits(layers: int, callbacks: Sequence) -> list[float]:
    """Return the CPU seconds of three fits of one model."""
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(32, "relu") for _ in range(layers)]
    model = keras.Sequential([keras.Input((32,)), *hidden, keras.layers.Dense(1)])
    model.compile("adam", "mse", jit_compile=False)
    x = np.random.default_rng(0).normal(size=(6400, 32)).astype("float32")
    seconds = []
    for _ in range(3):
        start = time.process_time()
        model.fit(x, x[:, :1], epochs=1, verbose=0, callbacks=list(callbacks))
        seconds.append(round(time.process_time() - start, 2))
    return seconds


if __name__ == "__main__":
    main()
