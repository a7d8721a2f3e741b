# %% [markdown]
# # Back-propagation by formula
#
# - Title: Every number of the 2-2-2 network, by the formulas, in a trace and by autodiff
# - 제목: 수식으로 따라가는 오차 역전파, 2-2-2 신경망의 숫자 하나하나
# - Deck chapter: 4, 오차 역전파: "수식으로 표현", and the tables of z, a, E, W and b
# - You will see: the tables, each number computed in three ways; ∂L/∂X, ∂L/∂W and ∂L/∂B with their
#   shapes; and the network with its numbers.
# - Description: Forward, layer by layer, then backward with the chain rule (연쇄법칙): by formulas
#   in NumPy, by the tables of `kce.backprop.trace`, and by TensorFlow's tape without a formula.

# %%
import argparse
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

import keras_course_ext as kce

parser = argparse.ArgumentParser()
parser.add_argument("--out", type=Path, default="out", help="folder for the picture")
OUT = parser.parse_args([] if "get_ipython" in globals() else None).out

# %% [markdown]
# ## Settings
#
# The deck's w with the subscripts j, i leads from unit i to unit j; in Keras it is `kernel[i, j]`.
# Append another pair for another layer.

# %%
INPUT, TARGET = [1.0, 2.0], [1.0, 0.0]
LAYERS = [
    ([[0.1, 0.2], [0.3, -0.4]], [0.1, 0.2]),  # layer 2: kernel and bias
    ([[0.5, -0.3], [-0.2, 0.4]], [0.1, -0.1]),  # layer 3
]
N, INPUTS, UNITS = 4, 2, 3  # of the page with the shapes
RATE, STEPS = 0.5, 3000  # of gradient descent at the end

# %% [markdown]
# ## The formulas
#
# Forward: z = a W + b with the a of the layer before, a = sigmoid(z), E = 1/n Σ (t − a)², which for
# two outputs is the deck's E1 + E2 = 1/2 (t1 − a1)² + 1/2 (t2 − a2)². Back, with δ = ∂E/∂z:
#
#     δ = ∂E/∂a · a (1 − a)    ∂E/∂w_ji = δ_j a_i    ∂E/∂b = δ    ∂E/∂a of the layer before = δ Wᵀ


# %%
def by_formula(layers):
    """E, and of each layer z, a, ∂E/∂a, δ, ∂E/∂W and ∂E/∂b."""
    a, found = [np.array(INPUT)], []
    for W, b in layers:
        found.append({"z": a[-1] @ W + b})
        a.append(1 / (1 + np.exp(-found[-1]["z"])))
    da = 2 / len(TARGET) * (a[-1] - TARGET)
    for i in reversed(range(len(layers))):
        delta = da * a[i + 1] * (1 - a[i + 1])
        found[i] |= {"a": a[i + 1], "∂E/∂a": da, "δ": delta}
        found[i] |= {"∂E/∂w": np.outer(a[i], delta), "∂E/∂b": delta}
        da = delta @ np.transpose(layers[i][0])
    return np.mean((np.array(TARGET) - a[-1]) ** 2), found


def by_tape():
    """The same by one tape over plain operations, without a formula for a derivative."""
    last, steps = tf.constant([INPUT], tf.float64), []
    with tf.GradientTape(persistent=True) as tape:
        for W, b in ([tf.constant(w, tf.float64) for w in layer] for layer in LAYERS):
            tape.watch([W, b])
            z = last @ W + b
            last = tf.sigmoid(z)
            steps.append((z, last, W, b))
        E = tf.reduce_mean((np.array([TARGET]) - last) ** 2)
    names = ["z", "a", "∂E/∂a", "δ", "∂E/∂w", "∂E/∂b"]
    return [
        dict(zip(names, [z, a, *(tape.gradient(E, s) for s in (a, z, W, b))], strict=True))
        for z, a, W, b in steps
    ]


# %% [markdown]
# ## The tables, number by number

