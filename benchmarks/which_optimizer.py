"""Which optimizer? Steps and seconds to a target, on four small tasks, each at its best rate.

    python benchmarks/which_optimizer.py             # all, a quarter of an hour on one core
    python benchmarks/which_optimizer.py --quick     # two optimizers, a few steps
    python benchmarks/which_optimizer.py --draw which_optimizer.png

Every optimizer gets the same budget: each learning rate of one grid is tried once, with a seed that
is not used again; the rate that reaches the target first is kept (if none does, that of the lowest
loss), and run with five other seeds. All other arguments have their defaults. The loss is that of
held-out data, taken every ten steps. What has been measured is kept in `--results`, so the
script can be stopped and started again.
"""

import argparse
import json
import math
import pathlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rows import Row, measured_once

import keras_course_ext as kce
from keras_course_ext.optimizers.engine.state import restart

GRID = [round(10.0**e, 6) for e in np.arange(-4, 2, 0.5)]
"""The learning rates, two a decade from 1e-4 to 32."""

SEEDS = range(5)
TUNING_SEED = 100
EVERY = 10
"""Steps between two looks at the held-out loss."""

BATCH = 64
NOT_ALONE = {"RuleOptimizer", "Lookahead", "LayerWise", "GradientDescent"}
"""Wrappers, the base class, and another name of SGD."""


@dataclass(frozen=True)
class Task:
    """A data set, a model and a loss to reach.

    Attributes:
        data: Returns inputs and targets, float32 or integers.
        model: Makes the model.
        loss: From targets and outputs to the loss of every sample.
        target: The held-out loss to reach.
        steps: The most steps of a run.
    """

    data: Callable[[], tuple[np.ndarray, np.ndarray]]
    model: Callable[[], Any]
    loss: Callable[[Any, Any], Any]
    target: float
    steps: int = 400


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1797 images of 8 x 8 pixels, and their digits."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x / 16).astype("float32"), y.astype("int32")


def diabetes() -> tuple[np.ndarray, np.ndarray]:
    """Ten measurements of 442 patients, and the progression of their disease, standardized."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    x, y = ((v - v.mean(0)) / v.std(0) for v in (x, y[:, None]))
    return x.astype("float32"), y.astype("float32")


def sequential(inputs: int, *layers: Any) -> Any:
    """Makes a model of layers."""
    return keras.Sequential([keras.Input((inputs,)), *layers])


def mlp() -> Any:
    """Two hidden layers."""
    dense = keras.layers.Dense
    return sequential(64, dense(64, "relu"), dense(64, "relu"), dense(10))


def cnn() -> Any:
    """Two convolutions."""
    return sequential(
        64,
        keras.layers.Reshape((8, 8, 1)),
        keras.layers.Conv2D(16, 3, activation="relu"),
        keras.layers.Conv2D(16, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    )


def regression() -> Any:
    """One hidden layer."""
    return sequential(10, keras.layers.Dense(32, "relu"), keras.layers.Dense(1))


def rnn() -> Any:
    """The eight rows of a digit, one after the other."""
    return sequential(
        64,
        keras.layers.Reshape((8, 8)),
        keras.layers.SimpleRNN(48, unroll=True),
        keras.layers.Dense(10),
    )


def crossentropy(y: Any, out: Any) -> Any:
    """The crossentropy of logits, for every sample."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(y, out)


def squared_error(y: Any, out: Any) -> Any:
    """The squared error, for every sample."""
    return tf.reduce_sum(tf.square(out - y), axis=1)


TASKS = {
    "digits, MLP": Task(digits, mlp, crossentropy, 0.2),
    "digits, CNN": Task(digits, cnn, crossentropy, 0.15),
    "diabetes, regression": Task(diabetes, regression, squared_error, 0.55),
    "digits by rows, RNN": Task(digits, rnn, crossentropy, 0.3),
}

OPTIMIZERS = [name for name in kce.optimizers.__all__ if name not in NOT_ALONE]
OPTIMIZERS = [
    name
    for name in OPTIMIZERS
    if isinstance(made := getattr(kce.optimizers, name), type)
    and issubclass(made, kce.optimizers.RuleOptimizer)
]


