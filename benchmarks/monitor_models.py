"""The models of the monitor's matrix, one for every kind of layer and of structure.

No bias stands where its gradient is 0 in theory (before a BatchNormalization, and of attention's
keys): what is recorded there is the rounding of the whole step, and no two ways of computing it
agree. For the same reason no BatchNormalization normalizes the two samples that a replica has,
which come out as ±1 but for ε: it has six rows of each.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

STEPS, BATCH, CLASSES = 8, 4, 3
"""Of an epoch; with seven steps an execution the last one has a single step."""


def _dense(units: int = 6, activation: str | None = "relu", **kwargs: Any) -> keras.Layer:
    return layers.Dense(units, activation=activation, **kwargs)


def _last(activation: str | None = "softmax") -> keras.Layer:
    return layers.Dense(CLASSES, activation=activation, name="last")


def _row(*inside: keras.Layer, shape: tuple[int, ...] = (5,), dtype: str = "float32") -> Any:
    return keras.Sequential([keras.Input(shape, dtype=dtype), *inside, _last()])


def _functional() -> keras.Model:
    x = keras.Input((5,))
    a = _dense(name="first")(x)
    b = _dense(name="second")(a)
    return keras.Model(x, _last()(layers.Add(name="add")([a, b])))


def _nested() -> keras.Model:
    inner = keras.Sequential([keras.Input((5,)), _dense(name="hidden")], name="encoder")
    return _row(inner, _dense(name="hidden"))


def _shared() -> keras.Model:
    x, shared = keras.Input((6,)), _dense(activation="tanh", name="shared")
    return keras.Model(x, _last()(shared(shared(x))))


def _frozen() -> keras.Model:
    return _row(_dense(trainable=False, name="frozen"), _dense(name="hidden"))


def _attention() -> keras.Model:
    x = keras.Input((6, 5))
    a = layers.MultiHeadAttention(2, 3, use_bias=False, name="attention")(x, x)
    a = layers.LayerNormalization(name="normalization")(layers.Add(name="add")([x, a]))
    return keras.Model(x, _last()(layers.GlobalAveragePooling1D(name="pooling")(a)))


class Subclassed(keras.Model):
    """Two layers and a `call`; it returns logits."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.last = _dense(name="hidden"), _last(None)
        self(np.zeros((1, 5), "float32"))

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Return the logits."""
        return self.last(self.hidden(inputs))


class CustomTrainStep(keras.Sequential):
    """A step written as Keras's guide writes it."""

    def train_step(self, data: Any) -> dict[str, Any]:
        """Make one step with a GradientTape."""
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
            scaled = self.optimizer.scale_loss(loss)
        weights = self.trainable_variables
        self.optimizer.apply(tape.gradient(scaled, weights), weights)
        return {"loss": loss}


MODELS: dict[str, Callable[[], keras.Model]] = {
    "Sequential": lambda: _row(
        _dense(7, "tanh", name="tanh"), _dense(6, None, name="linear"), layers.ReLU(name="relu")
    ),
    "Functional": _functional,
    "nested": _nested,
    "shared layers": _shared,
    "subclassed": Subclassed,
    "custom train_step": lambda: CustomTrainStep(
        [keras.Input((5,)), _dense(name="hidden"), _last()]
    ),
    "frozen layers": _frozen,
    "LSTM": lambda: _row(layers.LSTM(4, name="lstm"), shape=(6, 5)),
    "GRU": lambda: _row(layers.GRU(4, name="gru"), shape=(6, 5)),
    "Embedding": lambda: _row(
        layers.Embedding(4, 5, name="embedding"),
        layers.GlobalAveragePooling1D(name="pooling"),
        shape=(6,),
        dtype="int32",
    ),
    "BatchNormalization": lambda: _row(
        _dense(6, None, use_bias=False, name="linear"),
        layers.BatchNormalization(name="normalization"),
        layers.ReLU(name="relu"),
        layers.GlobalAveragePooling1D(name="pooling"),
        shape=(6, 5),
    ),
    "Dropout": lambda: _row(_dense(8, name="hidden"), layers.Dropout(0.5, seed=1, name="dropout")),
    "Conv2D": lambda: _row(
        layers.Conv2D(4, 3, activation="relu", name="convolution"),
        layers.MaxPooling2D(name="pooling"),
        layers.Flatten(name="flatten"),
        shape=(8, 8, 1),
    ),
    "MultiHeadAttention": _attention,
}
"""By name: a function that builds the model."""


def data(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what a model of that kind is trained on: an epoch of whole batches."""
    rng, n = np.random.default_rng(0), STEPS * BATCH
    y = rng.integers(0, CLASSES, n)
    if kind == "Embedding":
        return rng.integers(0, 4, (n, 6)).astype("int32"), y  # tokens repeat in a row
    shapes = {"Conv2D": (8, 8, 1), "shared layers": (6,)}
    shapes |= dict.fromkeys(("LSTM", "GRU", "MultiHeadAttention", "BatchNormalization"), (6, 5))
    return rng.normal(size=(n, *shapes.get(kind, (5,)))).astype("float32"), y


def loss(kind: str) -> keras.losses.Loss:
    """Return the loss of that kind of model; the subclassed one returns logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=kind == "subclassed")
