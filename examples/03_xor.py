# %% [markdown]
# # XOR
#
# - Title: One perceptron cannot compute XOR, a network with a hidden layer can
# - 제목: 퍼셉트론 하나로는 안 되는 XOR 문제, 은닉층이 평면을 휘어 풉니다
# - Deck chapter: 3, 다층 퍼셉트론: "XOR 문제 해결", "다층 퍼셉트론 설계", and the end of chapter 2
# - You will see: how one perceptron fails, the deck's table with σ as a threshold and as a sigmoid,
#   weights found by training, and the plane before and after the hidden layer.
# - Description: No line separates the points of XOR. Two perceptrons map the plane to another one,
#   (n1, n2), where a line does. The deck gives weights, and training finds others.

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

# %%
X, XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32"), np.array([0, 1, 1, 0])
W1, B1, W2, B2 = [[-2, 2], [-2, 2]], [3, -1], [1, 1], -1
DECKS = (W1, B1, W2, B2) == ([[-2, 2], [-2, 2]], [3, -1], [1, 1], -1)
SEEDS = [0, 1]  # training starts once from the random weights of each
RATE, STEPS = 5.0, 500


def train(model, loss, rate, steps, batch_size):
    """Train a model on all four points by gradient descent."""
    if not model.compiled:
        model.compile(kce.optimizers.GradientDescent(rate), loss)
    x, t = np.tile(X, (steps, 1)), np.tile(XOR, steps)
    model.fit(x, t, batch_size=batch_size, shuffle=False, verbose=0)
    return model(X).numpy().ravel()


# %% [markdown]
# ## One perceptron fails
#
# It would need b ≤ 0, w1 + b > 0, w2 + b > 0 and w1 + w2 + b ≤ 0. The two in the middle add up to
# w1 + w2 + 2b > 0, the outer two to w1 + w2 + 2b ≤ 0: there are no such weights. Rosenblatt's rule
# returns to the same weights again and again. Logistic regression ends at 0.5 for every point.

# %%
step = keras.Sequential([keras.Input((2,)), kce.layers.Perceptron(kernel=[0, 0], bias=0)])
seen = []
while not seen or seen[-1] not in seen[:-1]:
    y = train(step, kce.losses.PerceptronCriterion(), 1.0, steps=1, batch_size=1)
    seen.append([float(w) for weight in step.get_weights() for w in weight.ravel()])
    print(f"Rosenblatt's rule, epoch {len(seen)}: w1, w2, b = {seen[-1]}, answers {y.astype(int)}")
    assert (y != XOR).any()

neuron = kce.layers.Perceptron(activation="sigmoid", kernel=[1, -0.5], bias=0.3)
line = keras.Sequential([keras.Input((2,)), neuron])
y = train(line, kce.losses.BinaryCrossentropy(), 4.0, steps=300, batch_size=4)
print("Logistic regression answers", y.round(3))
np.testing.assert_allclose(y, 0.5, atol=1e-3)

# %% [markdown]
# ## The deck's weights
#
# n1 = σ(x1 w11 + x2 w21 + b1), n2 = σ(x1 w12 + x2 w22 + b2), y = σ(n1 w31 + n2 w32 + b3). In the
# deck's table all of them are 0 or 1, so σ is a threshold there. The sigmoid orders the points in
# the same way, but gives more than 0.5 for all four: at z = 1 it is 0.731, not 1.


# %%
def given(activation):
    """The network with the weights under Settings."""
    first = kce.layers.Perceptron(2, activation, kernel=W1, bias=B1)
    return keras.Sequential(
        [keras.Input((2,)), first, kce.layers.Perceptron(1, activation, kernel=W2, bias=B2)]
    )


threshold, sigmoid = given("step"), given("sigmoid")
n, y = threshold.layers[0](X).numpy(), threshold(X).numpy().ravel()
m, s = sigmoid.layers[0](X).numpy(), sigmoid(X).numpy().ravel()
print("        threshold       sigmoid\nx1 x2   n1 n2 y_out   n1     n2    y_out   wanted")
for (x1, x2), (n1, n2), yi, (m1, m2), si, t in zip(X, n, y, m, s, XOR, strict=True):
    print(f"{x1:2.0f} {x2:2.0f}   {n1:2.0f} {n2:2.0f} {yi:5.0f}", end="   ")
    print(f"{m1:.3f}  {m2:.3f} {si:.3f}   {t:6}")
if DECKS:
    np.testing.assert_array_equal(n, [[1, 0], [1, 1], [1, 1], [0, 1]])
    np.testing.assert_array_equal(y, XOR)
    assert [f"{si:.3f}" for si in s] == ["0.555", "0.614", "0.614", "0.555"]

# %% [markdown]
# ## Weights found by training
#
# 조합은 무수히 많음: infinitely many combinations are possible. A network of sigmoids, which have a
# derivative, finds one of them from random weights. For some seeds it does not: try another one.

# %%
before = after = None
for seed in SEEDS:
    keras.utils.set_random_seed(seed)
    start = keras.initializers.RandomNormal(stddev=1.0)
    hidden = kce.layers.Dense(2, "sigmoid", kernel_initializer=start)
    model = keras.Sequential([keras.Input((2,)), hidden, kce.layers.Dense(1, "sigmoid")])
    untrained = keras.models.clone_model(model)
    untrained.set_weights(model.get_weights())
    y = train(model, kce.losses.BinaryCrossentropy(), RATE, STEPS, batch_size=4)
    solved = bool(((y > 0.5) == XOR).all())
    print(f"seed {seed}: {'solved' if solved else 'stuck'}, answers {y.round(3)}, W and B:")
    print("   ", *(w.astype(float).round(1).tolist() for w in model.get_weights()))
    if after is None or solved:
        before, after = untrained, model
    assert solved or (SEEDS, RATE, STEPS) != ([0, 1], 5.0, 500)

# %% [markdown]
# ## The plots
#
# Top: the plane of x1 and x2. Bottom: the plane of n1 and n2, with the grid of the first as the
# hidden layer maps it. Here a straight line separates the two classes.

# %%
figure, axes = plt.subplots(2, 3, figsize=(13, 8.5), layout="constrained")
between = round(float(s[XOR == 0].max() + s[XOR == 1].min()) / 2, 3)
boundary, space = kce.plotting.decision_boundary, kce.plotting.hidden_space
boundary(step, X, XOR, axes[0, 0], title="One perceptron: no line will do")
boundary(threshold, X, XOR, axes[0, 1], title="The weights of the deck, σ as a threshold")
boundary(after, X, XOR, axes[0, 2], title="Weights found by training")
space(before, X, XOR, axes[1, 0], title="Hidden layer before training")
space(sigmoid, X, XOR, axes[1, 1], threshold=between, title="Hidden layer of the deck")
space(after, X, XOR, axes[1, 2], title="Hidden layer after training")
OUT.mkdir(parents=True, exist_ok=True)
figure.savefig(OUT / "03_xor.png", dpi=120)
