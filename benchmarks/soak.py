"""Fits, monitors and reloads for a long time in one process, which must not grow.

python benchmarks/soak.py                  # an hour
python benchmarks/soak.py --minutes 3
python benchmarks/soak.py --only recompiled --layers keras

Each round does all of the following, and prints what the process holds afterwards:

* `fit`: a monitored fit of the same model, with histograms and a file.
* `recompiled`: the same model compiled anew, and a fit.
* `new`: a new model of our layers, a fit, and `clear_session`.
* `reload`: save the model and its optimizer, load it, and continue.

Memory is what the process holds (RSS), graphs are TensorFlow's `FuncGraph`s that the garbage
collector sees. At the end the growth of a round is a straight line through the second half, which
the first half's caches do not bend.
"""

import argparse
import gc
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from monitor_repeats import StepTimes, resident_megabytes

import keras_course_ext as kce

STEPS, BATCH, UNITS = 100, 32, 32
RNG = np.random.default_rng(0)
X = RNG.normal(size=(BATCH * STEPS, UNITS)).astype("float32")
Y = RNG.integers(0, 10, BATCH * STEPS)


def network(whose: str) -> Any:
    """Return a model of our layers or Keras's, not compiled."""
    layers = kce.layers if whose == "ours" else keras.layers
    hidden = [layers.Dense(UNITS, activation="relu") for _ in range(3)]
    return keras.Sequential([keras.Input((UNITS,)), *hidden, layers.Dense(10)])


def compiled(model: Any) -> Any:
    """Compile a model with our Adam."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(kce.optimizers.Adam(), loss)
    return model


def fitted(model: Any, *callbacks: Any) -> float:
    """Train for some steps; return the median time of a step in microseconds."""
    times = StepTimes()
    model.fit(X, Y, batch_size=BATCH, verbose=0, callbacks=[*callbacks, times])
    return float(np.median(times.times[STEPS // 2 :]) * 1e6)


class Soak:
    """What is done in each round, with what it keeps from one to the next."""

    def __init__(self, whose: str, folder: Path) -> None:
        self._whose, self._folder = whose, folder
        self._kept = compiled(network(whose))
        self._recompiled = network(whose)

    def fit(self) -> float:
        """Fit the same model with a monitor."""
        record = str(self._folder / "record.jsonl")
        monitor = kce.callbacks.GradientMonitor(histograms=20, sinks=[record])
        return fitted(self._kept, monitor)

    def recompiled(self) -> float:
        """Compile the same model anew."""
        return fitted(compiled(self._recompiled))

    def new(self) -> float:
        """Make a new model, and clear Keras's session."""
        step = fitted(compiled(network(self._whose)), kce.callbacks.GradientMonitor())
        keras.backend.clear_session()
        return step

    def reload(self) -> float:
        """Save a model, load it, and train on."""
        path = self._folder / "model.keras"
        self._kept.save(path)
        loaded: Any = keras.saving.load_model(path)
        return fitted(loaded)


PARTS = ("fit", "recompiled", "new", "reload")
COLUMNS = ("MB", "graphs", "threads", "files", "us a step")


def held(step: float) -> list[float]:
    """Return what the process holds, and the time of a step."""
    gc.collect()
    graphs = sum(type(thing).__name__ == "FuncGraph" for thing in gc.get_objects())
    files = len(os.listdir("/proc/self/fd"))
    threads = len(os.listdir("/proc/self/task")) or threading.active_count()
    return [resident_megabytes(), graphs, threads, files, step]


def growth(rows: list[list[float]]) -> list[float]:
    """Return the slope of each column over the second half of the rounds."""
    half = np.array(rows[len(rows) // 2 :])
    if len(half) < 2:
        return [float("nan")] * len(COLUMNS)
    return [float(np.polyfit(np.arange(len(half)), column, 1)[0]) for column in half.T]


def soak(parts: list[str], whose: str, seconds: float, say: Callable[[str], None]) -> list[float]:
    """Repeat the parts for some time; return the growth a round of each column."""
    rows: list[list[float]] = []
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        work = Soak(whose, Path(folder))
        say(f"{'round':>6}" + "".join(f"{column:>11}" for column in COLUMNS))
        while time.monotonic() - begin < seconds or len(rows) < 2:
            step = float(np.mean([getattr(work, part)() for part in parts]))
            rows.append(held(step))
            if len(rows) & (len(rows) - 1) == 0 or len(rows) % 20 == 0:
                say(f"{len(rows):6}" + "".join(f"{value:11.1f}" for value in rows[-1]))
    found = growth(rows)
    say(f"{len(rows):6}" + "".join(f"{value:11.1f}" for value in rows[-1]))
    say("growth" + "".join(f"{value:+11.3f}" for value in found) + " a round")
    return found


def main() -> None:
    """Print a line for the rounds 1, 2, 4, 8, 16, 20, 32, 40, ..., and the growth."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--layers", choices=["ours", "keras"], default="ours")
    given = parser.parse_args()
    soak(given.only, given.layers, 60 * given.minutes, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
