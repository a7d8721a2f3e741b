"""Quick start: find the vanishing gradient of a network, follow the advice, and train again.

Deck: chapter 5, the vanishing gradient. Eight hidden sigmoid layers fail to learn to classify
handwritten digits: sigmoid' is at most 0.25, so little of the gradient is left after eight of
them. `GradientMonitor` reports this and advises what to change; then the same network trains.

    python examples/quickstart.py --out out

prints the diagnosis and two tables and writes `gradients.png`, `history.csv` and `history.json`.
"""

import argparse
import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from rich.columns import Columns
from rich.console import Console
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_course_ext as kce
from keras_course_ext.monitoring.diagnosis.report import gradient_table
from keras_course_ext.plotting.gradients import color_limits, gradients

HIDDEN_LAYERS = 8
UNITS = 64
LEARNING_RATE = 0.05
SICK = {"activation": "sigmoid", "kernel_initializer": "glorot_uniform"}
CURED = {"activation": "relu", "kernel_initializer": "he_normal"}

Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # x_train, x_test, y_train, y_test


@dataclass
class Run:
    """One training of one network."""

    name: str
    monitor: kce.callbacks.GradientMonitor
    accuracy: float

    @property
    def title(self) -> str:
        """The name of the network and its accuracy on the test digits."""
        return f"{self.name}: test accuracy {self.accuracy:.1%}"


def load(dataset: str, seed: int) -> Data:
    """Return the images as rows of numbers from 0 to 1, split for training and test."""
    if dataset == "digits":
        x, y = load_digits(return_X_y=True)
        x_train, x_test, y_train, y_test = train_test_split(
            x / 16, y, test_size=0.2, stratify=y, random_state=seed
        )
    else:
        try:
            (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
        except Exception as error:
            sys.exit(
                f"MNIST could not be downloaded: {error}\n"
                "The digits that scikit-learn ships need no network; leave `--dataset mnist` out."
            )
        x_train, x_test = (x.reshape(len(x), -1) / 255 for x in (x_train, x_test))
    return x_train.astype("float32"), x_test.astype("float32"), y_train, y_test


def build(inputs: int, activation: str, kernel_initializer: str) -> keras.Model:
    """Return a network of eight hidden layers and a softmax over the ten digits."""
    hidden = [
        kce.layers.Dense(
            UNITS,
            activation=activation,
            kernel_initializer=kernel_initializer,
            name=f"hidden_{i + 1}",
        )
        for i in range(HIDDEN_LAYERS)
    ]
    output = kce.layers.Dense(10, activation="softmax", name="output")
    model = keras.Sequential([keras.Input((inputs,)), *hidden, output])
    model.compile(
        optimizer=kce.optimizers.SGD(LEARNING_RATE),
        loss=kce.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    )
    return model


def train(name: str, settings: dict[str, str], data: Data, epochs: int, seed: int) -> Run:
    """Train one network with a monitor."""
    x_train, x_test, y_train, y_test = data
    keras.utils.set_random_seed(seed)
    model = build(x_train.shape[1], **settings)
    monitor = kce.callbacks.GradientMonitor()
    model.fit(x_train, y_train, batch_size=32, epochs=epochs, callbacks=[monitor])
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    return Run(name, monitor, accuracy)


def draw(runs: list[Run], path: Path) -> None:
    """Draw the runs below each other on one colour scale."""
    limits = color_limits(*(run.monitor.history for run in runs))
    figure, axes = plt.subplots(len(runs), 1, figsize=(10, 8), layout="constrained")
    for run, ax in zip(runs, axes, strict=True):
        gradients(run.monitor.history, ax=ax, title=run.title, limits=limits, colorbar=False)
        ax.set_ylabel("← input        layers        output →")
    label = "log₁₀ ‖∂L/∂W‖: dark layers get hardly any gradient"
    figure.colorbar(axes[0].collections[0], ax=axes, label=label, pad=0.1)
    figure.suptitle("How much gradient reaches each layer", weight="bold")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def write(runs: list[Run], out: Path) -> None:
    """Write every recorded value of the runs, as a table and as JSON."""
    histories = {run.name: run.monitor.history for run in runs}
    records = [
        {"run": name, **record}
        for name, history in histories.items()
        for record in history.to_records()
    ]
    with (out / "history.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, records[0])
        writer.writeheader()
        writer.writerows(records)
    document = {name: history.to_dict() for name, history in histories.items()}
    (out / "history.json").write_text(json.dumps(document), encoding="utf-8")


def main() -> None:
    """Train the faulty network, print the diagnosis, and train the corrected one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dataset", choices=["digits", "mnist"], default="digits")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the files")
    parser.add_argument("--epochs", type=int, help="default: 30 for digits, 2 for mnist")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    epochs = args.epochs or {"digits": 30, "mnist": 2}[args.dataset]
    args.out.mkdir(parents=True, exist_ok=True)
    console = Console()
    data = load(args.dataset, args.seed)

    console.rule("1. A network of eight sigmoid layers")
    sick = train("sigmoid, Glorot", SICK, data, epochs, args.seed)

    console.rule("2. The diagnosis")
    for finding in sick.monitor.findings:
        console.print(f"[bold red]{finding.kind}[/] in '{finding.layer}'")
        console.print(f"  why:    {finding.evidence}")
        console.print(f"  change: {finding.advice}\n")

    console.rule("3. What it advises: ReLU with He initialization")
    cured = train("ReLU, He", CURED, data, epochs, args.seed)

    console.rule("4. Both side by side")
    runs = [sick, cured]
    tables = [gradient_table(run.monitor.history, run.title) for run in runs]
    console.print(Columns(tables, padding=(0, 2)))
    draw(runs, args.out / "gradients.png")
    write(runs, args.out)
    for run in runs:
        kinds = ", ".join(finding.kind for finding in run.monitor.findings) or "none"
        console.print(f"Findings of '{run.name}': {kinds}.")
    console.print(f"Written: gradients.png, history.csv and history.json in '{args.out}'.")


if __name__ == "__main__":
    main()