class Runs:
    """All runs of one optimizer on one task: the graph is traced once.

    Args:
        task: The task.
        optimizer: The name of the optimizer's class.
    """

    def __init__(self, task: Task, optimizer: str) -> None:
        self.task = task
        x, y = task.data()
        order = np.random.default_rng(0).permutation(len(x))
        held = len(x) // 5
        self.rows = len(x) - held
        self.held = [tf.constant(v[order[:held]]) for v in (x, y)]
        self.train = [tf.constant(v[order[held:]]) for v in (x, y)]
        self.model = task.model()
        self.optimizer: Any = getattr(kce.optimizers, optimizer)(learning_rate=0.1)
        self.optimizer.build(self.model.trainable_variables)
        self.first: dict[int, list[np.ndarray]] = {}

    @tf.function
    def _steps(self, rows: Any) -> None:
        x, y = self.train
        w = self.model.trainable_variables
        for i in tf.range(EVERY):
            with tf.GradientTape() as tape:
                out = self.model(tf.gather(x, rows[i]), training=True)
                loss = tf.reduce_mean(self.task.loss(tf.gather(y, rows[i]), out))
            self.optimizer.apply(tape.gradient(loss, w), w)

    @tf.function
    def _held_out(self) -> Any:
        x, y = self.held
        return tf.reduce_mean(self.task.loss(y, self.model(x, training=False)))

    def held_out(self) -> float:
        """The loss of the held-out data, at the averages of an optimizer that keeps some."""
        if not self.optimizer.averages_weights:
            return float(self._held_out())
        self.optimizer.swap(to_average=True)
        loss = float(self._held_out())
        self.optimizer.swap(to_average=False)
        return loss

    def start(self, seed: int) -> None:
        """Gives model and optimizer the state that they have before the first step."""
        if seed not in self.first:
            keras.utils.set_random_seed(seed)
            self.first[seed] = self.task.model().get_weights()
        self.model.set_weights(self.first[seed])
        restart(self.optimizer)

    def run(self, rate: float, seed: int, steps: int) -> dict[str, Any]:
        """Trains until the target is reached.

        Args:
            rate: The learning rate.
            seed: The seed of the first weights and of the batches.
            steps: The most steps.

        Returns:
            `steps` to the target or `None`, the last `loss`, and the `seconds` of a step.
        """
        self.start(seed)
        self.optimizer.learning_rate = rate
        rng, loss, times = np.random.default_rng(seed), math.inf, []
        while len(times) * EVERY < steps:
            rows = rng.integers(0, self.rows, size=(EVERY, min(BATCH, self.rows)))
            begin = time.perf_counter()
            self._steps(tf.constant(rows))
            times.append((time.perf_counter() - begin) / EVERY)
            loss = self.held_out()
            if loss <= self.task.target or not loss < 1e3:
                break
        reached = len(times) * EVERY if loss <= self.task.target else None
        # JSON has no infinity.
        last = loss if math.isfinite(loss) else 1e9
        return {"steps": reached, "loss": last, "seconds": float(np.median(times))}


def measured(task: Task, optimizer: str, grid: list[float], seeds: Any, steps: int) -> dict:
    """Tunes the rate of an optimizer, and runs it at the best one.

    Args:
        task: The task.
        optimizer: The name of the optimizer's class.
        grid: The learning rates.
        seeds: The seeds of the runs at the best rate.
        steps: The most steps of a run.

    Returns:
        The `rate`, the runs of `tuning` by rate, and the `runs` of the seeds.
    """
    runs = Runs(task, optimizer)
    runs.run(grid[0], TUNING_SEED, EVERY)  # traces
    tuning = {rate: runs.run(rate, TUNING_SEED, steps) for rate in grid}
    best = min(grid, key=lambda r: (tuning[r]["steps"] or math.inf, tuning[r]["loss"]))
    return {
        "rate": best,
        "tuning": {str(rate): run for rate, run in tuning.items()},
        "runs": [runs.run(best, seed, steps) for seed in seeds],
    }


def rows(quick: bool) -> Iterator[Row]:
    """Yield the scoreboard's rows: steps to the target, beside those of Adam."""
    names = ["SGD", "Adam"] if quick else OPTIMIZERS
    for name, task in list(TASKS.items())[: 1 if quick else None]:
        grid, seeds = ([1e-2, 1e-1], range(2)) if quick else (GRID, SEEDS)
        steps = 50 if quick else task.steps
        found = {o: typical({name: measured(task, o, grid, seeds, steps)}) for o in names}
        for optimizer in names:
            if optimizer != "Adam":
                label = f"which, {name}, {optimizer}"
                yield measured_once(label, found[optimizer], found["Adam"], "steps")


