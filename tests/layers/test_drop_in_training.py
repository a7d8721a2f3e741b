"""Models of our layers train as those of Keras's do."""

from typing import Any

import keras
import numpy as np
import pytest
from layer_cases import RNG

from keras_course_ext import layers


def dense_net(module) -> Any:
    return [
        keras.Input((8, 8, 1)),
        keras.layers.Flatten(),
        module.Dense(16, activation="tanh"),
        keras.layers.Dropout(0.1, seed=0),
        module.Dense(16, activation="sigmoid", kernel_regularizer="l2"),
        module.Dense(8, activation="relu", kernel_constraint="max_norm"),
        module.Dense(3, activation="softmax"),
    ]


def convolutional_net(module) -> Any:
    return [
        keras.Input((8, 8, 1)),
        module.Conv2D(4, 3, activation="relu"),
        module.Conv2D(4, 3, padding="same", strides=2, activation="tanh", kernel_regularizer="l2"),
        keras.layers.Reshape((9, 4)),
        keras.layers.BatchNormalization(),
        module.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="sigmoid"),
        keras.layers.Flatten(),
        module.Dense(3, activation="softmax"),
    ]


NETS = {"dense": dense_net, "convolutional": convolutional_net}
COMPILE = {
    "eager": {"run_eagerly": True},
    "graph": {"jit_compile": False},
    "jit": {"jit_compile": True},
    "graph, 3 steps per execution": {"jit_compile": False, "steps_per_execution": 3},
}


# The second net has a Dense too, and three steps per execution are a graph.
LEFT_OUT = [("dense", "graph, 3 steps per execution"), ("convolutional", "graph")]
RUNS = [(net, how) for net in NETS for how in COMPILE if (net, how) not in LEFT_OUT]


@pytest.mark.thin("dense-graph", "convolutional-jit")
@pytest.mark.parametrize(("net", "how"), RUNS)
def test_training_is_keras_s(net, how):
    x = RNG.normal(size=(48, 8, 8, 1)).astype("float32")
    y = (x.mean((1, 2, 3)) > 0).astype(int)
    weights, losses = [], []
    for module in (layers, keras.layers):
        keras.utils.set_random_seed(1)
        model: Any = keras.Sequential(NETS[net](module))
        optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
        model.compile(optimizer, "sparse_categorical_crossentropy", **COMPILE[how])
        history = model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights())
        losses.append(history.history["loss"])
    assert losses[0][-1] < losses[0][0]
    np.testing.assert_allclose(*losses, rtol=1e-5)
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.thin("mixed_bfloat16")
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains_in_half_and_keeps_float32_weights(policy):
    keras.config.set_dtype_policy(policy)
    model: Any = keras.Sequential(
        [
            keras.Input((8, 2)),
            layers.Conv1D(8, 3, activation="relu"),
            keras.layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid", dtype="float32"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    x = RNG.normal(size=(16, 8, 2)).astype("float32")
    y = (x.mean((1, 2)) > 0).astype("float32")
    loss = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert loss[-1] < 0.5 * loss[0]
    assert {w.dtype for w in model.weights} == {"float32"}
    assert {model.layers[i].output.dtype for i in (0, 2)} == {policy.removeprefix("mixed_")}