# %%
dense = [kce.layers.Dense(len(bias), "sigmoid") for _, bias in LAYERS]
model = keras.Sequential([keras.Input((len(INPUT),)), *dense], name="deck")
model.set_weights([np.array(w) for layer in LAYERS for w in layer])
trace = kce.backprop.trace(model, np.array([INPUT]), np.array([TARGET]), "mse")
print(trace)
assert trace.check().ok
E, formulas = by_formula(LAYERS)
print("layer             formula       trace    autodiff")
for layer, formula, taped in zip(dense, formulas, by_tape(), strict=True):
    t = trace[layer.name]
    kernel, bias = (weight.gradient for weight in t.weights)
    traced = dict(zip(formula, (t.z, t.a, t.da, t.delta, kernel, bias), strict=True))
    for name, values in formula.items():
        for index, value in np.ndenumerate(values):
            other = np.array(traced[name]).reshape(values.shape)[index]
            judge = np.array(taped[name]).reshape(values.shape)[index]
            unit = "".join(str(k + 1) for k in reversed(index))  # j before i, as in the deck
            print(f"{t.number} {name:>9}{unit:<2}", *(f"{v:11.6f}" for v in (value, other, judge)))
            np.testing.assert_allclose(value, judge, rtol=1e-10)
            np.testing.assert_allclose(other, judge, rtol=1e-4, atol=1e-7)
print(f"E = {E:.5f}, of the outputs {np.square(trace[dense[-1].name].a - TARGET) / len(TARGET)}")
np.testing.assert_allclose(trace.loss, E, rtol=1e-5)

# %% [markdown]
# ## A layer of N samples: three formulas and their shapes

# %%
random = np.random.default_rng(0)
x, dy = (tf.constant(random.normal(size=size)) for size in [(N, INPUTS), (N, UNITS)])
layer = kce.layers.Dense(UNITS, dtype="float64")
with tf.GradientTape() as tape:
    tape.watch(x)
    y = layer(x)
dx, dw, db = tape.gradient([y], [x, *layer.trainable_variables], output_gradients=[dy])
X, Y, W = x.numpy(), dy.numpy(), layer.kernel.numpy()
print(f"∂L/∂X {dx.shape} = ∂L/∂Y {Y.shape} · Wᵀ {W.T.shape}")
print(f"∂L/∂W {dw.shape} = Xᵀ {X.T.shape} · ∂L/∂Y {Y.shape}")
print(f"∂L/∂B {db.shape} = sum of ∂L/∂Y {Y.shape} along axis 0")
for found, formula in [(dx, Y @ W.T), (dw, X.T @ Y), (db, Y.sum(axis=0))]:
    np.testing.assert_allclose(found.numpy(), formula, rtol=1e-12)
assert (dx.shape, dy.shape, dw.shape) == ((N, INPUTS), (N, UNITS), (INPUTS, UNITS))

# %% [markdown]
# ## 오차가 작아지는 방향으로: repeated updates

# %%
layers, errors = [(np.array(W, float), np.array(b, float)) for W, b in LAYERS], []
for _ in range(STEPS):
    E, found = by_formula(layers)
    errors.append(E)
    for (W, b), gradient in zip(layers, found, strict=True):
        W -= RATE * gradient["∂E/∂w"]
        b -= RATE * gradient["∂E/∂b"]
print(f"E = {errors[0]:.5f} at first, {errors[-1]:.5f} after {STEPS} steps")
assert errors[-1] < errors[0] or RATE > 0.5  # a large rate may climb instead

# %%
figure, axes = plt.subplots(2, height_ratios=[5, 2], figsize=(11, 8.5), layout="constrained")
kce.plotting.network(trace, axes[0])
axes[1].semilogy(errors)
axes[1].set(xlabel="step", ylabel="E", title="The error falls")
OUT.mkdir(parents=True, exist_ok=True)
figure.savefig(OUT / "04_backpropagation.png", dpi=120)