def cell(found: dict) -> str:
    """The text of a table's cell: median and range of the steps, or how many runs arrived."""
    steps = sorted(run["steps"] for run in found["runs"] if run["steps"])
    if len(steps) < len(found["runs"]):
        return f"{len(steps)} of {len(found['runs'])} arrive"
    return f"{int(np.median(steps))} ({steps[0]}–{steps[-1]}), η = {found['rate']:g}"


def table(results: dict) -> str:
    """The results as a Markdown table."""
    tasks = [name for name in TASKS if any(name in row for row in results.values())]
    lines = [f"| | {' | '.join(tasks)} | ms a step |", "|---|" + "---|" * (len(tasks) + 1)]
    for optimizer, row in sorted(results.items(), key=lambda item: typical(item[1])):
        cells = [cell(row[name]) if name in row else "" for name in tasks]
        times = [run["seconds"] for found in row.values() for run in found["runs"]]
        lines.append(f"| {optimizer} | {' | '.join(cells)} | {1e3 * np.median(times):.2f} |")
    return "\n".join(lines)


def typical(row: dict) -> float:
    """The geometric mean of the steps of all runs; a run that does not arrive counts 800."""
    steps = [run["steps"] or 800 for found in row.values() for run in found["runs"]]
    return float(np.exp(np.mean(np.log(steps))))


def draw(results: dict, path: str) -> None:
    """Draws the steps of every run, a panel for each task."""
    import matplotlib.pyplot as plt

    names = sorted(results, key=lambda name: typical(results[name]), reverse=True)
    figure, axes = plt.subplots(1, len(TASKS), figsize=(12, 7), sharey=True, layout="constrained")
    for ax, (title, task) in zip(axes, TASKS.items(), strict=True):
        for i, name in enumerate(names):
            runs = results[name].get(title, {"runs": []})["runs"]
            steps = [run["steps"] for run in runs if run["steps"]]
            ax.plot(steps, [i] * len(steps), "o", color="C0", alpha=0.5, markersize=5)
            if steps:
                ax.plot(np.median(steps), i, "|", color="black", markersize=12)
            if missing := len(runs) - len(steps):
                ax.text(task.steps, i, f"{missing} not", va="center", ha="right", fontsize=7)
        ax.set(xscale="log", title=f"{title}\nloss ≤ {task.target}", xlabel="steps")
        ax.grid(axis="x", alpha=0.3)
    axes[0].set_yticks(range(len(names)), names)
    figure.savefig(path, dpi=90)


def main() -> None:
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--optimizers", nargs="+", default=None, choices=OPTIMIZERS)
    parser.add_argument("--tasks", nargs="+", default=None, choices=list(TASKS))
    parser.add_argument("--results", default=None, help="a JSON file that is read and continued")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long")
    parser.add_argument("--draw", default=None, help="the path of a picture")
    options = parser.parse_args()
    grid, seeds, optimizers, tasks = GRID, SEEDS, OPTIMIZERS, list(TASKS)
    if options.quick:
        grid, seeds, optimizers, tasks = [1e-2, 1e-1], range(2), ["SGD", "Adam"], tasks[:1]
    path = pathlib.Path(options.results or "which_optimizer.json")
    use_file = options.results is not None or not options.quick
    results = json.loads(path.read_text()) if use_file and path.exists() else {}
    end = time.monotonic() + 60 * options.minutes
    for optimizer in options.optimizers or optimizers:
        for name in options.tasks or tasks:
            if name in results.get(optimizer, {}) or time.monotonic() > end:
                continue
            steps = 50 if options.quick else TASKS[name].steps
            found = measured(TASKS[name], optimizer, grid, seeds, steps)
            results.setdefault(optimizer, {})[name] = found
            print(f"{optimizer:20} {name:24} {cell(found)}", flush=True)
            if use_file:
                path.write_text(json.dumps(results))
    print(table(results))
    if options.draw:
        draw(results, options.draw)


if __name__ == "__main__":
    main()
