"""Float64 NumPy oracles of the optimizers since Yogi and of Keras's Ftrl, as in `oracles`.

Where a step depends on the weights or on the sign of a difference there is no closed form over all
steps; then sums over the whole past take the place of the recursions.
"""

import numpy as np
from oracles import Array, descend, faded_sum
from oracles_beyond import corrected_mean, follow, mean, numbered


def fades(x: Array, keep: float) -> Array:
    """A mean that starts as the first x: its share is keepᵗ at step t, beside that of the mean."""
    return mean(x, keep) + keep ** numbered(x) * x[:1]


def yogi(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-3,
    initial_accumulator_value: float = 1e-6,
    corrected: bool = True,
) -> Array:
    v = np.full((len(g) + 1, *w.shape), initial_accumulator_value)
    for i, g2 in enumerate(np.square(g)):
        change = (1 - beta_2) * g2
        v[i + 1] = np.where(v[i] < g2, v[i] + change, np.where(v[i] > g2, v[i] - change, v[i]))
    t = numbered(g)
    scale = np.sqrt(1 - beta_2**t) / (1 - beta_1**t) if corrected else 1.0
    return descend(w, lr[:, None] * scale * mean(g, beta_1) / (np.sqrt(v[1:]) + epsilon))


def adan(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_1: float = 0.98,
    beta_2: float = 0.92,
    beta_3: float = 0.99,
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
    corrected: bool = True,
) -> Array:
    change = np.diff(g, axis=0, prepend=g[:1])
    ahead = np.square(g + beta_2 * change)
    if corrected:
        m, v, n = (
            corrected_mean(x, b) for x, b in ((g, beta_1), (change, beta_2), (ahead, beta_3))
        )
    else:
        m, v, n = fades(g, beta_1), mean(change, beta_2), fades(ahead, beta_3)
    path = [w]
    for rate, step in zip(lr, (m + beta_2 * v) / (np.sqrt(n) + epsilon), strict=True):
        path.append((path[-1] - rate * step) / (1 + rate * weight_decay))
    return np.array(path[1:])


def novograd(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_1: float = 0.95,
    beta_2: float = 0.98,
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
) -> Array:
    size = np.sqrt(fades(np.sum(np.square(g), axis=1, keepdims=True), beta_2)) + epsilon
    plain: list[Array] = []

    def step(i: int, w: Array) -> Array:
        plain.append(g[i] / size[i] + weight_decay * w)
        return lr[i] * faded_sum(np.array(plain), beta_1)[-1]

    return follow(w, step, len(g))


def ademamix(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    beta_3: float = 0.9999,
    alpha: float = 5.0,
    warmup_steps: int = 0,
    epsilon: float = 1e-8,
) -> Array:
    """During the warm-up the half-life of the slow mean grows linearly from that of the fast."""

    def half_life(beta: float) -> float:
        return np.log(0.5) / np.log(beta)

    done = np.ones(len(g))
    if warmup_steps:
        done = np.minimum(np.arange(1, len(g) + 1) / warmup_steps, 1)
    life = (1 - done) * half_life(beta_1) + done * half_life(beta_3)
    keep = 0.5 ** (1 / life)[:, None]
    left = np.cumprod(keep, axis=0)
    slow = left * np.cumsum((1 - keep) / left * g, axis=0)
    direction = corrected_mean(g, beta_1) + alpha * done[:, None] * slow
    return descend(
        w, lr[:, None] * direction / (np.sqrt(corrected_mean(np.square(g), beta_2)) + epsilon)
    )


def prodigy(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
    d0: float = 1e-6,
    d_coef: float = 1.0,
    use_bias_correction: bool = False,
    weight_decay: float = 0.0,
) -> Array:
    """The numerator and the denominator of the estimate without their factor 1 − √β₂."""
    path, d, keep = [w], [d0], np.sqrt(beta_2)
    for t in range(1, len(g) + 1):
        age = np.arange(t)[::-1, None]
        past, distances = g[:t], np.array(d)[:, None]
        factor = np.sqrt(1 - beta_2 ** np.arange(1, t + 1)) / (1 - beta_1 ** np.arange(1, t + 1))
        gamma = (lr[:t] * (factor if use_bias_correction else 1))[:, None]
        m = np.sum((1 - beta_1) * beta_1**age * distances * past, axis=0)
        v = np.sum((1 - beta_2) * beta_2**age * np.square(distances * past), axis=0)
        weighted = keep**age * gamma * np.square(distances) * past
        progress = np.sum(weighted * (w - np.array(path)))
        estimate = d_coef * progress / np.sum(np.abs(np.sum(weighted, axis=0)))
        pace = gamma[-1] * d[-1]
        step = pace * m / (np.sqrt(v) + d[-1] * epsilon) + pace * weight_decay * path[-1]
        path.append(path[-1] - step)
        d.append(max(d[-1], estimate))
    return np.array(path[1:])


