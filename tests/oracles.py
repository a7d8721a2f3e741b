"""Float64 NumPy oracles, written from the formulas' closed forms and apart from the package.

The optimizer oracles take a sequence of gradients `g` of shape `(steps, n)`, the first weights
`w` of shape `(n,)` and the learning rates `lr` of shape `(steps,)`, and return the weights after
every step, `(steps, n)`. Running means are weighted sums over the whole past, not recursions.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def faded_sum(x: Array, keep: float) -> Array:
    """Σ_i keep^(t−i) x_i over i ≤ t, for every t."""
    steps = np.arange(len(x))
    age = steps[:, None] - steps[None, :]
    weights = np.where(age >= 0, float(keep) ** np.maximum(age, 0), 0.0)
    return weights @ x


def descend(w: Array, steps: Array) -> Array:
    return w - np.cumsum(steps, axis=0)


def gradient_descent(g: Array, w: Array, lr: Array) -> Array:
    return descend(w, lr[:, None] * g)


def momentum(g: Array, w: Array, lr: Array, *, momentum: float) -> Array:
    return descend(w, faded_sum(lr[:, None] * g, momentum))


def nesterov(g: Array, w: Array, lr: Array, *, momentum: float) -> Array:
    """The look-ahead form: θ moves like a heavy ball, and the model stands at θ + μ v."""
    velocity = -faded_sum(lr[:, None] * g, momentum)
    theta = w + np.cumsum(velocity, axis=0)
    return theta + momentum * velocity


def adagrad(
    g: Array, w: Array, lr: Array, *, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7
) -> Array:
    squares = initial_accumulator_value + np.cumsum(np.square(g), axis=0)
    return descend(w, lr[:, None] * g * (squares + epsilon) ** -0.5)


def rmsprop(
    g: Array,
    w: Array,
    lr: Array,
    *,
    rho: float = 0.9,
    momentum: float = 0.0,
    epsilon: float = 1e-7,
    centered: bool = False,
) -> Array:
    spread = (1 - rho) * faded_sum(np.square(g), rho)
    if centered:
        spread = spread - np.square((1 - rho) * faded_sum(g, rho))
    return descend(w, faded_sum(lr[:, None] * g * (spread + epsilon) ** -0.5, momentum))


def adam(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
    amsgrad: bool = False,
) -> Array:
    """The corrected means of Algorithm 1; ε̂ of the hat form is ε = ε̂ / √(1 − β₂ᵗ) here."""
    t = np.arange(1, len(g) + 1)[:, None]
    weight_1, weight_2 = 1 - beta_1**t, 1 - beta_2**t
    mean = (1 - beta_1) * faded_sum(g, beta_1) / weight_1
    square = (1 - beta_2) * faded_sum(np.square(g), beta_2)
    if amsgrad:
        square = np.maximum.accumulate(square, axis=0)
    root = np.sqrt(square / weight_2)
    return descend(w, lr[:, None] * mean / (root + epsilon / np.sqrt(weight_2)))
