"""The cost of hand-written gradients: a training step with our Dense and with Keras's.

python benchmarks/explicit_dense.py                # everything, about a quarter of an hour
python benchmarks/explicit_dense.py --nets "4x512, batch 64" --activations relu

Ratios are ours to Keras's, two fits in lock-step, medians over pairs of steps with a bootstrapped
95 % interval. The row "Keras against itself" is the noise: it must be 1 within its interval. The
optimizer is Keras's plain SGD in both, so that the forward and the backward pass take most of the
time.

The last lines are the peak memory of a process above that before training. Ours and Keras's run in
separate processes, with batches so large that most of the memory holds activations.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
from lockstep import Fit, lockstep
from rows import Row, measured_once, printed, row_of

import keras_course_ext as kce

# Layers, units, batch.
NETS = {
    "3x64, batch 32": (3, 64, 32),
    "4x512, batch 64": (4, 512, 64),
    "3x1024, batch 256": (3, 1024, 256),
}
BIG = (6, 1024, 16384)
ACTIVATIONS = ["relu", "sigmoid", "tanh", "gelu"]
DENSE = {"ours": kce.layers.Dense, "keras": keras.layers.Dense}


def model_of(whose: str, activation: str, depth: int, units: int, jit: bool) -> keras.Model:
    """Return a compiled MLP whose dense layers are ours or Keras's."""
    dense = DENSE[whose]
    hidden = [dense(units, activation=activation) for _ in range(depth)]
    model = keras.Sequential([keras.Input((64,)), *hidden, dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(), loss, jit_compile=jit)
    return model


def fit_of(whose: str, activation: str, net: str, steps: int, jit: bool) -> Fit:
    """Return a fit of a freshly built network."""
    depth, units, batch = NETS[net]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch * steps, 64)).astype("float32")
    y = rng.integers(0, 10, batch * steps)
    model = model_of(whose, activation, depth, units, jit)
    return lambda start, stop: model.fit(x, y, batch_size=batch, verbose=0, callbacks=[start, stop])


def fits(
    nets: Sequence[str],
    activations: Sequence[str],
    steps: int,
    modes: Sequence[bool] = (False, True),
) -> Iterator[Row]:
    """Yield the ratio of a training step on every network, plain and compiled."""
    for net in nets:
        for jit in modes:
            cells = [(activation, "ours") for activation in activations]
            cells.append((activations[0], "keras"))
            for activation, whose in cells:
                first = fit_of(whose, activation, net, steps, jit)
                second = fit_of("keras", activation, net, steps, jit)
                name = activation if whose == "ours" else "Keras against itself"
                how = ", jit" if jit else ""
                yield row_of(f"explicit, {net}{how}, {name}", lockstep(first, second))


def peak(whose: str, activation: str, jit: bool, batch: int) -> float:
    """Return the peak memory of training in MB, above that before it."""
    depth, units, _ = BIG
    model = model_of(whose, activation, depth, units, jit)
    x = np.ones((batch, 64), "float32")
    y = np.zeros(batch, "int32")
    before = high_water()
    model.fit(x, y, batch_size=batch, epochs=3, verbose=0)
    return high_water() - before


def high_water() -> float:
    """Return the peak memory of this process in MB, on Linux.

    Not from `resource`, whose maximum a process inherits from its parent.
    """
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


def memory(
    activations: Sequence[str], modes: Sequence[str] = ("graph", "jit"), batch: int = BIG[2]
) -> Iterator[Row]:
    """Yield the peak memory of training, each measured in its own process."""
    for activation in activations:
        for mode in modes:
            megabytes = [
                float(
                    subprocess.run(
                        [sys.executable, __file__, "--peak", whose, activation, mode, str(batch)],
                        check=True,
                        capture_output=True,
                        text=True,
                    ).stdout.split()[-1]
                )
                for whose in DENSE
            ]
            how = "" if mode == "graph" else ", jit"
            name = f"memory, {'x'.join(map(str, BIG[:2]))}, batch {batch}{how}, {activation}"
            yield measured_once(name, megabytes[0], megabytes[1], "MB")


def rows(quick: bool) -> Iterator[Row]:
    """Yield the rows of the scoreboard: training steps with our Dense."""
    if quick:
        return fits(["4x512, batch 64"], ["relu"], 160, [False])
    return fits(list(NETS), ACTIVATIONS, 460)


def memory_rows(quick: bool) -> Iterator[Row]:
    """Yield the rows of the scoreboard: peak memory."""
    return memory(["relu"], ["graph"], 2048) if quick else memory(ACTIVATIONS)


def main() -> None:
    """Print one line per cell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=["fit", "memory"])
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--activations", nargs="+", default=ACTIVATIONS)
    parser.add_argument("--steps", type=int, default=460)
    parser.add_argument("--peak", nargs=4, metavar=("WHOSE", "ACTIVATION", "MODE", "BATCH"))
    args = parser.parse_args()
    if args.peak:
        whose, activation, mode, batch = args.peak
        print(peak(whose, activation, mode == "jit", int(batch)))
        return
    if args.only in (None, "fit"):
        printed(fits(args.nets, args.activations, args.steps))
    if args.only in (None, "memory"):
        printed(memory(args.activations))


if __name__ == "__main__":
    main()
