"""The cost of an update: our optimizers and Keras's, interleaved in one process.

python benchmarks/optimizer_step.py                # everything, about half an hour
python benchmarks/optimizer_step.py --only update --optimizers Adam --models "400 of 32x32"

Ratios are ours to Keras's, medians over pairs with a bootstrapped 95 % interval. The row
"Keras against itself" is the noise: it must be 1 within its interval.

* `update`: one update inside a graph, without a model; several updates per call.
* `fit`: a training step of an MLP, two fits in lock-step.
* `first`: the first call of the update, with tracing and compiling, in seconds.
* `lazy`: an update of 1 % of the rows of a table with `lazy=True`.
* `memory`: the state of Adam for 100 million parameters, and the peak memory of a step above it.
* `limit`: the bytes that a rule must move, over the bandwidth of a copy, relative to its time.
"""

import argparse
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from lockstep import Fit, Ratio, lockstep, ratio_of
from rows import Row, measured_once, printed, row_of

import keras_course_ext as kce

Shapes = list[tuple[int, ...]]

OPTIMIZERS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "SGD": (kce.optimizers.SGD, keras.optimizers.SGD),
    "Momentum": (
        lambda: kce.optimizers.SGD(momentum=0.9),
        lambda: keras.optimizers.SGD(momentum=0.9),
    ),
    "Adam": (kce.optimizers.Adam, keras.optimizers.Adam),
    "RMSprop": (kce.optimizers.RMSprop, keras.optimizers.RMSprop),
    "Adagrad": (kce.optimizers.Adagrad, keras.optimizers.Adagrad),
    "AdamW": (lambda: kce.optimizers.AdamW(), keras.optimizers.AdamW),
}

# Number of arrays of the size of the weights that a rule reads or writes.
PASSES = {"SGD": 3, "Momentum": 5, "Adam": 7, "RMSprop": 5, "Adagrad": 5, "AdamW": 7}

NETS = {
    "3x64, batch 32": (3, 64, 32),
    "4x512, batch 64": (4, 512, 64),
    "3x1024, batch 256": (3, 1024, 256),
}


def resnet_50() -> Shapes:
    """Return the shapes of the trainable variables of a ResNet-50."""
    model = keras.applications.ResNet50(weights=None)
    return [tuple(v.shape) for v in model.trainable_variables]


MODELS: dict[str, Callable[[], Shapes]] = {
    "one 4096x4096": lambda: [(4096, 4096)],
    "10 x (512x512 + bias)": lambda: [(512, 512), (512,)] * 10,
    "ResNet-50": resnet_50,
    "400 of 32x32": lambda: [(32, 32)] * 400,
}


def weights_of(shapes: Shapes) -> list[keras.Variable]:
    """Return variables of these shapes."""
    rng = np.random.default_rng(0)
    return [keras.Variable(0.1 * rng.normal(size=shape), dtype="float32") for shape in shapes]


def updater(optimizer: Any, shapes: Shapes, updates: int, jit: bool) -> Callable[[], Any]:
    """Return a function that makes several updates inside a graph; the first call traces it."""
    weights = weights_of(shapes)
    optimizer.build(weights)
    rng = np.random.default_rng(1)
    grads = [tf.constant(rng.normal(size=shape), tf.float32) for shape in shapes]

    @tf.function(jit_compile=jit)
    def run(grads: Sequence[tf.Tensor]) -> None:
        for _ in tf.range(updates):
            optimizer.apply(grads, weights)

    return lambda: run(grads)


def timed(function: Callable[[], Any]) -> float:
    """Return the seconds that a call takes."""
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def interleaved(first: Callable[[], Any], second: Callable[[], Any], pairs: int) -> Ratio:
    """Time two functions alternately, in alternating order."""
    times: list[list[float]] = [[], []]
    for function in (first, second, first, second):
        function()
    for i in range(pairs):
        for which in ((0, 1), (1, 0))[i % 2]:
            times[which].append(timed((first, second)[which]))
    return ratio_of(times[0], times[1])


def updates(optimizers: Sequence[str], models: Sequence[str], pairs: int) -> Iterator[Row]:
    """Yield the ratio and the first call of every optimizer on every model, plain and compiled."""
    for model in models:
        shapes = MODELS[model]()
        number = max(1, min(10, int(3e7 // sum(np.prod(shape) for shape in shapes))))
        for jit in (False, True):
            cells = [(name, *OPTIMIZERS[name]) for name in optimizers]
            cells.append(("Keras against itself", keras.optimizers.Adam, keras.optimizers.Adam))
            for name, ours, theirs in cells:
                functions = [updater(make(), shapes, number, jit) for make in (ours, theirs)]
                first = [timed(function) for function in functions]
                ratio = interleaved(functions[0], functions[1], pairs)
                how = ", jit" if jit else ""
                detail = f"{number} updates; first call {first[0]:.2f} s, Keras {first[1]:.2f} s"
                yield row_of(f"update, {model}{how}, {name}", ratio, detail)


def fit_of(optimizer: Any, net: str, steps: int, jit: bool) -> Fit:
    """Return a fit of a freshly built network."""
    depth, units, batch = NETS[net]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch * steps, 64)).astype("float32")
    y = rng.integers(0, 10, batch * steps)
    hidden = [keras.layers.Dense(units, activation="relu") for _ in range(depth)]
    model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=jit)
    return lambda start, stop: model.fit(x, y, batch_size=batch, verbose=0, callbacks=[start, stop])


