"""Float64 NumPy oracles of the optimizers beyond the deck, of the form of those in `oracles`.

Where a step depends on the norm of the weights there is no closed form over all steps; then only
the means are closed, and the steps are a loop. For rules that take norms, all n elements are one
tensor.
"""

from collections.abc import Callable

import numpy as np
from oracles import Array, adam, descend, faded_sum


def numbered(g: Array) -> Array:
    return np.arange(1.0, len(g) + 1)[:, None]


def mean(x: Array, keep: float) -> Array:
    return (1 - keep) * faded_sum(x, keep)


def corrected_mean(x: Array, keep: float) -> Array:
    """A mean whose weights add up to 1 at every step."""
    return faded_sum(x, keep) / faded_sum(np.ones_like(x), keep)


def nadam(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
    momentum_decay: float = 1.0,
) -> Array:
    t = np.arange(1, len(g) + 2)
    mu = beta_1 - 0.5 * beta_1 * np.exp(np.log(0.96) * momentum_decay * t)
    left = 1 - np.exp(np.cumsum(np.log(mu)))
    ahead = (mu[1:] / left[1:])[:, None] * mean(g, beta_1)
    now = ((1 - mu[:-1]) / left[:-1])[:, None] * g
    root = np.sqrt(corrected_mean(np.square(g), beta_2))
    return descend(w, lr[:, None] * (ahead + now) / (root + epsilon))


def adabelief(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-16,
) -> Array:
    """ε, added at every step, adds up to ε (1 − β₂ᵗ) / (1 − β₂), of which ε / (1 − β₂) is left."""
    surprise = np.square(g - mean(g, beta_1))
    variance = corrected_mean(surprise, beta_2) + epsilon / (1 - beta_2)
    return descend(w, lr[:, None] * corrected_mean(g, beta_1) / (np.sqrt(variance) + epsilon))


def radam(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
    threshold: float = 4.0,
    corrected: bool = False,
) -> Array:
    """ρ + 1 is twice the center of mass of the weights of v, counted from the present: Σ i βⁱ."""
    steps = len(g)
    power = beta_2 ** np.arange(steps)
    age = np.arange(1, steps + 1)
    rho = 2 * np.cumsum(age * power) / np.cumsum(power) - 1
    limit = (1 + beta_2) / (1 - beta_2)
    left = 1 - beta_2 ** numbered(g)
    root = np.sqrt(corrected_mean(np.square(g), beta_2))
    root += epsilon if corrected else epsilon / np.sqrt(left)
    direction = corrected_mean(g, beta_1)
    for i, r in enumerate(rho):
        if r > threshold:
            share = (r - 4) / (limit - 4) * (r - 2) / (limit - 2) * limit / r
            direction[i] *= share**0.5 / root[i]
    return descend(w, lr[:, None] * direction)


def lion(g: Array, w: Array, lr: Array, *, beta_1: float = 0.9, beta_2: float = 0.99) -> Array:
    before = np.concatenate([np.zeros_like(g[:1]), mean(g, beta_2)[:-1]])
    return descend(w, lr[:, None] * np.sign(beta_1 * before + (1 - beta_1) * g))


def follow(w: Array, step: Callable[[int, Array], Array], steps: int) -> Array:
    """The weights after each of the steps, which depend on the weights."""
    path = [w]
    for i in range(steps):
        path.append(path[-1] - step(i, path[-1]))
    return np.array(path[1:])


def lamb(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
    weight_decay: float = 0.0,
) -> Array:
    root = np.sqrt(corrected_mean(np.square(g), beta_2))
    adam = corrected_mean(g, beta_1) / (root + epsilon)

    def step(i: int, w: Array) -> Array:
        r = adam[i] + weight_decay * w
        return lr[i] * np.linalg.norm(w) * r / np.linalg.norm(r)

    return follow(w, step, len(g))


def lars(
    g: Array,
    w: Array,
    lr: Array,
    *,
    momentum: float = 0.9,
    trust_coefficient: float = 0.001,
    weight_decay: float = 0.0,
) -> Array:
    """Every step is the faded sum of all plain steps so far."""
    plain: list[Array] = []

    def step(i: int, w: Array) -> Array:
        size = np.linalg.norm(w)
        local = trust_coefficient * size / (np.linalg.norm(g[i]) + weight_decay * size)
        plain.append(lr[i] * local * (g[i] + weight_decay * w))
        return faded_sum(np.array(plain), momentum)[-1]

    return follow(w, step, len(g))


def schedule_free_adamw(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
    warmup_steps: int = 0,
    weight_decay: float = 0.0,
) -> Array:
    """x, y and z by themselves; x is the mean of all z, weighted by the squares of the rates."""
    unit = g / (np.sqrt(corrected_mean(np.square(g), beta_2)) + epsilon)
    rate = lr * np.minimum(np.arange(1, len(g) + 1) / warmup_steps, 1) if warmup_steps else lr
    y, z = [w], [w]
    for i in range(len(g)):
        z.append(z[-1] - rate[i] * (unit[i] + weight_decay * y[-1]))
        x = np.average(z[1:], axis=0, weights=np.square(rate[: i + 1]))
        y.append((1 - beta_1) * z[-1] + beta_1 * x)
    return np.array(y[1:])


def lookahead(
    g: Array,
    w: Array,
    lr: Array,
    *,
    inner: Callable[..., Array],
    sync_period: int = 5,
    slow_step_size: float = 0.5,
    **arguments: float,
) -> Array:
    """Around an oracle whose steps don't depend on the weights."""
    steps = np.diff(inner(g, w, lr, **arguments), axis=0, prepend=w[None])
    slow, path = w, []
    for begin in range(0, len(g), sync_period):
        fast = slow + np.cumsum(steps[begin : begin + sync_period], axis=0)
        if len(fast) == sync_period:
            slow = slow + slow_step_size * (fast[-1] - slow)
            fast[-1] = slow
        path.append(fast)
    return np.concatenate(path)


def adam_at_half_the_rate(g: Array, w: Array, lr: Array) -> Array:
    return adam(g, w, lr / 2)


def muon_adamw(g: Array, w: Array, lr: Array) -> Array:
    """What Muon does to a vector without weight decay."""
    return adam(g, w, lr)


def newton_schulz(x: Array, steps: int = 5) -> Array:
    """By the singular value decomposition: the polynomial acts on the singular values alone."""
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    s = s / (np.sqrt(np.sum(s**2)) + 1e-7)
    for _ in range(steps):
        s = np.polyval([2.0315, 0, -4.775, 0, 3.4445, 0], s)
    return u * s @ vt


def muon(
    g: Array,
    w: Array,
    lr: Array,
    *,
    momentum: float = 0.95,
    nesterov: bool = True,
    rms_rate: float | None = 0.2,
    weight_decay: float = 0.0,
) -> Array:
    """Of matrices: `g` is (steps, n, k), `w` (n, k)."""
    m = faded_sum(g.reshape(len(g), -1), momentum).reshape(g.shape)
    x = g + momentum * m if nesterov else m
    length = 1.0 if rms_rate is None else rms_rate * max(w.shape) ** 0.5

    def step(i: int, w: Array) -> Array:
        return lr[i] * (length * newton_schulz(x[i]) + weight_decay * w)

    return follow(w, step, len(g))
