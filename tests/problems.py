"""Small models and data shared by the tests: the same weights and rows for the same seed."""

from typing import Any

import keras
import numpy as np


def regression_data(rows: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Inputs `(rows, 4)` and targets `(rows, 3)` of a smooth function with noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype("float32")
    y = np.tanh(x @ rng.normal(size=(4, 3))) + 0.1 * rng.normal(size=(rows, 3))
    return x, y.astype("float32")


def regression_model(seed: int = 0) -> Any:
    """4 inputs, 5 tanh units, 3 linear outputs; not compiled.

    It is typed as Any because a type checker takes Keras's default arguments for their types.
    """
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(3)]
    )


def linear_model(seed: int = 0) -> Any:
    """4 inputs, 3 linear outputs: two variables, for what need only be built; not compiled."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])


def gradient_sequence(steps: int = 200, n: int = 12, seed: int = 0) -> np.ndarray:
    """Gradients `(steps, n)`: noise around a drift, of sizes from 0.01 to 10, some of them 0."""
    rng = np.random.default_rng(seed)
    size = np.logspace(-2, 1, n)
    g = size * (0.3 + rng.normal(size=(steps, n)))
    g[rng.random(g.shape) < 0.1] = 0.0
    return g


def varying_rates(steps: int = 200, rate: float = 0.01) -> np.ndarray:
    """Learning rates `(steps,)` that rise and fall between 0.5 and 1.5 times `rate`."""
    return rate * (1 + 0.5 * np.sin(np.arange(steps) / 7))
