# %% [markdown]
# # Capstone: from a faulty network to a healthy one
#
# - Title: A network with several faults at once, corrected by following the report's advice
# - 제목: 여러 병이 겹친 신경망을 진단 결과가 권하는 대로 하나씩 고쳐 건강하게 만듭니다
# - Deck chapter: 5, 활성화 함수와 손실 함수 (activation and loss functions), and all before it
# - You will see: the findings in turn, the advice of each, and the accuracy and the gradients after
#   each change.
# - Description: Raw pixels from 0 to 255, eight sigmoid layers, weights of standard deviation 1, a
#   learning rate of 1. Not all of these do harm, and one fault hides the next. So: train,
#   read the most serious finding, follow its advice, train again.

# %%
import argparse
from pathlib import Path

import keras
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_course_ext as kce

parser = argparse.ArgumentParser()
parser.add_argument("--out", type=Path, default="out", help="folder for the picture")
OUT = parser.parse_args([] if "get_ipython" in globals() else None).out

# %% [markdown]
# ## Settings: the faulty network

# %%
STANDARD_NORMAL = keras.initializers.RandomNormal(stddev=1.0)
PATIENT = {
    "activation": "sigmoid",
    "kernel_initializer": STANDARD_NORMAL,
    "learning_rate": 1.0,
    "global_clipnorm": None,
    "inputs": "raw",
}
DEPTH = 8
UNITS = 64
EPOCHS = 16
SEED = 0
VISITS = 8  # at most so many trainings
COLORS = (-6, 1)  # from dark to bright in the picture, log₁₀ ‖∂L/∂W‖

# %% [markdown]
# ## One training
#
# Real digits, with brightness from 0 to 255, as in image files.

# %%
x, y = load_digits(return_X_y=True)
x = (x * 255 / 16).astype("float32")
parts = train_test_split(x, y, test_size=0.2, stratify=y, random_state=SEED)
x_train, x_test, y_train, y_test = parts
standardize = keras.layers.Rescaling(1 / x_train.std(), -x_train.mean() / x_train.std())


def train(settings):
    """Train a network with a monitor; return the monitor and the accuracy on the test digits."""
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential([keras.Input((64,))])
    if settings["inputs"] == "standardized":
        model.add(standardize)
    for i in range(1, DEPTH + 1):
        how = {name: settings[name] for name in ("activation", "kernel_initializer")}
        model.add(kce.layers.Dense(UNITS, name=f"hidden_{i}", **how))
    model.add(kce.layers.Dense(10, activation="softmax", name="output"))
    how = {name: settings[name] for name in ("learning_rate", "global_clipnorm")}
    loss = "sparse_categorical_crossentropy"
    model.compile(kce.optimizers.SGD(**how), loss, metrics=["accuracy"])
    monitor = kce.callbacks.GradientMonitor()
    model.fit(x_train, y_train, 32, EPOCHS, verbose=0, callbacks=[monitor])
    return monitor, model.evaluate(x_test, y_test, verbose=0)[1]


# %% [markdown]
# ## Following the advice
#
# Only the text of the first remedy decides on the change, not our knowledge of the network.


# %%
def follow(advice, settings):
    """The settings after following an advice."""
    new, words = dict(settings), advice.lower()
    if "activation='relu'" in words:
        new |= {"activation": "relu", "kernel_initializer": "he_normal"}
    elif "kernel_initializer=" in words:
        fit = "he_normal" if settings["activation"] == "relu" else "glorot_uniform"
        new |= {"kernel_initializer": fit}
    if "scale the inputs" in words or "inputs of mean 0" in words:
        new |= {"inputs": "standardized"}
    if "lower the learning rate" in words:
        new |= {"learning_rate": settings["learning_rate"] / 10}
    if "raise the learning rate" in words:
        new |= {"learning_rate": settings["learning_rate"] * 10}
    if new == settings and "clip" in words:
        new |= {"global_clipnorm": 1.0}
    return new


# %% [markdown]
# ## Train, read, change, repeat
#
# The most serious finding comes first, and its symptoms stand under it. If it is the same as last
# time, its remedy was not enough, and the next one is used.

# %%
settings, visits, last = PATIENT, [], None
while len(visits) < VISITS:
    monitor, accuracy = train(settings)
    visits.append((monitor, accuracy))
    print(f"\n=== Visit {len(visits)}: {accuracy:.1%} of the test digits read")
    monitor.report()
    if not monitor.findings:
        break
    listed = [f for lead in monitor.findings for f in (lead, *lead.symptoms)]
    finding = ([f for f in listed if f.kind != last] or listed)[0]
    advice = finding.remedies[0].text if finding.remedies else finding.advice
    last, new = finding.kind, follow(advice, settings)
    changes = {name: value for name, value in new.items() if value != settings[name]}
    print(f"{finding.kind}: we write {changes or 'nothing new, and give up'}")
    if not changes:
        break
    settings = new

# %% [markdown]
# No finding means that what is left of the faults does no harm: here the large weights and the high
# learning rate are none for standardized inputs. It does not mean that training is complete.

# %%
kinds = [[finding.kind for finding in monitor.findings] for monitor, _ in visits]
print("\nvisit  accuracy  findings, the gravest first")
for i, ((_, accuracy), found) in enumerate(zip(visits, kinds, strict=True), 1):
    print(f"{i:5}{accuracy:10.1%}  {', '.join(found) or 'none'}")
as_told = (PATIENT["activation"], PATIENT["learning_rate"], DEPTH) == ("sigmoid", 1.0, 8)
assert not as_told or EPOCHS < 16 or (not kinds[-1] and visits[-1][1] > 0.9)

size = {"figsize": (3 + 3.2 * len(visits), 4.2), "layout": "constrained"}
figure, axes = plt.subplots(1, len(visits), squeeze=False, **size)
for i, (ax, (monitor, accuracy)) in enumerate(zip(axes[0], visits, strict=True)):
    title = f"Visit {i + 1}: {accuracy:.0%} read"
    last_one = i == len(visits) - 1
    kce.plotting.gradients(monitor.history, ax, title=title, limits=COLORS, colorbar=last_one)
    ax.label_outer()
OUT.mkdir(parents=True, exist_ok=True)
figure.savefig(OUT / "11_capstone.png", dpi=120)
print(f"Written: {OUT / '11_capstone.png'}")
