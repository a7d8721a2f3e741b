# %% [markdown]
# # Sequential and Functional
#
# - Title: The deck's two listings, trained on real digits, with our optimizer and monitor in both
# - 제목: Sequential과 Functional, 강의의 두 코드를 실제 손글씨 숫자로 훈련하고 평가하고 예측합니다
# - Deck chapter: 1, TF 상위 API (the high-level API), Sequential API and Functional API
# - You will see: both listings learn to classify digits, and make the same predictions.
# - Description: The deck shows the network 64-32-10 twice, as a list of layers and as functions of
#   an input "img" of 784 numbers. Both work with `kce.optimizers.Adam` and `GradientMonitor`.

# %%
import argparse
import socket
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
OPTIMIZER = lambda: kce.optimizers.Adam(0.01)  # noqa: E731  one for each model
EPOCHS = 10
SEED = 0
SAMPLES = 1797  # MNIST has 70 000; that many of them take a minute or two

# %% [markdown]
# ## Real digits, 28 by 28
#
# MNIST if Keras has it or can download it (11 MB), else the 1797 digits of scikit-learn. These have
# 8 by 8 pixels; each is enlarged to 3 by 3, with a margin of 2, as in MNIST. This gives 784 inputs,
# but no more detail than 64.

# %%
socket.setdefaulttimeout(5)  # seconds, in which to learn that there is no network
try:
    (x, y), _ = keras.datasets.mnist.load_data()
    source = "MNIST"
except Exception:  # Keras raises no narrower one
    x, y = load_digits(return_X_y=True)
    x = np.pad(np.kron(x.reshape(-1, 8, 8), np.ones((3, 3))), ((0, 0), (2, 2), (2, 2)))
    source = "scikit-learn's digits, enlarged"
socket.setdefaulttimeout(None)
x, y = x[:SAMPLES].reshape(-1, 784).astype("float32") / x.max(), y[:SAMPLES]
labels = keras.utils.to_categorical(y, 10)  # categorical cross-entropy wants one of ten
parts = train_test_split(x, labels, test_size=0.2, stratify=y, random_state=SEED)
X_train, X_test, y_train, y_test = parts
print(f"{source}: {len(X_train)} images to learn from, {len(X_test)} to test with\n")


# %%
def sequential():
    """The deck's first listing."""
    # 모델 정의
    model = tf.keras.Sequential()
    model.add(tf.keras.layers.Dense(64, activation="relu"))
    model.add(tf.keras.layers.Dense(32, activation="relu"))
    model.add(tf.keras.layers.Dense(10, activation="softmax"))
    return model


def functional():
    """The deck's second listing."""
    # 입력과 출력을 연결
    input = tf.keras.Input(shape=(784,), name="img")  # noqa: A001
    h1 = tf.keras.layers.Dense(64, activation="relu")(input)
    h2 = tf.keras.layers.Dense(32, activation="relu")(h1)
    output = tf.keras.layers.Dense(10, activation="softmax")(h2)
    # 모델 생성
    return tf.keras.Model(input, output)


# %% [markdown]
# The rest of both listings: compile, fit, evaluate, predict.

# %%
runs = {}
for build in (sequential, functional):
    keras.utils.set_random_seed(SEED)
    model: keras.Model = build()
    # 모델 하이퍼 파라미터 설정; the deck has tf.keras.optimizers.Adam(0.01) here
    model.compile(optimizer=OPTIMIZER(), loss="categorical_crossentropy", metrics=["accuracy"])
    # 모델 훈련
    monitor = kce.callbacks.GradientMonitor()
    quietly = {"verbose": 0, "callbacks": [monitor]}
    log = model.fit(X_train, y_train, epochs=EPOCHS, batch_size=32, **quietly)
    # 모델 평가
    loss, accuracy = model.evaluate(X_test, y_test, verbose=0)
    # 모델 예측
    predicts = model.predict(X_test, verbose=0)
    print(f"{build.__name__}: test loss {loss:.4f}, accuracy {accuracy:.1%}")
    monitor.report()
    runs[build.__name__] = model, log.history, predicts, monitor

# %% [markdown]
# ## One network, written twice
#
# The same seed gives the same initial weights and the same batches, so all numbers agree. There
# are 784·64 + 64 + 64·32 + 32 + 32·10 + 10 = 52 650 weights and biases.

# %%
(one, learned, predicts, monitor), (two, learned_too, predicts_too, _) = runs.values()
assert two.inputs[0].name == "img"
if [w.shape for w in one.weights] == [w.shape for w in two.weights]:
    np.testing.assert_allclose(predicts, predicts_too, atol=1e-5)
    np.testing.assert_allclose(learned["loss"], learned_too["loss"], rtol=1e-4)
    print("Both models make the same predictions.")
if [layer.units for layer in one.layers] == [64, 32, 10]:
    assert one.count_params() == 52_650
    adam = isinstance(one.optimizer, kce.optimizers.Adam)
    as_in_the_deck = adam and np.isclose(float(one.optimizer.learning_rate), 0.01)
    assert accuracy > 0.8 or not as_in_the_deck or EPOCHS < 10

# %% [markdown]
# The deck's third listing omits the activations. Then three layers are equivalent to one:
# x W₁ W₂ W₃, a single matrix (the biases start at 0).

# %%
Dense = tf.keras.layers.Dense
short = tf.keras.Sequential([Dense(64), Dense(32), Dense(10)])
made = short(X_test)
matrix = np.linalg.multi_dot([w.numpy() for w in short.weights[::2]])
np.testing.assert_allclose(made, X_test @ matrix, atol=1e-4)

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.6), layout="constrained")
rows, columns = 4, 7
some = X_test[: rows * columns].reshape(rows, columns, 28, 28)
left.imshow(some.swapaxes(1, 2).reshape(rows * 28, columns * 28), cmap="gray_r")
for i, (found, true) in enumerate(zip(predicts.argmax(1), y_test.argmax(1), strict=True)):
    if i < rows * columns:
        color = "#0072B2" if found == true else "#D55E00"
        left.text(i % columns * 28 + 1, i // columns * 28 + 6, found, color=color, weight="bold")
left.set(xticks=[], yticks=[], title=f"{source}: read (orange: wrong)")
kce.plotting.gradients(monitor.history, right, title="The gradients of every layer")
OUT.mkdir(parents=True, exist_ok=True)
figure.savefig(OUT / "10_sequential_and_functional.png", dpi=120)
print(f"Written: {OUT / '10_sequential_and_functional.png'}")
