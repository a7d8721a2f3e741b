# %% [markdown]
# # Activation functions compared
#
# - Title: f and f' of all activation functions, drawn by their code, and their accuracy on digits
# - 제목: 활성화 함수와 그 미분을 코드에서 바로 그려 견주고, 손글씨 숫자로 훈련해 봅니다
# - Deck chapter: 5, 대체 활성화 함수 (activation functions instead of the sigmoid)
# - You will see: fourteen curves with their derivatives, and a table of test accuracies that the
#   derivatives explain.
# - Description: The deck shows sigmoid, tanh and ReLU and names softplus. Here these and later ones
#   are compared, each in the same network with the same training on real digits.

# %%
import argparse
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_course_ext as kce

parser = argparse.ArgumentParser()
parser.add_argument("--out", type=Path, default="out", help="folder for the picture")
OUT = parser.parse_args([] if "get_ipython" in globals() else None).out

# %% [markdown]
# ## Settings

# %%
# Each with an initializer that suits it.
ACTIVATIONS = {
    "step": "glorot_uniform",
    "linear": "glorot_uniform",
    "sigmoid": "glorot_uniform",
    "hard_sigmoid": "glorot_uniform",
    "tanh": "glorot_uniform",
    "softsign": "glorot_uniform",
    "relu": "he_normal",
    "leaky_relu": "he_normal",
    "softplus": "he_normal",
    "elu": "he_normal",
    "selu": "lecun_normal",
    "gelu": "he_normal",
    "silu": "he_normal",
    "exponential": "glorot_uniform",
}
HIDDEN = (32, 32, 32)
LEARNING_RATE = 0.1
EPOCHS = 8
SEED = 0

# %% [markdown]
# ## f and f'
#
# Every f' is computed by the backward pass of the function, which training uses.


# %%
def slopes(name, x):
    """Return f' at x."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = kce.activations.get(name)(x)
    return tape.gradient(y, x).numpy()


x = np.linspace(-6, 6, 1201)
DECK = {"sigmoid": 0.25, "tanh": 1.0, "relu": 1.0}
for name, most in DECK.items():
    print(f"max {name}' = {most}")
    np.testing.assert_allclose(slopes(name, x).max(), most, rtol=1e-12)
assert (slopes("relu", x[x > 0]) == 1).all()
assert (slopes("relu", x[x < 0]) == 0).all()
np.testing.assert_allclose(slopes("softplus", x), 1 / (1 + np.exp(-x)))  # softplus' = sigmoid
# %% [markdown]
# ## Trained on digits

# %%
images, digits = load_digits(return_X_y=True)
images = ((images - images.mean()) / images.std()).astype("float32")
parts = train_test_split(images, digits, test_size=0.2, stratify=digits, random_state=SEED)
x_train, x_test, y_train, y_test = parts

accuracies = {}
print(f"\n{'':14}{'max f′':>8}{'mean f′':>9}{'accuracy':>10}")
z = np.random.default_rng(SEED).standard_normal(100_000)  # weighted sums at the start of training
for name, start in ACTIVATIONS.items():
    keras.utils.set_random_seed(SEED)
    hidden = [kce.layers.Dense(units, name, kernel_initializer=start) for units in HIDDEN]
    model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10, "softmax")])
    model.compile(kce.optimizers.SGD(LEARNING_RATE), "sparse_categorical_crossentropy")
    model.fit(x_train, y_train, batch_size=64, epochs=EPOCHS, verbose=0)
    accuracies[name] = (np.argmax(model(x_test), axis=1) == y_test).mean()
    most, mean = slopes(name, x).max(), slopes(name, z).mean()
    print(f"{name:14}{most:8.2f}{mean:9.2f}{accuracies[name]:10.1%}")
if {"relu", "sigmoid"} <= accuracies.keys() and len(HIDDEN) >= 3:
    assert accuracies["relu"] > accuracies["sigmoid"]

# %% [markdown]
# What the derivatives explain:
#
# * step' is 0: the gradients before it are 0, and only the output layer learns.
# * sigmoid' and hard_sigmoid' are so small that three layers hardly learn in a few epochs. tanh' is
#   four times as large, enough for three layers, but not for twenty: see example 06.
# * exponential' grows with the function, and the weights become NaN.
# * ReLU and its smooth and leaky variants differ by no more than chance: change the seed.
# * linear is as accurate, but not a deep network: three linear layers are equivalent to one. Digits
#   of 8 by 8 pixels are nearly linearly separable; XOR is not.

# %%
columns = 4
rows = len(ACTIVATIONS) // columns + 1
figure = plt.figure(figsize=(4 * columns, 3 * rows), layout="constrained")
grid = figure.add_gridspec(rows, columns)
for i, name in enumerate(ACTIVATIONS):
    ax = figure.add_subplot(grid[i // columns, i % columns])
    kce.plotting.activation(name, ax, limits=(-4, 4))
ax = figure.add_subplot(grid[-1, len(ACTIVATIONS) % columns :])
order = sorted(accuracies, key=lambda name: accuracies[name])
ax.barh(order, [accuracies[name] for name in order], color="#0072B2")
ax.axvline(0.1, color="#D55E00", ls="--", label="guessing")
ax.set(xlim=(0, 1), title=f"Test digits read after {EPOCHS} epochs, {len(HIDDEN)} hidden layers")
ax.legend(loc="lower right")
OUT.mkdir(parents=True, exist_ok=True)
figure.savefig(OUT / "07_activations_compared.png", dpi=100)
print(f"Written: {OUT / '07_activations_compared.png'}")
