"""Compare the time of every activation, forward and backward, with Keras's.

Run it on a machine without other load: `python benchmarks/activations.py [name ...]`. Each figure
is our time divided by Keras's: the median over many pairs of calls, with its bootstrapped 95 %
interval and Keras's time for one application. Each call runs a loop of applications within a
`tf.function`. An application computes the value and the gradient, and the gradient is the next
input, so that nothing can be hoisted out of the loop. The first line of each block compares Keras's
softplus with itself: the noise of the machine. `--memory` compares the memory that a net of 16
matrix products, each followed by the activation, keeps for its backward pass.
"""

import argparse
import functools
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from lockstep import Ratio, ratio_of
from rows import Row, measured_once, printed, row_of

import keras_course_ext as kce

PAIRS_OF_CALLS = 100
SIZES = [(64, 512), (256, 1024), (4096, 1024)]
SAME = "Keras against itself"


def _pair(name: str, **options: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    ours, theirs = getattr(kce.activations, name), getattr(keras.activations, name)
    return functools.partial(ours, **options), functools.partial(theirs, **options)


PLAIN = (
    "gelu silu softplus softmax linear sigmoid tanh relu leaky_relu elu selu softsign hard_sigmoid "
    "exponential log_softmax"
)
PAIRS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    SAME: (keras.activations.softplus, keras.activations.softplus),
    **{name: _pair(name) for name in PLAIN.split()},
    "gelu, tanh": _pair("gelu", approximate=True),
    "softmax, axis 0": _pair("softmax", axis=0),
    "elu, alpha": _pair("elu", alpha=0.5),
    "relu, all options": _pair("relu", negative_slope=0.1, max_value=5.0, threshold=0.1),
}


def loop(f: Callable[..., Any], applications: int, jit: bool) -> Callable[..., Any]:
    """Return a compiled loop of `f`, forward and backward."""

    @tf.function(jit_compile=jit)
    def run(x, dy):
        y = x
        for _ in tf.range(applications):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = f(x)
            x = tape.gradient(y, x, output_gradients=dy)
        return tf.reduce_sum(x[0]) + tf.reduce_sum(y[0])

    return run


def compare(
    ours: Callable[..., Any], theirs: Callable[..., Any], size: tuple[int, int], jit: bool
) -> Ratio:
    """Return the ratio of our time to Keras's, with Keras's time of one application in seconds."""
    applications = max(2, 2**21 // (size[0] * size[1]))
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=size), tf.float32)
    # Small enough that the iteration x ← e^x · dy stays finite.
    dy = tf.constant(rng.uniform(-0.35, 0.35, size), tf.float32)
    runs = [loop(f, applications, jit) for f in (ours, theirs)]
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(3 + PAIRS_OF_CALLS):
        # The order alternates, because the first one starts with the caches of the second.
        for i in (0, 1) if turn % 2 else (1, 0):
            start = time.perf_counter()
            runs[i](x, dy).numpy()
            if turn >= 3:
                times[i].append((time.perf_counter() - start) / applications)
    return ratio_of(*times)


def peak(name: str, which: int) -> float:
    """Return the growth, in MiB, of a process that runs 16 in a row, forward and backward."""
    f = PAIRS[name][which]
    kernel = tf.eye(SIZES[-1][1])

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in range(16):
                y = f(y @ kernel)
        return tf.reduce_sum(tape.gradient(y, x))

    step(tf.zeros((1, SIZES[-1][1])))
    x = tf.random.normal(SIZES[-1])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        step(x)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def peak_in_a_process(name: str, which: int) -> float:
    """Return `peak`, measured in a new process."""
    code = f"import activations; print(activations.peak({name!r}, {which}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=sys.path[0], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def compared(
    names: Sequence[str],
    sizes: Sequence[tuple[int, int]] = tuple(SIZES),
    modes: Sequence[bool] = (False, True),
) -> Iterator[Row]:
    """Yield the ratio of every activation at every size, plain and compiled."""
    for jit in modes:
        for size in sizes:
            for name in names:
                where = f"{size[0]}x{size[1]}{', jit' if jit else ''}"
                yield row_of(f"activation, {where}, {name}", compare(*PAIRS[name], size, jit))


def memory(names: Sequence[str]) -> Iterator[Row]:
    """Yield the peak memory of 16 in a row, forward and backward."""
    for name in names:
        ours, theirs = (peak_in_a_process(name, which) for which in (0, 1))
        yield measured_once(f"memory, 16 in a row, {name}", ours, theirs, "MB")


def rows(quick: bool) -> Iterator[Row]:
    """Yield the rows of the scoreboard."""
    if quick:
        return compared([SAME, "relu", "sigmoid", "gelu"], SIZES[1:2], [False])
    return compared(list(PAIRS))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(PAIRS)}")
    parser.add_argument("--memory", action="store_true", help="compare peak memory instead")
    arguments = parser.parse_args()
    names = arguments.names
    if unknown := set(names) - set(PAIRS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; the names are {', '.join(PAIRS)}")
    chosen = [SAME, *names] if names else list(PAIRS)
    printed(memory(chosen) if arguments.memory else compared(chosen))


if __name__ == "__main__":
    main()
