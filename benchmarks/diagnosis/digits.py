"""How often the diagnosis is right: healthy and faulty trainings on scikit-learn's digits.

python benchmarks/diagnosis/digits.py                  # a line a run, some ten minutes
python benchmarks/diagnosis/digits.py --seeds 0 1 2
python benchmarks/diagnosis/digits.py --only "relu"    # the runs with this in their name

A healthy run should have no finding, and a sick one first a finding of a kind named for it.
"""

import argparse
from typing import Any

import keras
import numpy as np
from digits_runs import CE, HEALTHY, SICK, Run
from sklearn.datasets import load_digits

import keras_course_ext as kce

layers: Any = keras.layers


def findings(run: Run, seed: int) -> list[kce.monitoring.Finding]:
    """Train for five epochs and return what the monitor found."""
    keras.utils.set_random_seed(seed)
    net, optimizer, loss, _ = run
    x, y = load_digits(return_X_y=True)
    x = ((x - x.mean()) / x.std()).astype("float32")
    last = layers.Dense(10, "softmax") if loss == CE else layers.Dense(10)
    model = keras.Sequential([keras.Input((64,)), *net(), last])
    model.compile(optimizer(), loss if loss == CE else "mse")
    target = y if loss == CE else np.eye(10, dtype="float32")[y]
    monitor = kce.callbacks.GradientMonitor()
    model.fit(x, target, batch_size=32, epochs=5, verbose=0, callbacks=[monitor])
    return monitor.findings


def main() -> None:
    """Print what was found in every run, and how often that was right."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    seeds = arguments.seeds
    for title, runs in (("healthy", HEALTHY), ("sick", SICK)):
        right = 0
        chosen = {name: run for name, run in runs.items() if arguments.only in name}
        for name, run in chosen.items():
            for seed in seeds:
                kinds = [f.kind for f in findings(run, seed)]
                good = kinds[0] in run[3] if kinds and run[3] else not kinds and not run[3]
                right += good
                print(
                    f"{title:8}{name:32}{'ok' if good else 'WRONG':7}{', '.join(kinds)}", flush=True
                )
        print(f"{title}: {right} of {len(chosen) * len(seeds)} right\n")


if __name__ == "__main__":
    main()
