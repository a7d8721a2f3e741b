# %% [markdown]
# # The third dimension
#
# - Title: Six matches make four triangles in space, and three inputs make XOR separable
# - 제목: 성냥개비 여섯 개와 XOR, 차원을 하나 더하면 풀리는 두 문제
# - Deck chapter: 3, 다층 퍼셉트론: "성냥개비 여섯 개로 정삼각형 네 개를 만들 수 있는가?"
# - You will see: the tetrahedron of six matches, and the plane by which one perceptron computes XOR
#   from three inputs.
# - Description: Both puzzles have no solution in the plane and one in space. A hidden layer adds
#   such dimensions to a network; here the third input x1·x2 is computed by hand.

# %%
import argparse
from itertools import combinations
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
RATE, EPOCHS = 1.0, 30  # of Rosenblatt's rule

# %% [markdown]
# ## The matches
#
# 성냥개비 여섯 개로 정삼각형 네 개: four triangles have 4·3 = 12 sides, and six matches must be two
# sides each. In the plane the outer sides belong to one triangle only, so six matches are not
# enough. In space four points at equal distances have six edges and four faces: a tetrahedron.

# %%
turns = 2 * np.pi * np.arange(3) / 3
base = np.column_stack([np.cos(turns), np.sin(turns), np.zeros(3)]) / np.sqrt(3)
corners = np.vstack([base, [0, 0, np.sqrt(2 / 3)]])
matches = list(combinations(range(4), 2))
triangles = list(combinations(range(4), 3))
lengths = [float(np.linalg.norm(corners[i] - corners[j])) for i, j in matches]
print(f"{len(matches)} matches of the lengths {np.round(lengths, 3)}")
print(f"{len(triangles)} triangles, each match is a side of two")
np.testing.assert_allclose(lengths, 1.0)
for match in matches:
    assert sum(set(match) <= set(triangle) for triangle in triangles) == 2

# %% [markdown]
# ## XOR with a third input
#
# No line separates the points of XOR. With x3 = x1·x2, the point (1, 1) moves up to (1, 1, 1), and
# a plane separates it. One perceptron with three inputs is enough, and Rosenblatt's rule finds it.

# %%
lifted = np.column_stack([X, X[:, 0] * X[:, 1]])
layer = kce.layers.Perceptron(kernel=[0, 0, 0], bias=0)
model = keras.Sequential([keras.Input((3,)), layer])
model.compile(kce.optimizers.GradientDescent(RATE), kce.losses.PerceptronCriterion())
points, targets = np.tile(lifted, (EPOCHS, 1)), np.tile(XOR, EPOCHS)
model.fit(points, targets, batch_size=1, shuffle=False, verbose=0)
w, b = (weight.ravel() for weight in model.get_weights())
answers = model(lifted).numpy().ravel().astype(int)
print(f"the plane {w[0]:g} x1 + {w[1]:g} x2 + {w[2]:g} x3 + {b[0]:g} = 0, answers {answers}")
if EPOCHS >= 30:
    np.testing.assert_array_equal(answers, XOR)

# %% [markdown]
# ## The picture
#
# The network of the deck does the same without the third input: its hidden layer computes new
# coordinates n1 and n2 from x1 and x2, in which a line is enough (example 03).

# %%
figure = plt.figure(figsize=(11, 5), layout="constrained")
left, right = (figure.add_subplot(1, 2, i, projection="3d") for i in (1, 2))
for i, j in matches:
    left.plot(*corners[[i, j]].T, color="#B5651D", linewidth=5, solid_capstyle="round")
left.scatter(*corners.T, color="#8B0000", s=60, depthshade=False)
left.set(title="Six matches, four triangles")
left.set_axis_off()
left.set_box_aspect((1, 1, 0.9))
left.view_init(18, 20)

for t, marker, color in ((0, "o", "#0072B2"), (1, "s", "#D55E00")):
    style = {"marker": marker, "color": color, "label": f"XOR = {t}"}
    right.scatter(*lifted[t == XOR].T, s=90, depthshade=False, **style)
right.plot([1, 1], [1, 1], [0, 1], color="#0072B2", linestyle=":")
if w[2]:
    x1, x2 = np.meshgrid([-0.2, 1.2], [-0.2, 1.2])
    right.plot_surface(x1, x2, -(w[0] * x1 + w[1] * x2 + b[0]) / w[2], alpha=0.3, color="#777777")
right.set(title="XOR is separated by a plane", xticks=[0, 1], yticks=[0, 1], zticks=[0, 1])
right.set(xlabel="x1", ylabel="x2", zlabel="x3 = x1·x2")
right.view_init(12, -62)
right.legend(loc="upper left")
OUT.mkdir(parents=True, exist_ok=True)
figure.savefig(OUT / "13_third_dimension.png", dpi=120)
print(f"Written: {OUT / '13_third_dimension.png'}")