def ftrl(
    g: Array,
    w: Array,
    lr: Array,
    *,
    learning_rate_power: float = -0.5,
    initial_accumulator_value: float = 0.1,
    l1_regularization_strength: float = 0.0,
    l2_regularization_strength: float = 0.0,
    l2_shrinkage_regularization_strength: float = 0.0,
    beta: float = 0.0,
    l2_factor: float = 2.0,
) -> Array:
    """Every w is where the derivative of its own convex problem is 0, found case by case."""
    start = np.full((1, *w.shape), initial_accumulator_value)
    n = np.concatenate([start, start + np.cumsum(np.square(g), axis=0)])
    strength = n**-learning_rate_power / np.concatenate([lr[:1], lr])[:, None]
    path = [w]
    for t in range(1, len(g) + 1):
        before = np.array(path)
        sigma = (n[1 : t + 1] ** -learning_rate_power - n[:t] ** -learning_rate_power) / lr[
            :t, None
        ]
        shrink = 2 * l2_shrinkage_regularization_strength * before
        z = np.sum(g[:t] + shrink - sigma * before, axis=0)
        curvature = strength[t] + beta / lr[t - 1] + l2_factor * l2_regularization_strength
        right = -(z + l1_regularization_strength) / curvature
        left = -(z - l1_regularization_strength) / curvature
        path.append(np.where(right > 0, right, np.where(left < 0, left, 0.0)))
    return np.array(path[1:])


def shares(beta_2_decay: float, steps: int) -> Array:
    """(t, i) ↦ the share of step i in Adafactor's means after step t: they add up to 1."""
    new = np.arange(1.0, steps + 1) ** beta_2_decay
    table = np.zeros((steps, steps))
    for t in range(steps):
        table[t, : t + 1] = new[: t + 1] * np.append(np.cumprod(1 - new[t:0:-1])[::-1], 1.0)
    return table


def adafactor(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_2_decay: float = -0.8,
    epsilon_1: float = 1e-30,
    epsilon_2: float = 1e-3,
    clip_threshold: float = 1.0,
    relative_step: bool = True,
) -> Array:
    """Of vectors, `(steps, n)`, or matrices, `(steps, n, k)`, with sums in the place of means."""
    weights = shares(beta_2_decay, len(g))
    squares = np.square(g) + epsilon_1
    if g.ndim == 2:
        v = weights @ squares
    else:
        row, column = weights @ squares.sum(2), weights @ squares.sum(1)
        v = np.einsum("ti,tj->tij", row, column) / row.sum(1)[:, None, None]
    u = g / np.sqrt(v)

    def step(i: int, w: Array) -> Array:
        pace = min(lr[i], (i + 1) ** -0.5) if relative_step else lr[i]
        size = max(epsilon_2, np.linalg.norm(w) / w.size**0.5)
        return (
            pace * size * u[i] / max(1.0, np.linalg.norm(u[i]) / u[i].size ** 0.5 / clip_threshold)
        )

    return follow(w, step, len(g))


def soap(
    g: Array,
    w: Array,
    lr: Array,
    *,
    beta_1: float = 0.95,
    beta_2: float = 0.95,
    epsilon: float = 1e-8,
    frequency: int = 10,
    left: bool = True,
    right: bool = True,
) -> Array:
    """Of matrices; Gram and Schmidt in the place of QR, and the bases of all steps kept."""
    grams = [np.einsum("tik,tjk->tij", g, g), np.einsum("tki,tkj->tij", g, g)]
    bases = []
    for gram, used in zip(grams, (left, right), strict=True):
        if not used:
            bases.append([np.eye(gram.shape[1])] * len(g))
            continue
        p = mean(gram.reshape(len(g), -1), beta_2).reshape(gram.shape)
        q = [np.linalg.eigh(p[0])[1][:, ::-1]]
        for t in range(1, len(g)):
            q.append(gram_schmidt(p[t] @ q[-1]) if t % frequency == 0 else q[-1])
        bases.append(q)
    m = mean(g.reshape(len(g), -1), beta_1).reshape(g.shape)
    path, past = [w], []
    for t in range(1, len(g)):
        q_l, q_r = bases[0][t - 1], bases[1][t - 1]
        past.append((q_l.T @ g[t] @ q_r).ravel())
        v = corrected_mean(np.square(past), beta_2)[-1].reshape(w.shape)
        # m leaves out the first gradient.
        now = (m[t] - beta_1**t * m[0]) / (1 - beta_1**t)
        root = np.sqrt(v) + epsilon / np.sqrt(1 - beta_2**t)
        path.append(path[-1] - lr[t] * q_l @ ((q_l.T @ now @ q_r) / root) @ q_r.T)
    return np.array(path)


def gram_schmidt(x: Array) -> Array:
    columns: list[Array] = []
    for column in x.T:
        for _ in range(2):  # twice is enough
            for other in columns:
                column = column - (other @ column) * other
        columns.append(column / np.linalg.norm(column))
    return np.array(columns).T


def soap_adam(g: Array, w: Array, lr: Array) -> Array:
    """What SOAP does to a vector."""
    t = numbered(g)
    root = np.sqrt(mean(np.square(g), 0.95))
    alpha = np.sqrt(1 - 0.95**t) / (1 - 0.95**t)
    return descend(w, lr[:, None] * alpha * mean(g, 0.95) / (root + 1e-8))
