"""The base tasks: data, a network that learns it, and how its answers are scored."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn import datasets

BINARY, CLASSES, REGRESSION = "binary", "classes", "regression"


@dataclass(frozen=True)
class Task:
    """A task.

    Attributes:
        name: Its name.
        kind: `"binary"`, `"classes"` or `"regression"`.
        data: From a seed to standardized inputs and targets: class numbers, or columns of numbers.
        settings: What differs from the defaults of a healthy network of this kind.
    """

    name: str
    kind: str
    data: Callable[[int], tuple[np.ndarray, np.ndarray]]
    settings: dict[str, Any] = field(default_factory=dict)

    def healthy(self) -> dict[str, Any]:
        """Return the settings of a network that learns the task."""
        output = {
            BINARY: ("sigmoid", 1, "binary_crossentropy"),
            CLASSES: ("softmax", None, "sparse_categorical_crossentropy"),
            REGRESSION: ("linear", None, "mean_squared_error"),
        }[self.kind]
        common = dict(zip(("output_activation", "output_units", "loss"), output, strict=True))
        return {**DEFAULTS, **common, **self.settings}


DEFAULTS: dict[str, Any] = {
    "net": "dense",
    "depth": 2,
    "units": 24,
    "activation": "relu",
    "initializer": "he_normal",
    "bias_initializer": "zeros",
    "normalization": False,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "clipnorm": None,
    "epochs": 20,
    "batch": 32,
    "input_factor": 1.0,
    "input_shift": 0.0,
    "target_factor": 1.0,
    "target_shift": 0.0,
    "labels": "as they are",
    "encoding": "as they are",
    "from_logits": False,
    "detached": False,
    "doubled": False,
    "bad_rows": 0,
}


def _standardized(x: np.ndarray) -> np.ndarray:
    return ((x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9)).astype("float32")


def _of_sklearn(load: Callable[..., Any], regression: bool = False) -> Callable[[int], Any]:
    def data(seed: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = load(return_X_y=True)
        order = np.random.default_rng(seed).permutation(len(x))
        x, y = _standardized(x[order]), y[order]
        return x, _standardized(y[:, None]) if regression else y

    return data


def _rings(seed: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.make_circles(600, noise=0.1, factor=0.4, random_state=seed)
    return _standardized(x), y


def _blobs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.make_classification(
        800, 12, n_informative=8, n_classes=4, class_sep=1.5, random_state=seed
    )
    return _standardized(x), y


def _unbalanced(seed: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.make_classification(
        900, 10, n_informative=6, weights=[0.93], class_sep=1.5, flip_y=0.0, random_state=seed
    )
    return _standardized(x), y


def _friedman(seed: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.make_friedman1(700, noise=0.5, random_state=seed)
    return _standardized(x), _standardized(y[:, None])


def _waves(seed: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).uniform(-3, 3, (500, 1))
    return _standardized(x), np.c_[np.sin(2 * x), 0.3 * x**2].astype("float32")


def _sequences(seed: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).normal(size=(500, 10, 1))
    return x.astype("float32"), (x.sum(axis=(1, 2)) > 0).astype(int)


def _words(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.integers(0, 60, (600, 8))
    return x, ((x < 20).sum(axis=1) - (x >= 40).sum(axis=1) > 0).astype(int)


def _copies(seed: int) -> tuple[np.ndarray, np.ndarray]:
    x = datasets.load_digits(return_X_y=True)[0][:800] / 16
    x = x[np.random.default_rng(seed).permutation(len(x))].astype("float32")
    return x, x


TASKS = {
    task.name: task
    for task in (
        Task("rings", BINARY, _rings, {"epochs": 25}),
        Task("breast cancer", BINARY, _of_sklearn(datasets.load_breast_cancer)),
        Task("unbalanced", BINARY, _unbalanced),
        Task("sequences", BINARY, _sequences, {"net": "recurrent", "epochs": 12}),
        Task("words", BINARY, _words, {"net": "embedding", "epochs": 12}),
        Task("digits", CLASSES, _of_sklearn(datasets.load_digits), {"epochs": 8}),
        Task("iris", CLASSES, _of_sklearn(datasets.load_iris), {"epochs": 40, "batch": 16}),
        Task("wine", CLASSES, _of_sklearn(datasets.load_wine), {"epochs": 25, "batch": 16}),
        Task("blobs", CLASSES, _blobs, {"depth": 3}),
        Task("images", CLASSES, _of_sklearn(datasets.load_digits), {"net": "images", "epochs": 5}),
        Task(
            "attention",
            CLASSES,
            _of_sklearn(datasets.load_digits),
            {"net": "attention", "epochs": 6},
        ),
        Task("diabetes", REGRESSION, _of_sklearn(datasets.load_diabetes, True), {"epochs": 15}),
        Task("friedman", REGRESSION, _friedman, {"depth": 3}),
        Task("waves", REGRESSION, _waves, {"epochs": 40}),
        Task("large targets", REGRESSION, _friedman, {"target_factor": 8.0, "target_shift": 20.0}),
        Task("copies", REGRESSION, _copies, {"net": "autoencoder", "epochs": 12}),
    )
}
"""The base tasks by name."""