def fits(
    optimizers: Sequence[str],
    steps: int,
    nets: Sequence[str] = tuple(NETS),
    modes: Sequence[bool] = (False, True),
) -> Iterator[Row]:
    """Yield the ratio of a training step of every optimizer on every network."""
    for net in nets:
        for jit in modes:
            cells = [(name, *OPTIMIZERS[name]) for name in optimizers]
            cells.append(("Keras against itself", keras.optimizers.Adam, keras.optimizers.Adam))
            for name, ours, theirs in cells:
                first, second = (fit_of(make(), net, steps, jit) for make in (ours, theirs))
                how = ", jit" if jit else ""
                yield row_of(f"fit, {net}{how}, {name}", lockstep(first, second))


def memory(parameters: int = 100_000_000) -> Iterator[Row]:
    """Yield the size of Adam's state, and the peak of a step above it, to that of the model."""
    side = 1000
    shapes = [(side, side)] * (parameters // side**2)
    weights = weights_of(shapes)
    optimizer = kce.optimizers.Adam()
    optimizer.build(weights)
    grads = [tf.zeros(shape) for shape in shapes]
    model = 4 * parameters
    slots = sum(4 * int(np.prod(v.shape)) for v in optimizer.variables)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    step = tf.function(lambda: optimizer.apply(grads, weights))
    step()
    step()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for name, size in (("state", slots), ("peak of a step beyond the state", after - before)):
        which = f"memory, Adam on {parameters:,} parameters, {name} to the model"
        yield measured_once(which, size / 1e6, model / 1e6, "MB")


def lazy(
    pairs: int, table: tuple[int, int] = (1_000_000, 64), looked_up: int = 10_000
) -> Iterator[Row]:
    """Yield the time of a lazy update of a table, relative to a dense one."""
    rng = np.random.default_rng(0)
    rows = tf.constant(rng.integers(0, table[0], looked_up))
    values = tf.constant(rng.normal(size=(looked_up, table[1])), tf.float32)
    gradient = tf.IndexedSlices(values, rows, tf.constant(table, tf.int64))

    def updating(optimizer: Any) -> Callable[[], Any]:
        weights = keras.Variable(np.zeros(table, "float32"))
        optimizer.build([weights])
        return tf.function(lambda: optimizer.apply([gradient], [weights]))

    only_rows, dense, theirs = (
        updating(optimizer)
        for optimizer in (
            kce.optimizers.Adam(lazy=True),
            kce.optimizers.Adam(),
            keras.optimizers.Adam(),
        )
    )
    where = f"{looked_up:,} rows of {table[0]:,} x {table[1]}"
    for name, other in (("our dense update", dense), ("Keras's", theirs)):
        yield row_of(f"lazy, Adam, {where}, to {name}", interleaved(only_rows, other, pairs))


def limits(optimizers: Sequence[str], pairs: int) -> Iterator[Row]:
    """Yield the time of the update of one large variable to that of moving its bytes.

    The bytes that the rule must read and write, at the bandwidth of a copy: 1 is the limit.
    """
    shapes = MODELS["one 4096x4096"]()
    size = 4 * np.prod(shapes[0])
    cores = os.cpu_count() or 1
    source, target = (
        np.array_split(make(shapes[0], "float32"), cores) for make in (np.zeros, np.ones)
    )
    pool = ThreadPoolExecutor(cores)

    def copy() -> None:
        list(pool.map(np.copyto, target, source))

    for name in optimizers:
        run = updater(OPTIMIZERS[name][0](), shapes, updates=1, jit=False)
        run()
        ratio = interleaved(run, copy, pairs)
        share = PASSES[name] / 2
        bound = Ratio(
            ratio.median / share,
            ratio.low / share,
            ratio.high / share,
            ratio.pairs,
            ratio.seconds * share,
        )
        speed = 2 * size / ratio.seconds / 1e9
        detail = f"{PASSES[name] * size / 1e6:.0f} MB at {speed:.1f} GB/s, {cores} threads"
        yield row_of(f"limit, one 4096x4096, {name}", bound, detail)


def update_rows(quick: bool) -> Iterator[Row]:
    """Yield the rows of the scoreboard: updates."""
    if quick:
        return updates(["Adam"], ["10 x (512x512 + bias)"], 10)
    return updates(list(OPTIMIZERS), list(MODELS), 20)


def fit_rows(quick: bool) -> Iterator[Row]:
    """Yield the rows of the scoreboard: training steps."""
    if quick:
        return fits(["Adam"], 160, ["4x512, batch 64"], [False])
    return fits(list(OPTIMIZERS), 360)


def lazy_rows(quick: bool) -> Iterator[Row]:
    """Yield the rows of the scoreboard: an update of a few rows of a table."""
    return lazy(5, (100_000, 64), 1_000) if quick else lazy(20)


def main() -> None:
    """Print one line per cell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=["update", "fit", "lazy", "memory", "limit"])
    parser.add_argument("--optimizers", nargs="+", choices=OPTIMIZERS, default=list(OPTIMIZERS))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--steps", type=int, default=360)
    args = parser.parse_args()
    cells: dict[str, Callable[[], Iterator[Row]]] = {
        "update": lambda: updates(args.optimizers, args.models, args.pairs),
        "fit": lambda: fits(args.optimizers, args.steps),
        "lazy": lambda: lazy(args.pairs),
        "limit": lambda: limits(args.optimizers, args.pairs),
        "memory": memory,
    }
    for name, measure in cells.items():
        if args.only in (None, name):
            printed(measure())


if __name__ == "__main__":
    main()
