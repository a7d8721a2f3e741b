# %% [markdown]
# # Perceptron and logistic regression
#
# - Title: AND, OR and NAND, by Rosenblatt's rule and by gradient descent
# - 제목: 퍼셉트론과 로지스틱 회귀로 배우는 AND, OR, NAND
# - Deck chapter: 2, 퍼셉트론: "로지스틱 회귀에서 퍼셉트론으로" and the words after it
# - You will see: a perceptron computed by hand, every correction of Rosenblatt's rule, and the
#   lines by which the perceptron and the logistic regression separate the points.
# - Description: A perceptron multiplies its inputs by weights, adds the bias and returns 1 if the
#   sum is above 0. With the sigmoid in place of the step it is logistic regression.

# %%
import argparse
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np

import keras_course_ext as kce

parser = argparse.ArgumentParser()
parser.add_argument("--out", type=Path, default="out", help="folder for the picture")
OUT = parser.parse_args([] if "get_ipython" in globals() else None).out

# %% [markdown]
# ## Settings
#
# The truth tables of the deck, and NAND. Add "XOR": [0, 1, 1, 0], which no line separates.

# %%
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
TABLES = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "NAND": [1, 1, 1, 0]}
GIVEN = {"kernel": [1, 1], "bias": -1.5}  # AND, without learning: the line x1 + x2 = 1.5
KERNEL, BIAS = [0, 0], 0  # where learning starts
RATE, EPOCHS = 1.0, 10  # of Rosenblatt's rule
LOGISTIC_RATE, LOGISTIC_STEPS = 4.0, 300

# %% [markdown]
# ## One perceptron
#
# 가중합 (weighted sum): z = x1 w1 + x2 w2 + b, the inputs by their 가중치 (weights) plus the
# 바이어스 (bias). 활성화 함수 (activation function): computes the output from z. It is the step
# for the perceptron, 1 for z > 0 and else 0, and the sigmoid for logistic regression.

# %%
given = kce.layers.Perceptron(**GIVEN)
y = given(X).numpy().ravel()
z = X @ np.array(GIVEN["kernel"]) + GIVEN["bias"]
print(f"w = {GIVEN['kernel']}, b = {GIVEN['bias']}\nx1 x2     z  step(z)    σ(z)")
for (x1, x2), sum_, fires in zip(X, z, y, strict=True):
    print(f"{x1:2.0f} {x2:2.0f}  {sum_:4.1f}  {fires:7.0f}  {1 / (1 + np.exp(-sum_)):6.3f}")
np.testing.assert_array_equal(y, z > 0)
if GIVEN == {"kernel": [1, 1], "bias": -1.5}:
    np.testing.assert_array_equal(y, TABLES["AND"])

# %% [markdown]
# ## Rosenblatt's rule
#
# For each sample: w ← w + η (t − y) x and b ← b + η (t − y). Nothing changes where the output y is
# the target t. In Keras this is `fit` with batches of one sample, our gradient descent and the
# perceptron criterion. The rule is also computed by hand, to compare the weights.


# %%
def by_hand(t, told=False):
    """The weights that the rule ends with."""
    w, b = np.array(KERNEL, "float32"), np.float32(BIAS)
    for epoch in range(EPOCHS):
        for x, wanted in zip(X, t, strict=True):
            y = float(x @ w + b > 0)
            w, b = w + RATE * (wanted - y) * x, b + RATE * (wanted - y)
            if told and y != wanted:
                print(f"  epoch {epoch + 1}, x = {x}: said {y:.0f}, so w = {w}, b = {b:g}")
    return [*w, b]


def train(t, activation, loss, rate, epochs, batch_size):
    """A perceptron trained on a table."""
    layer = kce.layers.Perceptron(activation=activation, kernel=KERNEL, bias=BIAS)
    model = keras.Sequential([keras.Input((2,)), layer])
    model.compile(kce.optimizers.GradientDescent(rate), loss)
    x, t = np.tile(X, (epochs, 1)), np.tile(t, epochs)  # one long epoch is faster than many short
    model.fit(x, t, batch_size=batch_size, shuffle=False, verbose=0)
    return model


print("AND, every correction:")
by_hand(TABLES["AND"], told=True)
stepped = {}
for name, t in TABLES.items():
    stepped[name] = train(t, "step", kce.losses.PerceptronCriterion(), RATE, EPOCHS, 1)
    w = np.concatenate([weight.ravel() for weight in stepped[name].get_weights()])
    answers = stepped[name](X).numpy().ravel().astype(int).tolist()
    print(f"{name}: w = {w[:2]}, b = {w[2]:g}, answers {answers}, wanted {t}")
    if (KERNEL, BIAS, RATE, EPOCHS) == ([0, 0], 0, 1.0, 10):
        np.testing.assert_array_equal(w, by_hand(t))
        assert answers == t or t == [0, 1, 1, 0]
        assert w.tolist() == [2, 1, -2] or t != [0, 0, 0, 1]

# %% [markdown]
# ## Logistic regression
#
# The sigmoid has a derivative, so gradient descent can be used, on the cross-entropy of all four
# samples. The output is a probability, above 0.5 exactly where z is above 0.

# %%
logistic = {}
for name, t in TABLES.items():
    loss = kce.losses.BinaryCrossentropy()
    logistic[name] = train(t, "sigmoid", loss, LOGISTIC_RATE, LOGISTIC_STEPS, len(X))
    p = logistic[name](X).numpy().ravel()
    w, b = (weight.ravel() for weight in logistic[name].get_weights())
    print(f"{name}: w = {w.round(2)}, b = {b[0]:.2f}, p = {p.round(3)}, wanted {t}")
    if (KERNEL, BIAS, LOGISTIC_RATE, LOGISTIC_STEPS) == ([0, 0], 0, 4.0, 300):
        assert ((p > 0.5) == t).all() or t == [0, 1, 1, 0]

# %% [markdown]
# ## The lines
#
# The rule stops at the first line without an error, even if it goes through a point. Logistic
# regression continues: a line in the middle gives the right answers a higher probability.

# %%
size = (3.6 * len(TABLES), 7)
figure, axes = plt.subplots(2, len(TABLES), figsize=size, layout="constrained", squeeze=False)
for column, (name, t) in enumerate(TABLES.items()):
    for ax, model, how in zip(axes[:, column], (stepped, logistic), ("step", "σ"), strict=True):
        kce.plotting.decision_boundary(model[name], X, np.array(t), ax, title=f"{name}, {how}")
OUT.mkdir(parents=True, exist_ok=True)
figure.savefig(OUT / "02_perceptron.png", dpi=120)
