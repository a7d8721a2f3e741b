# %% [markdown]
# # Gradient descent against stochastic gradient descent
#
# - Title: The cost of an update and the path to the minimum: full batch, mini-batch, one sample
# - 제목: 경사 하강법과 확률적 경사 하강법, 업데이트 한 번의 계산량과 내려가는 길을 비교합니다
# - Deck chapter: 5, 고급 경사 하강법 (advanced gradient descent), 경사 하강법 and SGD
# - You will see: three paths on one contour plot, the cost of an update, and which is close first.
# - Description: The deck says that gradient descent computes the exact gradient, from all data for
#   each update. SGD uses a few random samples, so it updates faster and more often, but does not
#   converge with a constant learning rate. Shown with two weights and 88 053 real samples.

# %%
import argparse
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import keras_course_ext as kce

parser = argparse.ArgumentParser()
parser.add_argument("--out", type=Path, default="out", help="folder for the picture")
OUT = parser.parse_args([] if "get_ipython" in globals() else None).out

# %% [markdown]
# ## Settings

# %%
# A method: the samples per update (None for all), an optimizer, the number of updates.
START = (-1.0, 1.5)
SEED = 0
METHODS = {
    "full batch": (None, kce.optimizers.GradientDescent(0.1), 200),
    "mini-batch of 32": (32, kce.optimizers.SGD(0.1), 4_000),
    "one sample": (1, kce.optimizers.SGD(0.1), 20_000),
}
SHOWN = 100  # updates drawn on the contour
CLOSE = 0.1  # close: a loss of at most 1.1 times the lowest

# %% [markdown]
# ## A real problem with two weights
#
# Predict the brightness of a pixel of a handwritten digit from its left and its upper neighbour, by
# linear regression: ŷ = w₁ left + w₂ above, L = ½ mean (ŷ − y)², over all pixels that have both.

# %%
images = load_digits().images
images = (images - images.mean()) / images.std()
x = np.stack([images[:, 1:, :-1].ravel(), images[:, :-1, 1:].ravel()], axis=1)
y = images[:, 1:, 1:].ravel()
best = np.linalg.lstsq(x, y, rcond=None)[0]
curvature = x.T @ x / len(x)
lowest = ((x @ best - y) ** 2).mean() / 2


def loss(w):
    """L(w) = L(w*) + ½ (w − w*)ᵀ H (w − w*), exact for least squares; w of shape (..., 2)."""
    d = w - best
    return lowest + np.einsum("...i,ij,...j->...", d, curvature, d) / 2


def gradient(w, rows):
    """dL/dw = Xᵀ (X w − y) / N over some rows."""
    return x[rows].T @ (x[rows] @ w - y[rows]) / len(y[rows])


np.testing.assert_allclose(loss(np.array(START)), ((x @ START - y) ** 2).mean() / 2)
print(f"{len(x)} samples; the best weights are {best.round(3)}, with a loss of {lowest:.4f}\n")

# %% [markdown]
# ## The gradient of a batch is right on average
#
# The mean over the batches of one epoch is the gradient of the full batch; a single one has noise.

# %%
order = np.random.default_rng(SEED).permutation(len(x))
parts = order[: len(x) // 32 * 32].reshape(-1, 32)
mean = np.mean([gradient(np.array(START), rows) for rows in parts], axis=0)
np.testing.assert_allclose(mean, gradient(np.array(START), parts.ravel()), rtol=1e-9)

# %% [markdown]
# ## Samples, updates and time
#
# `kce.optimizers.trajectory` runs the optimizers' rules on NumPy. The times differ less than the
# numbers of samples: a step on one sample is mostly overhead. Therefore mini-batches are used.

# %%
paths, touched, arrival = {}, {}, {}
print(f"{'':18}{'one update:':>20}{'until it is close:':>31}")
print(f"{'':18}{'samples':>10}{'µs':>10}{'updates':>12}{'samples':>11}{'ms':>8}")
for name, (batch, optimizer, updates) in METHODS.items():
    rng = np.random.default_rng(SEED)

    def look(w, batch=batch, rng=rng):
        """The gradient that this method computes."""
        return gradient(w, rng.integers(len(x), size=batch) if batch else slice(None))

    began = time.perf_counter()
    path = paths[name] = kce.optimizers.trajectory(optimizer, look, START, steps=updates)
    seconds = (time.perf_counter() - began) / updates
    touched[name] = np.arange(updates + 1) * (batch or len(x))
    there = np.flatnonzero(loss(path) <= lowest * (1 + CLOSE))
    first = there[0] if len(there) else np.inf
    arrival[name] = first * touched[name][1]
    print(f"{name:18}{touched[name][1]:10}{seconds * 1e6:10.0f}", end="")
    print(f"{first:12.0f}{arrival[name]:11.0f}{first * seconds * 1e3:8.1f}")

# %% [markdown]
# With the exact gradient the loss falls at every update, as long as η < 2 / (largest curvature).
# SGD needs less than one epoch to get close.

# %%
for name, (batch, optimizer, _) in METHODS.items():
    stable = optimizer.learning_rate_at(0) < 2 / np.linalg.eigvalsh(curvature)[-1]
    if batch is None and stable and isinstance(optimizer, kce.optimizers.GradientDescent):
        assert (np.diff(loss(paths[name])) <= 1e-12).all()
    if batch is not None and np.isfinite(arrival[name]):
        assert arrival[name] < len(x)

# %% [markdown]
# Left: the first updates of each method on the loss; the star is the minimum. Right: the loss above
# the minimum against the samples used. When gradient descent makes its first update, the others are
# close already. But they do not get closer: for that SGD needs a decreasing learning rate.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
low, high = np.minimum(START, best) - 0.5, np.maximum(START, best) + 0.5
grid = np.stack(np.meshgrid(*np.linspace(low, high, 200).T), axis=-1)
levels = lowest + np.geomspace(1e-3, np.ptp(loss(grid)), 14)
left.contour(grid[..., 0], grid[..., 1], loss(grid), levels, colors="0.8", linewidths=0.8)
LOOKS = [("black", "--", 2.2), ("#0072B2", "-", 1.4), ("#E69F00", "-", 0.9), ("#009E73", ":", 1.6)]
for i, (name, path) in enumerate(paths.items()):
    color, style, width = LOOKS[i % len(LOOKS)]
    left.plot(*path[: SHOWN + 1].T, style, color=color, lw=width, zorder=5 - i, label=name)
    some = np.unique(np.geomspace(1, len(path) - 1, 150).astype(int))
    excess = loss(path[some]) / lowest - 1
    right.plot(touched[name][some], excess, style, color=color, lw=width, label=name)
left.plot(*best, "*", color="#D55E00", ms=15, zorder=6)
left.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), title=f"The first {SHOWN} updates")
left.set(xlabel="w₁, weight of the left neighbour", ylabel="w₂, weight of the one above")
right.axhline(CLOSE, color="0.6", lw=1, ls=":", label="close")
right.set(xscale="log", yscale="log", ylim=(1e-5, None), title="What the descent costs")
right.set(xlabel="samples looked at", ylabel="loss above the minimum, as a share of it")
for ax in (left, right):
    ax.legend(loc="lower left")
OUT.mkdir(parents=True, exist_ok=True)
figure.savefig(OUT / "08_gd_against_sgd.png", dpi=120)
print(f"\nWritten: {OUT / '08_gd_against_sgd.png'}")
