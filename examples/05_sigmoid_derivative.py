# %% [markdown]
# # The derivative of the sigmoid
#
# - Title: σ' = σ (1 − σ), and it is never above 0.25
# - 제목: 시그모이드의 미분은 σ (1 − σ)이고 최댓값은 정확히 0.25입니다
# - Deck chapter: 4, 오차 역전파 (back-propagation), "Sigmoid 미분"; 5, 기울기 소실 문제
# - You will see: the deck's derivation line by line, the value of every line, and the curve.
# - Description: The quotient rule gives the derivative of σ(x) = 1 / (1 + e⁻ˣ), σ (1 − σ), in five
#   lines. They are computed here in fractions, without rounding, and compared with automatic
#   differentiation and a difference quotient. Then the maximum: exactly 1/4, at x = 0.

# %%
import argparse
from fractions import Fraction
from pathlib import Path

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
# The derivation holds for every x. eˣ is not a fraction, so we choose u = e⁻ˣ instead, any positive
# fraction: then x = −ln u, and every line of the derivation is a fraction.

# %%
U = [Fraction(1, 100), Fraction(1, 3), Fraction(1), Fraction(2), Fraction(7, 2), Fraction(1000)]
LARGEST_X = 8  # the picture goes from -LARGEST_X to LARGEST_X
CLAIM = 0.3  # what many pages say that the maximum is

# %% [markdown]
# ## The derivation
#
# F(x) = f(x) / g(x) with f = 1 and g = 1 + e⁻ˣ. Rule 1 of the deck gives f' = 0, rule 7 (연쇄법칙,
# the chain rule) gives g' = −e⁻ˣ. Rule 6 (나눗셈공식) is the first line, the rest is algebra.


# %%
def derivation(u: Fraction) -> dict[str, Fraction]:
    """The lines of the deck's page, each with its value where e⁻ˣ = u."""
    f, df = Fraction(1), Fraction(0)
    g, dg = 1 + u, -u
    F = f / g
    return {
        "(f' g − f g') / g²": (df * g - f * dg) / g**2,
        "(0 − (−e⁻ˣ)) / (1 + e⁻ˣ)²": (0 - (-u)) / (1 + u) ** 2,
        "1 / (1 + e⁻ˣ) · e⁻ˣ / (1 + e⁻ˣ)": (1 / (1 + u)) * (u / (1 + u)),
        "F (1 + e⁻ˣ − 1) / (1 + e⁻ˣ)": F * (1 + u - 1) / (1 + u),
        "F ((1 + e⁻ˣ) / (1 + e⁻ˣ) − 1 / (1 + e⁻ˣ))": F * ((1 + u) / (1 + u) - 1 / (1 + u)),
        "F (1 − F)": F * (1 - F),
    }


for u in U:
    lines = derivation(u)
    print(f"\ne⁻ˣ = {u}, so x = {-np.log(float(u)):.4f}")
    for line, value in lines.items():
        print(f"  {line:<42} = {value}")
    assert len(set(lines.values())) == 1  # equal as fractions: not one bit apart

# %% [markdown]
# ## Is the first line right?
#
# Three numerical checks in float64: TensorFlow's automatic differentiation of the formula, the
# difference quotient over a tiny step, and the hand-written backward pass of `kce.ops.sigmoid`.

# %%
x = tf.constant([-np.log(float(u)) for u in U], tf.float64)
with tf.GradientTape(persistent=True) as tape:
    tape.watch(x)
    formula = 1 / (1 + tf.exp(-x))
    ours = kce.ops.sigmoid(x)
h = 1e-5
slope = (1 / (1 + tf.exp(-(x + h))) - 1 / (1 + tf.exp(-(x - h)))) / (2 * h)
by_hand = np.array([float(derivation(u)["F (1 − F)"]) for u in U])
np.testing.assert_allclose(tape.gradient(formula, x).numpy(), by_hand, rtol=1e-12)
np.testing.assert_allclose(tape.gradient(ours, x).numpy(), by_hand, rtol=1e-12)
np.testing.assert_allclose(slope, by_hand, atol=1e-10)
print("Automatic differentiation, difference quotient and kce.ops.sigmoid agree with F (1 − F).")

# %% [markdown]
# ## The maximum is 1/4, exactly
#
# Complete the square: F (1 − F) = 1/4 − (F − 1/2)². A square is never negative, so 1/4 is the
# maximum, reached only where F = 1/2, that is where e⁻ˣ = 1, at x = 0.

# %%
QUARTER = Fraction(1, 4)
for u in U:
    F = 1 / (1 + u)
    assert F * (1 - F) == QUARTER - (F - Fraction(1, 2)) ** 2 <= QUARTER
    assert (F * (1 - F) == QUARTER) == (u == 1)

grid = np.linspace(-LARGEST_X, LARGEST_X, 2001)  # x = 0 is the middle one
points = tf.constant(grid)
with tf.GradientTape() as tape:
    tape.watch(points)
    y = kce.ops.sigmoid(points)
curve = tape.gradient(y, points).numpy()
assert curve.max() == 0.25  # and not about 0.25: the computer's numbers have it exactly
(at,) = np.flatnonzero(curve == 0.25)  # it is there once
assert grid[at] == 0
print(f"max σ' = {curve.max()} at x = {grid[at]:.0f}; many pages say {CLAIM}.")

# %% [markdown]
# Does it matter? Back-propagation multiplies one such factor per layer, so the error of 0.05 grows:

# %%
for layers in (1, 5, 10, 20):
    ratio = (CLAIM / curve.max()) ** layers
    print(f"{layers:>2} layers: at most {0.25**layers:.1e}; {CLAIM} says {ratio:.1f} times as much")

# %%
figure, ax = plt.subplots(figsize=(8, 5), layout="constrained")
ax.axhline(CLAIM, color="#D55E00", ls=":", lw=2, label=f"{CLAIM}, never reached")
limits = (-LARGEST_X, LARGEST_X)
title = "The derivative of the sigmoid is at most 0.25"
kce.plotting.activation("sigmoid", ax, limits=limits, title=title)
OUT.mkdir(parents=True, exist_ok=True)
figure.savefig(OUT / "05_sigmoid_derivative.png", dpi=120)
print(f"Written: {OUT / '05_sigmoid_derivative.png'}")
