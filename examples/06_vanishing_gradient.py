# %% [markdown]
# # The vanishing gradient
#
# - Title: Depth 2 to 20: how much of the gradient is left, measured and in theory
# - 제목: 기울기 소실, 층이 2개에서 20개로 깊어질 때 기울기가 얼마나 남는지 이론과 비교합니다
# - Deck chapter: 5, 기울기 소실 문제 (the vanishing gradient), 하이퍼볼릭 탄젠트 and 렐루
# - You will see: the share of the signal ‖∂L/∂A‖ that is left at the first of 20 layers: 10⁻¹² with
#   sigmoid, a third with tanh, all of it with ReLU.
# - Description: The deck says that sigmoid' is at most 0.25 and that the factors multiply. The
#   weights are factors, too. Here the factor per layer is derived and compared with training steps.

# %%
import argparse
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import keras_course_ext as kce

parser = argparse.ArgumentParser()
parser.add_argument("--out", type=Path, default="out", help="folder for the picture")
OUT = parser.parse_args([] if "get_ipython" in globals() else None).out

# %% [markdown]
# ## Settings

# %%
# The theory uses them, too. Each initializer has its Var(W) for n inputs and m outputs.
DEPTHS = (2, 4, 8, 12, 16, 20)
UNITS = 64
SEED = 0
GLOROT = ("glorot_uniform", lambda n, m: 2 / (n + m))
HE = ("he_normal", lambda n, m: 2 / n)
NETWORKS = {"sigmoid": GLOROT, "tanh": GLOROT, "relu": HE}
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")  # safe for the colour-blind

# %% [markdown]
# ## The factor per layer
#
# For one layer A = f(Z), Z = A₋ W + b, the chain rule gives
#
#     ∂L/∂A₋ = (∂L/∂A ⊙ f'(Z)) Wᵀ
#
# The initial weights are independent, with mean 0, so the variances of the n terms add up:
#
#     E‖∂L/∂A₋‖² = n Var(W) E[f'(z)²] ‖∂L/∂A‖²   →   factor per layer  r = √(n Var(W) E[f'(z)²])
#
# * sigmoid with Glorot (n Var(W) = 1): f' ≤ 0.25, so r ≤ 0.25, the deck's number.
# * tanh with Glorot: f' ≤ 1, and 1 only at z = 0. So r < 1: better, but the gradient still shrinks.
# * ReLU with He (n Var(W) = 2): f' is 1 for half of the z, else 0, E[f'²] = 1/2 and r = 1 exactly.
#
# The z of a layer are nearly normal, and their variance follows from the layer before,
# q = n Var(W) E[f(z₋)²]. From this r can be computed for any f.


# %%
def both(activation, z):
    """f(z) and f'(z), the latter by its backward pass."""
    z = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch(z)
        a = kce.activations.get(activation)(z)
    return a.numpy(), tape.gradient(a, z).numpy()


def theory(activation, variance, depth, inputs, mean_square):
    """The factor r of the hidden layers from the second one on: an array of depth - 1 numbers."""
    s = np.linspace(-8, 8, 20_001)  # a fine grid under the normal density: ReLU' has a jump
    density = np.exp(-(s**2) / 2) / np.exp(-(s**2) / 2).sum()
    gain = UNITS * variance(UNITS, UNITS)
    q, factors = inputs * variance(inputs, UNITS) * mean_square, []
    for _ in range(depth - 1):
        q = gain * (density @ both(activation, np.sqrt(q) * s)[0] ** 2)
        factors.append(np.sqrt(gain * (density @ both(activation, np.sqrt(q) * s)[1] ** 2)))
    return np.array(factors)


# %% [markdown]
# The measurement: for each depth one training step on 256 real digits, in which the monitor records
# ‖∂L/∂A‖ of every layer. It runs eagerly, because tracing a graph would take longer.

# %%
x, y = load_digits(return_X_y=True)
x, y = ((x - x.mean()) / x.std())[:256].astype("float32"), y[:256]


