# %% [markdown]
# # Advanced gradient descent
#
# - Title: SGD, momentum, NAG, Adagrad, RMSprop and Adam on the same two functions
# - 제목: 고급 경사 하강법 여섯 가지가 같은 골짜기를 내려가는 모습을 비교합니다
# - Deck chapter: 5, 고급 경사 하강법 (advanced gradient descent), its table of six methods
# - You will see: the deck's table with its calls running as printed, six paths on the contours of
#   two functions, and an animation of them.
# - Description: The deck's calls are those of Keras 2. Keras 3 raises errors; `keras_course_ext`
#   accepts them and warns with the current spelling. Then the methods minimize the valley
#   x²/20 + y² from (-7, 2) and the Rosenbrock function.

# %%
import argparse
import re
import warnings
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
TABLE = {
    "SGD": "keras.optimizers.SGD(lr = 0.1)",
    "Momentum": "keras.optimizers.SGD(lr = 0.1, momentum = 0.9)",
    "NAG": "keras.optimizers.SGD(lr = 0.1, momentum = 0.9, nesterov = True)",
    "Adagrad": "keras.optimizers.Adagrad(lr = 0.01, epsilon = 1e - 6)",
    "RMSProp": "keras.optimizers.RMSprop(lr = 0.001, rho = 0.9, epsilon = 1e - 08, decay = 0.0)",
    "Adam": "keras.optimizers.Adam(lr = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e - 08,"
    " decay = 0.0)",
}
START, STEPS, ARRIVED = (-7, 2), 60, 0.01  # and f ≤ 0.01 counts as having arrived
BENT_START, BENT_STEPS = (-1.5, 2), 400
# The table's learning rates are for networks. These are for two weights, in the table's order.
RATES = dict(zip(TABLE, [0.9, 0.1, 0.1, 1.5, 0.3, 0.3], strict=True))
BENT_RATES = dict(zip(TABLE, [0.001, 0.0003, 0.0003, 0.5, 0.02, 0.1], strict=True))

# %% [markdown]
# ## The table, as printed
#
# `1e - 6`, with spaces, is a syntax error in every Python; 1e-6 is meant. All other calls run as
# printed, with `keras` as the name of our package, the only change that an old program needs.

# %%
optimizers = {}
for name, printed in TABLE.items():
    call = printed
    for spaced in re.findall(r"1e - \d+", printed):
        try:
            eval(printed, {"keras": kce})
        except SyntaxError as error:
            call = printed.replace(spaced, spaced.replace(" ", ""))
            print(f"{spaced} → {error.msg}; we write {spaced.replace(' ', '')}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        optimizers[name] = eval(call, {"keras": kce})
        print(f"{call}\n    ours:     {caught[0].message if caught else 'runs'}")
    config = optimizers[name].get_config() | {"lr": optimizers[name].learning_rate_at(0)}
    for argument, value in re.findall(r"(\w+) = ([^ ,)]+)", call):
        if argument != "decay":  # which has become a part of the learning rate
            np.testing.assert_allclose(config[argument], eval(value), rtol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of `decay` before it refuses
        try:
            eval(call, {"keras": keras})
            print("    Keras takes it too.")
        except ValueError as error:
            print(f"    Keras {keras.__version__[0]}:  {error}")

# %% [markdown]
# Are the results those of Keras? Five steps in the valley with the learning rates of the table:
# ours by the rules on NumPy, Keras's called in the current spelling.

# %%
STEEPNESS = np.array([0.1, 2.0])  # the gradient of x²/20 + y² is (0.1 x, 2 y)
for ours in optimizers.values():
    settings = {k: v for k, v in ours.get_config().items() if k not in ("convention", "lazy")}
    theirs = getattr(keras.optimizers, type(ours).__name__).from_config(settings)
    w = keras.Variable(START, dtype="float32")
    for _ in range(5):
        theirs.apply([w.value * STEEPNESS.astype("float32")], [w])
    path = kce.optimizers.trajectory(ours, lambda w: w * STEEPNESS, START, steps=5)
    np.testing.assert_allclose(path[-1], w.numpy(), rtol=1e-5)
print("\nFive steps of ours end where five steps of Keras's end, for all six.")


# %%
def with_rates(rates):
    """The optimizers of the table, with other learning rates."""
    return {
        name: type(one).from_config(one.get_config() | {"learning_rate": rates[name]})
        for name, one in optimizers.items()
    }


# %% [markdown]
# ## The long valley
#
# The curvature of f(x, y) = x²/20 + y² is twenty times larger in y than in x. SGD oscillates in y;
# momentum and NAG make fewer and longer oscillations; Adagrad, RMSprop and Adam scale the steps in
# x and y separately, which avoids the problem.

# %%
print(f"\n{'':10}{'f at the end':>14}{f'steps to f ≤ {ARRIVED}':>20}{'turns in y before':>19}")
for name, optimizer in with_rates(RATES).items():
    x, y = kce.optimizers.trajectory(optimizer, lambda w: w * STEEPNESS, START, steps=STEPS).T
    f = x**2 / 20 + y**2
    assert START != (-7, 2) or np.isclose(f[0], 6.45)
    first = next(iter(np.flatnonzero(f <= ARRIVED)), None)
    turns = np.count_nonzero(np.diff(np.sign(np.diff(y[:first]))))
    print(f"{name:10}{f[-1]:14.1e}{'never' if first is None else first:>20}{turns:19}")

# %% [markdown]
# ## Both valleys
#
# Rosenbrock's valley is curved and almost flat along its floor: after the descent to the floor,
# progress is slow.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
straight, bent = with_rates(RATES), with_rates(BENT_RATES)
kce.plotting.trajectories("valley", straight, left, start=START, steps=STEPS)
kce.plotting.trajectories("rosenbrock", bent, right, start=BENT_START, steps=BENT_STEPS)
OUT.mkdir(parents=True, exist_ok=True)
figure.savefig(OUT / "09_advanced_descents.png", dpi=120)

# %%
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
moving = kce.plotting.animate("valley", straight, ax, start=START, steps=STEPS // 2, fps=8)
ax.legend(loc="lower right", fontsize="small", ncols=4)  # no path goes there
moving.save(OUT / "09_advanced_descents.gif", writer="pillow", dpi=70)
print(f"\nWritten: {OUT / '09_advanced_descents.png'} and .gif")
