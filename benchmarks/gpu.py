"""The scoreboard of a GPU: updates, training steps, explicit layers and the monitor on one device.

python benchmarks/gpu.py                 # at most five minutes on one GPU
python benchmarks/gpu.py --json gpu.json
python benchmarks/gpu.py --quick         # small networks and few steps, also on a CPU

Two variants take turns of several steps. The clock stops when the device has finished them
(`tf.test.experimental.sync_devices`), otherwise it would time the queue. Each mode has a row of
Keras against itself, which must be 1 within its interval. What does not fit into the time is
left out, and said so.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from lockstep import Fit, lockstep
from monitor_overhead import Attention, mlp
from optimizer_step import interleaved, updater
from rows import Row, printed, row_of
from scoreboard import table, write

import keras_course_ext as kce

SECONDS = 280  # no cell begins later than this
TURN = 10  # steps


def synced(function: Callable[[], Any]) -> Callable[[], None]:
    """Return the function followed by a wait for the device."""

    def run() -> None:
        function()
        tf.test.experimental.sync_devices()

    return run


def convolutions(layer: Any, filters: int) -> list[Any]:
    """Return the layers of a small CNN on square images."""
    convolutions = [layer(filters, 3, activation="relu", padding="same") for _ in range(3)]
    last = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)]
    return [keras.Input((filters // 2, filters // 2, 16)), *convolutions, *last]


def dense(layer: Any, depth: int, units: int) -> list[Any]:
    """Return the layers of an MLP of such layers."""
    hidden = [layer(units, activation="relu") for _ in range(depth)]
    return [keras.Input((64,)), *hidden, layer(10)]


def transformer() -> list[Any]:
    """Return the layers of a classifier with two transformer blocks."""
    pooling = keras.layers.GlobalAveragePooling1D()
    return [keras.Input((32, 64)), Attention(), Attention(), pooling, keras.layers.Dense(10)]


@dataclass(frozen=True)
class Size:
    """How large the networks are, and how long they are measured.

    Attributes:
        nets: By name, a function that returns the layers, and the size of a batch.
        shapes: By name, the shapes of the variables of an update.
        turns: Number of turns of each variant, without the first ones.
        updates: Number of updates in a graph.
        units: Units of the explicit Dense layers; the filters of the convolutions are an eighth.
    """

    nets: dict[str, tuple[Callable[[], list[Any]], int]]
    shapes: dict[str, list[tuple[int, ...]]]
    turns: int
    updates: int
    units: int


FULL = Size(
    {
        "4x512, batch 64": (lambda: mlp(4, 512), 64),
        "3x4096, batch 1024": (lambda: mlp(3, 4096), 1024),
        "two transformer blocks, batch 64": (transformer, 64),
    },
    {"10 x (512x512 + bias)": [(512, 512), (512,)] * 10, "400 of 32x32": [(32, 32)] * 400},
    turns=24,
    updates=10,
    units=512,
)
QUICK = Size({"3x16, batch 8": (lambda: mlp(3, 16), 8)}, {"two": [(8, 8), (8,)]}, 4, 2, 32)


def fit_of(layers: list[Any], batch: int, optimizer: Any, jit: bool, turns: int, *own: Any) -> Fit:
    """Return a fit of a new network on one batch, repeated."""
    model = keras.Sequential(layers)
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(batch, *model.input_shape[1:])), tf.float32)
    y = tf.constant(rng.integers(0, 10, batch))
    # The batch stays on the device: copying data is no part of what is compared.
    data = tf.data.Dataset.from_tensors((x, y)).cache().repeat((turns + SKIP) * TURN)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=jit)
    how = {"shuffle": False, "verbose": 0}
    return lambda start, stop: model.fit(data, callbacks=[start, *own, stop], **how)


SKIP = 3  # turns: tracing, compiling, warm-up

Cell = tuple[str, Callable[[], Any]]


def cells(size: Size) -> Iterator[Cell]:
    """Yield the name of every row and a function that measures it, the most important first."""
    adam = {"ours": kce.optimizers.Adam, "keras": keras.optimizers.Adam}

    def in_turns(first: Fit, second: Fit) -> Any:
        sync = tf.test.experimental.sync_devices
        return lockstep(first, second, SKIP, turn=TURN, sync=sync)

    def fits(net: str, jit: bool, ours: str) -> Any:
        layers, batch = size.nets[net]
        fit = [fit_of(layers(), batch, adam[w](), jit, size.turns) for w in (ours, "keras")]
        return in_turns(*fit)

    def explicit(kind: str, jit: bool) -> Any:
        fit = []
        for module in (kce.layers, keras.layers):
            if kind == "Dense":
                layers = dense(module.Dense, 4, size.units)
            else:
                layers = convolutions(module.Conv2D, size.units // 8)
            fit.append(fit_of(layers, 64, keras.optimizers.SGD(), jit, size.turns))
        return in_turns(*fit)

    def monitored(net: str, jit: bool, monitor: Any) -> Any:
        layers, batch = size.nets[net]
        fit = [
            fit_of(layers(), batch, keras.optimizers.Adam(), jit, size.turns, *own)
            for own in ([monitor()], [])
        ]
        return in_turns(*fit)

    def updates(shapes: str, jit: bool, ours: str) -> Any:
        first, second = (
            synced(updater(adam[w](), size.shapes[shapes], size.updates, jit))
            for w in (ours, "keras")
        )
        return interleaved(first, second, size.turns)

    monitors = {
        "default": kce.callbacks.GradientMonitor,
        "norms": lambda: kce.callbacks.GradientMonitor(1, "norms"),
        "all": lambda: kce.callbacks.GradientMonitor(1),
    }
    first = next(iter(size.nets))
    for jit in (False, True):
        how = "jit" if jit else "graph"
        name = f"gpu, fit, {first}, {how}, Keras against itself"
        yield name, lambda jit=jit: fits(first, jit, "keras")
        for shapes in size.shapes:
            name = f"gpu, update, {shapes}, {how}, Adam"
            yield name, lambda shapes=shapes, jit=jit: updates(shapes, jit, "ours")
        for net in list(size.nets)[:2]:
            yield f"gpu, fit, {net}, {how}, Adam", lambda n=net, jit=jit: fits(n, jit, "ours")
        for kind in ("Dense", "Conv2D"):
            yield f"gpu, explicit, {kind}, {how}", lambda k=kind, jit=jit: explicit(k, jit)
        for setting, make in monitors.items():
            name = f"gpu, monitor, {first}, {how}, {setting}"
            yield name, lambda jit=jit, make=make: monitored(first, jit, make)
    for net in list(size.nets)[1:]:
        for jit in (False, True):
            how = "jit" if jit else "graph"
            if net != list(size.nets)[1]:
                yield f"gpu, fit, {net}, {how}, Adam", lambda n=net, jit=jit: fits(n, jit, "ours")
            for setting in ("default", "all"):
                name = f"gpu, monitor, {net}, {how}, {setting}"
                yield name, lambda n=net, jit=jit, m=monitors[setting]: monitored(n, jit, m)


def rows(quick: bool, seconds: float = SECONDS) -> Iterator[Row]:
    """Yield the rows, until the time is over."""
    begin = time.monotonic()
    for name, measure in cells(QUICK if quick else FULL):
        if time.monotonic() - begin > seconds:
            print(f"left out for lack of time: {name}")
        else:
            yield row_of(name, measure())
            keras.backend.clear_session()


def main() -> None:
    """Print the rows as they come, then the table; write them with `--json`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    devices = tf.config.list_physical_devices("GPU")
    if not devices and not given.quick:
        parser.error("TensorFlow sees no GPU; `--quick` runs on a CPU, to try the program")
    found = []
    for row in rows(given.quick, given.seconds):
        printed([row])
        found.append(row)
    print("\n" + "\n".join(table(found)))
    if given.json:
        names = [tf.config.experimental.get_device_details(d).get("device_name") for d in devices]
        write(given.json, found, {"quick": given.quick, "gpu": names})


if __name__ == "__main__":
    main()
