# %% [markdown]
# # Capstone: from a sick network to a healthy one
#
# - Title: A network with several diseases at once, healed by doing what the report advises
# - 제목: 여러 병이 겹친 신경망을 진단 결과가 권하는 대로 하나씩 고쳐 건강하게 만듭니다
# - Deck chapter: 5, 활성화 함수와 손실 함수 (activation and loss functions), and all before it
# - You will see: finding after finding, what each advises, the accuracy after each change, and the
#   gradients of the first and of the last network.
# - Description: Raw pixels from 0 to 255, eight sigmoid layers, weights of standard deviation 1, a
#   learning rate of 1: nobody chose that, it accumulated. No finding names all of it, since one
#   disease hides the next. So: train, read the gravest finding, do what it says, train again.

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
# ## Settings: the patient

# %%
PATIENT = {
    "activation": "sigmoid",
    "initializer": keras.initializers.RandomNormal(stddev=1.0),
    "learning_rate": 1.0,
    "scaled_inputs": False,
    "normalized": False,
}
DEPTH = 8
UNITS = 64
EPOCHS = 6
SEED = 0
PATIENCE = 8  # so many trainings at most

# %%
x, y = load_digits(return_X_y=True)
x = (x * 255 / 16).astype("float32")  # brightness as cameras write it
x_train, x_test, y_train, y_test = train_test_split(
    x, y, test_size=0.2, stratify=y, random_state=SEED
)
mean, std = x_train.mean(), x_train.std()


def train(settings):
    """Train one network under a monitor; return the monitor and the test accuracy."""
    keras.utils.set_random_seed(SEED)
    hidden = []
    for i in range(1, DEPTH + 1):
        name, start = f"hidden_{i}", settings["initializer"]
        hidden.append(kce.layers.Dense(UNITS, kernel_initializer=start, name=name))
        if settings["normalized"]:
            hidden.append(keras.layers.BatchNormalization())
        hidden.append(kce.layers.Activation(settings["activation"]))
    output = kce.layers.Dense(10, activation="softmax", name="output")
    scale = keras.layers.Rescaling(1 / std, -mean / std) if settings["scaled_inputs"] else None
    model = keras.Sequential([keras.Input((64,)), *filter(None, [scale]), *hidden, output])
    model.compile(
        optimizer=kce.optimizers.SGD(settings["learning_rate"]),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    monitor = kce.callbacks.GradientMonitor()
    model.fit(x_train, y_train, batch_size=32, epochs=EPOCHS, verbose=0, callbacks=[monitor])
    return monitor, model.evaluate(x_test, y_test, verbose=0)[1]
