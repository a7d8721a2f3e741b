"""Models of our layers, saved and loaded: here, in a fresh process, and as a SavedModel."""

import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext import activations, layers, losses

# Keras itself, on saving a variable, under NumPy 2.4.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
Y = np.array([0, 2, 1, 1, 0])


def convolved(x):
    x = layers.Conv2D(3, 2, padding="same", activation="relu")(keras.layers.Reshape((2, 2, 1))(x))
    x = keras.layers.Reshape((4, 3))(x)
    x = layers.Conv1D(2, 2, padding="causal", dilation_rate=2, activation="tanh")(x)
    return keras.layers.Flatten()(x)


def make_model() -> Any:
    x = keras.Input((4,))
    h = layers.Dense(6, activation="tanh", kernel_regularizer="l2")(x)
    for layer in (layers.Sigmoid(), layers.Tanh(), layers.ReLU(4.0, 0.1), layers.Softplus()):
        h = layer(h)
    for layer in (
        layers.ELU(0.5),
        layers.LeakyReLU(),
        layers.GELU(True),
        layers.Activation("silu"),
    ):
        h = layer(h)
    h = keras.layers.Dense(6, activation=activations.relu)(h)
    h = keras.layers.Concatenate()([h, layers.Dense(3, activation="mish")(x), convolved(x)])
    y = layers.Softmax(axis=1)(layers.Dense(3, activation=keras.activations.tanh)(h))
    model = keras.Model(x, y)
    model.compile("adam", losses.SparseCategoricalCrossentropy())
    return model


def activations_of(model):
    return [getattr(layer, "activation", None) for layer in model.layers]


def test_keras_file_brings_back_our_layers_functions_and_loss(tmp_path):
    model = make_model()
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded: Any = keras.models.load_model(tmp_path / "model.keras")
    assert [type(a) for a in loaded.layers] == [type(a) for a in model.layers]
    assert activations_of(loaded) == activations_of(model)
    assert type(loaded.loss) is losses.SparseCategoricalCrossentropy
    np.testing.assert_array_equal(loaded(X), model(X))
    # The optimizer's state came along: the next step is the same one.
    for m in (model, loaded):
        m.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(loaded(X), model(X))


FRESH = """
import sys
import numpy as np
import keras
import keras_course_ext.layers
import keras_course_ext.losses

path = sys.argv[1]
model = keras.models.load_model(f"{path}/model.keras")
x = np.load(f"{path}/x.npy")
for layer in model.layers:
    if layer.__class__.__name__ in ("Dense", "Conv1D", "Conv2D"):
        print(layer.__class__.__module__, layer.activation.__module__)
np.save(f"{path}/fresh.npy", model(x))
clone = keras.models.clone_model(model)
clone.load_weights(f"{path}/model.weights.h5")
np.save(f"{path}/fresh_weights.npy", clone(x))
"""


@pytest.mark.slow
def test_files_load_in_a_fresh_process(tmp_path):
    model = make_model()
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    np.save(tmp_path / "x.npy", X)
    done = subprocess.run(
        [sys.executable, "-c", FRESH, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ours = {
        f"keras_course_ext.layers.{name} keras_course_ext.activations"
        for name in ("dense", "conv1d", "conv2d")
    }
    assert ours <= set(done.stdout.splitlines())
    for name in ("fresh", "fresh_weights"):
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.npy"), model(X), rtol=1e-6)


@pytest.mark.parametrize(("saved", "loaded"), [(layers, keras.layers), (keras.layers, layers)])
def test_weight_files_are_keras_s(saved, loaded, tmp_path):
    models = [
        keras.Sequential(
            [
                keras.Input((4,)),
                m.Dense(4, "relu"),
                keras.layers.Reshape((2, 2, 1)),
                m.Conv2D(2, 2, padding="same"),
                keras.layers.Reshape((4, 2)),
                m.Conv1D(2, 3, use_bias=False, padding="causal"),
            ]
        )
        for m in (saved, loaded)
    ]
    models[0].save_weights(tmp_path / "model.weights.h5")
    models[1].load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(models[1](X), models[0](X), rtol=1e-6)


def test_exported_model_has_our_gradients(tmp_path):
    model = make_model()
    model.export(tmp_path / "exported", verbose=False)
    loaded: Any = tf.saved_model.load(str(tmp_path / "exported"))

    def gradients(f, variables) -> Any:
        x = tf.constant(X)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(f(x) ** 2)
        return tape.gradient(y, [x, *variables])

    expected = gradients(model, [w.value for w in model.trainable_variables])
    found = gradients(loaded.serve, loaded.trainable_variables)
    assert len(found) == 1 + 2 * 6
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-4, atol=1e-6)