def measured(activation, init, depth):
    """‖∂L/∂A‖ of the hidden layers, first to last, as a share of the last."""
    keras.utils.set_random_seed(SEED)
    hidden = [kce.layers.Dense(UNITS, activation, kernel_initializer=init) for _ in range(depth)]
    model = keras.Sequential([keras.Input(x.shape[1:]), *hidden, keras.layers.Dense(10, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    monitor = kce.callbacks.GradientMonitor(statistics="norms")
    model.fit(x, y, batch_size=len(x), verbose=0, callbacks=[monitor])
    norms = [monitor.history.series(layer.name, "output")[2][0] for layer in hidden]
    return np.array(norms, "float64") / norms[-1]


shares, factors = {}, {}
print(f"{'':9}{'depth':>6}{'arrives':>11}{'theory':>11}{'factor per layer':>19}{'theory':>8}")
for name, (initializer, variance) in NETWORKS.items():
    factors[name] = theory(name, variance, max(DEPTHS), x.shape[1], float((x**2).mean()))
    for depth in DEPTHS:
        share = shares[name, depth] = measured(name, initializer, depth)
        expected = factors[name][: depth - 1].prod()
        mean, theirs = share[0] ** (1 / (depth - 1)), expected ** (1 / (depth - 1))
        print(f"{name:9}{depth:6}{share[0]:11.1e}{expected:11.1e}{mean:19.3f}{theirs:8.3f}")
        if share[0] > 1e-15:  # the squares of smaller norms are too small for 32 bits
            np.testing.assert_allclose(mean, theirs, rtol=3 / np.sqrt(UNITS * (depth - 1)))

# %% [markdown]
# The deck's numbers: sigmoid' is at most 0.25, tanh' and ReLU' at most 1. On average the factor of
# sigmoid is below 0.25 and that of tanh below 1, at any depth; that of ReLU with He is about 1.

# %%
for name, most in {"sigmoid": 0.25, "tanh": 1.0, "relu": 1.0}.items():
    steepest = both(name, np.linspace(-6, 6, 1201))[1].max()
    print(f"max {name}' = {steepest:.4f}")
    np.testing.assert_allclose(steepest, most, rtol=1e-12)
assert NETWORKS.get("sigmoid") != GLOROT or (factors["sigmoid"] < 0.25).all()
assert NETWORKS.get("tanh") != GLOROT or (factors["tanh"] < 1).all()
assert NETWORKS.get("relu") != HE or np.allclose(factors["relu"], 1, rtol=1e-3)

# %% [markdown]
# Dots are measured, lines are theory. A constant factor is a straight line here. That of tanh is
# curved: from layer to layer the z are closer to 0, where tanh' is closer to 1.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True, layout="constrained")
layers = np.arange(1, max(DEPTHS) + 1)
for i, name in enumerate(NETWORKS):
    dots = {"marker": "osD^v"[i % 5], "ls": "", "color": COLORS[i % 5]}
    left.plot(layers, [factors[name][k:].prod() for k in range(len(layers))], color=dots["color"])
    left.plot(layers, shares[name, len(layers)], label=f"{name}, {NETWORKS[name][0]}", **dots)
    right.plot(layers[1:], factors[name].cumprod(), color=dots["color"])
    right.plot(DEPTHS, [shares[name, depth][0] for depth in DEPTHS], **dots)
left.plot(layers, 0.25 ** (layers[-1] - layers), "--", color="0.3", label="0.25 per layer")
right.plot(layers, 0.25 ** (layers - 1), "--", color="0.3")
left.set(xlabel="hidden layer (1 is next to the input)", ylabel="share of ‖∂L/∂A‖")
left.set(yscale="log", title=f"Inside a network of {len(layers)} layers", xticks=DEPTHS)
right.set(title="What arrives at layer 1", xlabel="number of hidden layers", xticks=DEPTHS)
left.legend()
OUT.mkdir(parents=True, exist_ok=True)
figure.savefig(OUT / "06_vanishing_gradient.png", dpi=120)
print(f"Written: {OUT / '06_vanishing_gradient.png'}")
