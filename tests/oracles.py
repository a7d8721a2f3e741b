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


def quotient(x: Array, y: Array) -> Array:
    """x / y, where 0 / 0 = 0."""
    return x / np.where((x == 0) & (y == 0), 1.0, y)


def gradient_descent(g: Array, w: Array, lr: Array) -> Array:
    return descend(w, lr[:, None] * g)


def momentum(g: Array, w: Array, lr: Array, *, momentum: float, form: str = "keras") -> Array:
    if form == "torch":
        return descend(w, lr[:, None] * faded_sum(g, momentum))
    return descend(w, faded_sum(lr[:, None] * g, momentum))


def nesterov(g: Array, w: Array, lr: Array, *, momentum: float, form: str = "keras") -> Array:
    """The look-ahead form: θ moves like a heavy ball, and the model stands at θ + μ v."""
    if form == "torch":
        return descend(w, lr[:, None] * (g + momentum * faded_sum(g, momentum)))
    velocity = -faded_sum(lr[:, None] * g, momentum)
    theta = w + np.cumsum(velocity, axis=0)
    return theta + momentum * velocity


def adagrad(
    g: Array,
    w: Array,
    lr: Array,
    *,
    initial_accumulator_value: float = 0.1,
    epsilon: float = 1e-7,
    form: str = "inside",
) -> Array:
    squares = initial_accumulator_value + np.cumsum(np.square(g), axis=0)
    return descend(w, lr[:, None] * quotient(g, root(squares, epsilon, form)))


def root(x: Array, epsilon: float, form: str) -> Array:
    """The root of x with ε inside or, in all other forms, outside of it."""
    return np.sqrt(x + epsilon) if form == "inside" else np.sqrt(x) + epsilon


def rmsprop(
    g: Array,
    w: Array,
    lr: Array,
    *,
    rho: float = 0.9,
    momentum: float = 0.0,
    epsilon: float = 1e-7,
    centered: bool = False,
    form: str = "inside",
) -> Array:
    spread = (1 - rho) * faded_sum(np.square(g), rho)
    if centered:
        spread = spread - np.square((1 - rho) * faded_sum(g, rho))
    unit = quotient(g, root(spread, epsilon, form))
    if form == "torch":
        return descend(w, lr[:, None] * faded_sum(unit, momentum))
    return descend(w, faded_sum(lr[:, None] * unit, momentum))


def adam(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
    amsgrad: bool = False,
    weight_decay: float = 0.0,
    form: str = "hat",
) -> Array:
    """The corrected means of Algorithm 1; ε̂ of the hat form is ε = ε̂ / √(1 − β₂ᵗ) here."""
    t = np.arange(1, len(g) + 1)[:, None]
    weight_1, weight_2 = 1 - beta_1**t, 1 - beta_2**t
    if form == "uncorrected":
        weight_1, weight_2 = np.ones_like(weight_1), np.ones_like(weight_2)
    if form == "hat":
        epsilon = epsilon / np.sqrt(weight_2)
    mean = (1 - beta_1) * faded_sum(g, beta_1) / weight_1
    square = (1 - beta_2) * faded_sum(np.square(g), beta_2)
    if amsgrad:
        square = np.maximum.accumulate(square, axis=0)
    steps = lr[:, None] * quotient(mean, np.sqrt(square / weight_2) + epsilon)
    # What is left of 1 after t decays: the weights are descended in that unit, which shrinks.
    left = np.cumprod(1 - weight_decay * lr)[:, None]
    return left * descend(w, steps / left)


def adamax(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
    form: str = "keras",
) -> Array:
    """u is the largest of the faded |g|, of torch's |g| + ε, over the whole past."""
    mean = (1 - beta_1) * faded_sum(g, beta_1) / (1 - beta_1 ** np.arange(1, len(g) + 1))[:, None]
    size, added = (np.abs(g) + epsilon, 0.0) if form == "torch" else (np.abs(g), epsilon)
    u = [
        np.max(size[: t + 1] * beta_2 ** np.arange(t, -1, -1.0)[:, None], axis=0)
        for t in range(len(g))
    ]
    return descend(w, lr[:, None] * quotient(mean, np.array(u) + added))


def adadelta(g: Array, w: Array, lr: Array, *, rho: float = 0.95, epsilon: float = 1e-7) -> Array:
    """y = d + ε obeys y ← (ρ + (1 − ρ) q) y + (1 − ρ) ε with q = g² / (a + ε), linear in y."""
    size = (1 - rho) * faded_sum(np.square(g), rho) + epsilon
    q = np.square(g) / size
    y = [np.full_like(w, epsilon)]
    for factor in rho + (1 - rho) * q[:-1]:
        y.append(factor * y[-1] + (1 - rho) * epsilon)
    return descend(w, lr[:, None] * g * np.sqrt(np.array(y) / size))
