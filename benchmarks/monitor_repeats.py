"""Memory and step time of many monitored fits in a row, which must not grow.

python benchmarks/monitor_repeats.py            # fifty fits, some two minutes
python benchmarks/monitor_repeats.py --plain    # the same without a monitor, traced anew each time
"""

import argparse
import gc
import time
from typing import Any

import keras
import numpy as np

import keras_course_ext as kce

STEPS = 200


class StepTimes(keras.callbacks.Callback):
    """Times every step."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Stop it."""
        self.times.append(time.perf_counter() - self._began)


def resident_megabytes() -> float:
    """Return the memory that this process holds, in MB; on Linux."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096 / 1e6


def main() -> None:
    """Print a line every few fits."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fits", type=int, default=50)
    parser.add_argument("--plain", action="store_true")
    args = parser.parse_args()
    hidden = [kce.layers.Dense(64, activation="relu") for _ in range(3)]
    model: Any = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32 * STEPS, 64)).astype("float32")
    y = rng.integers(0, 10, 32 * STEPS)
    for i in range(args.fits):
        times = StepTimes()
        monitors = [] if args.plain else [kce.callbacks.GradientMonitor(histograms=50)]
        if args.plain:
            model.make_train_function(force=True)
        model.fit(x, y, batch_size=32, verbose=0, callbacks=[*monitors, times])
        if i % 7 == 0 or i == args.fits - 1:
            gc.collect()
            graphs = sum(type(thing).__name__ == "FuncGraph" for thing in gc.get_objects())
            step = np.median(times.times[60:]) * 1e6
            memory = resident_megabytes()
            print(
                f"fit {i + 1:3}: {memory:7.1f} MB, {graphs:3} graphs, step {step:.0f} us",
                flush=True,
            )


if __name__ == "__main__":
    main()
