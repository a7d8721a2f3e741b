"""What a GradientMonitor costs: the step with it, as a share of the step without it.

python benchmarks/monitor_overhead.py
"""

import argparse

import keras
import numpy as np
from lockstep import Fit, lockstep

import keras_course_ext as kce

NETS = {"3x64, batch 32": (3, 64, 32), "4x512, batch 64": (4, 512, 64)}


def fit_of(net: str, steps: int, jit: bool, monitored: bool) -> Fit:
    """Return a fit of a freshly built network."""
    depth, units, batch = NETS[net]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch * steps, 64)).astype("float32")
    y = rng.integers(0, 10, batch * steps)
    hidden = [keras.layers.Dense(units, activation="relu") for _ in range(depth)]
    model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10)])
    model.compile(
        optimizer="adam",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=jit,
    )
    own = [kce.callbacks.GradientMonitor()] if monitored else []
    return lambda start, stop: model.fit(
        x, y, batch_size=batch, verbose=0, callbacks=[start, *own, stop]
    )


def main() -> None:
    """Print one line a cell: the identical pair, then the monitored one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=460)
    steps = parser.parse_args().steps
    for net in NETS:
        for jit in (False, True):
            name = f"{net}, {'jit' if jit else 'graph'}"
            for monitored, what in ((False, "nothing against nothing"), (True, "monitor")):
                ratio = lockstep(fit_of(net, steps, jit, monitored), fit_of(net, steps, jit, False))
                print(f"{name:24} {what:24} {ratio}", flush=True)


if __name__ == "__main__":
    main()
