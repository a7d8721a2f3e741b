"""From settings to a compiled network, its data, and a score of its answers."""

from typing import Any

import keras
import numpy as np
from tasks import BINARY, CLASSES, REGRESSION, Task

layers: Any = keras.layers

_OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
}


def prepared(task: Task, settings: dict[str, Any], seed: int) -> tuple[Any, Any, Any, Any]:
    """Return inputs and targets for training, and inputs and true answers for the score."""
    x, y = task.data(seed)
    if task.kind == REGRESSION:
        y = y * settings["target_factor"] + settings["target_shift"]
    if x.dtype.kind == "f":
        x = (x * settings["input_factor"] + settings["input_shift"]).astype("float32")
    cut = int(0.8 * len(x))
    x_train, y_train = x[:cut].copy(), y[:cut].copy()
    if settings["bad_rows"]:
        x_train[:: settings["bad_rows"]] = np.nan
    if settings["labels"] == "constant":
        y_train[:] = y_train[0]
    elif settings["labels"] == "from 1":
        y_train = y_train + 1
    elif settings["labels"] == "-1 and 1":
        y_train = 2 * y_train - 1
    if settings["encoding"] == "one-hot":
        y_train = np.eye(int(y.max()) + 1, dtype="float32")[y_train]
    return x_train, y_train, x[cut:], y[cut:]


def network(task: Task, settings: dict[str, Any], x: np.ndarray, answers: int) -> keras.Model:
    """Return the compiled network of some settings."""
    inputs = keras.Input(x.shape[1:], dtype="int32" if x.dtype.kind == "i" else "float32")
    h = _NETS[settings["net"]](inputs, settings)
    if settings["detached"]:
        h = Detached()(h)
    units = settings["output_units"] or answers
    first = settings["output_activation"]
    outputs = layers.Dense(units, first, name="output")(h)
    if settings["doubled"]:  # a second softmax, in a layer that Keras does not see through
        outputs = layers.Reshape((units,))(outputs)
    model = keras.Model(inputs, outputs)
    rate = settings["learning_rate"]
    optimizer = _OPTIMIZERS[settings["optimizer"]](rate, clipnorm=settings["clipnorm"])
    loss = settings["loss"]
    if settings["from_logits"]:
        config = {"class_name": "".join(w.title() for w in loss.split("_"))}
        loss = keras.losses.get({**config, "config": {"from_logits": True}})
    metrics = ["accuracy"] if task.kind != REGRESSION else None
    model.compile(optimizer, loss, metrics=metrics)
    return model


def score(task: Task, settings: dict[str, Any], model: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Return the accuracy, or R² for numbers; 0 if an answer is not finite."""
    found = np.asarray(model(x))
    if not np.isfinite(found).all():
        return 0.0
    if task.kind == REGRESSION:
        found = np.broadcast_to(found.reshape(len(y), -1), y.shape)
        return float(1 - ((y - found) ** 2).sum() / ((y - y.mean(axis=0)) ** 2).sum())
    if found.shape[-1] > 1:
        answers = found.argmax(axis=-1)
    elif task.kind == BINARY:
        answers = (found.ravel() > (0.0 if settings["from_logits"] else 0.5)).astype(int)
    else:
        answers = np.round(found.ravel()).astype(int)
    if settings["labels"] == "from 1":
        answers = answers - (found.shape[-1] > 1)
    return float((answers == y).mean())


class Detached(layers.Layer):
    """Lets no gradient pass."""

    def call(self, x: Any) -> Any:
        """Return x."""
        return keras.ops.stop_gradient(x)


def _dense(settings: dict[str, Any], name: str, units: int | None = None) -> Any:
    initializer = settings["initializer"]
    if isinstance(initializer, float):
        initializer = keras.initializers.RandomNormal(stddev=initializer)
    bias = settings["bias_initializer"]
    if isinstance(bias, float):
        bias = keras.initializers.Constant(bias)
    activation = settings["activation"]
    return layers.Dense(units or settings["units"], activation, True, initializer, bias, name=name)


def _stack(h: Any, settings: dict[str, Any]) -> Any:
    for i in range(settings["depth"]):
        h = _dense(settings, f"hidden_{i + 1}")(h)
        if settings["normalization"]:
            h = layers.BatchNormalization()(h)
    return h


def _recurrent(x: Any, settings: dict[str, Any]) -> Any:
    return _dense(settings, "hidden_1")(layers.LSTM(12)(x))


def _embedding(x: Any, settings: dict[str, Any]) -> Any:
    h = layers.GlobalAveragePooling1D()(layers.Embedding(60, 8)(x))
    return _dense(settings, "hidden_1")(h)


def _images(x: Any, settings: dict[str, Any]) -> Any:
    h = layers.Reshape((8, 8, 1))(x)
    for i, filters in enumerate((8, 16)):
        h = layers.Conv2D(filters, 3, activation=settings["activation"], name=f"hidden_{i + 1}")(h)
    return layers.Flatten()(layers.MaxPooling2D()(h))


def _attention(x: Any, settings: dict[str, Any]) -> Any:
    h = layers.Dense(16, name="embed")(layers.Reshape((8, 8))(x))
    for i in range(2):
        z = layers.LayerNormalization()(h)
        h = layers.Add()([h, layers.MultiHeadAttention(2, 8)(z, z)])
        z = _dense(settings, f"hidden_{i + 1}")(layers.LayerNormalization()(h))
        h = layers.Add()([h, layers.Dense(16)(z)])
    return layers.GlobalAveragePooling1D()(h)


def _autoencoder(x: Any, settings: dict[str, Any]) -> Any:
    for i, units in enumerate((32, 12, 32)):
        x = _dense(settings, f"hidden_{i + 1}", units)(x)
    return x


_NETS = {
    "dense": _stack,
    "recurrent": _recurrent,
    "embedding": _embedding,
    "images": _images,
    "attention": _attention,
    "autoencoder": _autoencoder,
}
__all__ = ["BINARY", "CLASSES", "REGRESSION", "network", "prepared", "score"]
