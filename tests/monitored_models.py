"""Small models of every kind, and the float64 oracle of what a monitor must record on them."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext.monitoring import Key
from keras_course_ext.monitoring.capture.layers import layer_entries

ROWS, BATCH = 44, 5  # nine batches, the last one short

Arrays = tuple[np.ndarray, np.ndarray]


def dense_data() -> Arrays:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 5)).astype("float32")
    return x, np.abs(x[:, 0] * 2).astype("int32") % 3


def image_data() -> Arrays:
    rng = np.random.default_rng(1)
    return rng.normal(size=(ROWS, 8, 8, 1)).astype("float32"), rng.integers(0, 3, ROWS)


def token_data() -> Arrays:
    rng = np.random.default_rng(2)
    return rng.integers(0, 4, (ROWS, 6)), rng.integers(0, 3, ROWS)  # tokens repeat in a row


def sequential() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(7, activation="tanh", name="tanh"),
            keras.layers.Dense(6, name="linear"),
            keras.layers.ReLU(name="relu"),
            keras.layers.Dense(3, activation="softmax", name="softmax"),
        ]
    )


def functional_with_skip() -> keras.Model:
    x = keras.Input((5,))
    a = keras.layers.Dense(6, activation="relu", name="first")(x)
    b = keras.layers.Dense(6, activation="relu", name="second")(a)
    both = keras.layers.Add(name="add")([a, b])
    return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="softmax")(both))


def shared_layer() -> keras.Model:
    x = keras.Input((5,))
    h = keras.layers.Dense(6, activation="tanh", name="into")(x)
    shared = keras.layers.Dense(6, activation="tanh", name="shared")
    out = keras.layers.Dense(3, activation="softmax", name="softmax")
    return keras.Model(x, out(shared(shared(h))))


def nested() -> keras.Model:
    encoder = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(6, activation="relu", name="dense")], name="encoder"
    )
    return keras.Sequential(
        [keras.Input((5,)), encoder, keras.layers.Dense(3, activation="softmax", name="dense")]
    )


def frozen() -> keras.Model:
    model = sequential()
    model.layers[0].trainable = False
    return model


def convolution() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, activation="relu", name="convolution"),
            keras.layers.BatchNormalization(name="normalization"),
            keras.layers.MaxPooling2D(name="pooling"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(3, activation="softmax", name="softmax"),
        ]
    )


def embedding_and_lstm() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            keras.layers.Embedding(4, 5, mask_zero=True, name="embedding"),
            keras.layers.LSTM(6, name="lstm"),
            keras.layers.Dense(3, activation="softmax", name="softmax"),
        ]
    )


def sixteen_sigmoids() -> keras.Model:
    """Small weights, and so gradients whose squares are zero in float32."""
    small = keras.initializers.RandomNormal(stddev=0.1, seed=0)
    layers = [
        keras.layers.Dense(4, activation="sigmoid", kernel_initializer=small, name=f"h{i}")
        for i in range(16)
    ]
    out = keras.layers.Dense(3, activation="softmax", name="softmax")
    return keras.Sequential([keras.Input((5,)), *layers, out])


MODELS: dict[str, tuple[Callable[[], keras.Model], Callable[[], Arrays]]] = {
    "sequential": (sequential, dense_data),
    "functional_with_skip": (functional_with_skip, dense_data),
    "shared_layer": (shared_layer, dense_data),
    "nested": (nested, dense_data),
    "frozen": (frozen, dense_data),
    "convolution": (convolution, image_data),
    "embedding_and_lstm": (embedding_and_lstm, token_data),
    "sixteen_sigmoids": (sixteen_sigmoids, dense_data),
}

MODES: dict[str, dict[str, Any]] = {
    "eager": {"run_eagerly": True},
    "graph": {"jit_compile": False},
    "jit": {"jit_compile": True},
    "seven_steps": {"steps_per_execution": 7, "jit_compile": False},
    "seven_steps_jit": {"steps_per_execution": 7, "jit_compile": True},
}


def compiled(name: str, mode: str, **optimizer: Any) -> tuple[keras.Model, Arrays]:
    """Return a model of the tables above, the same weights at every call, and its data."""
    keras.utils.set_random_seed(3)
    build, data = MODELS[name]
    model = build()
    model.compile(
        optimizer=keras.optimizers.SGD(0.01, momentum=0.9, **optimizer),
        loss="sparse_categorical_crossentropy",
        **MODES[mode],
    )
    return model, data()


def fit(model: keras.Model, data: Arrays, epochs: int = 2, **kwargs: Any) -> dict[str, list[float]]:
    history = model.fit(*data, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0, **kwargs)
    return history.history


@cache
def oracle_of(name: str) -> list[dict[Key, float]]:
    """Return the oracle of a model of the table."""
    return oracle(*compiled(name, "eager"))


def oracle(model: keras.Model, data: Arrays, epochs: int = 2) -> list[dict[Key, float]]:
    """Train the model by hand under a GradientTape and return the norms of every step.

    The layers' outputs are watched one by one while the layers' own `call` runs, which is another
    way than the package's: a tape's gradient with respect to the output itself, in float64 norms.
    """
    entries = [e for e in layer_entries(model) if not isinstance(e.layer, keras.Model)]
    steps: list[dict[Key, float]] = []
    depends: dict[Key, bool] = {}
    for x, y in _batches(data, epochs):
        seen: dict[Key, list[tf.Tensor]] = {}
        originals = {e.name: e.layer.call for e in entries}
        for e in entries:
            e.layer.call = _watching(originals[e.name], e.name, seen)
        with tf.GradientTape(persistent=True) as tape:
            loss = model.compute_loss(x=x, y=y, y_pred=model(x, training=True))
        for e in entries:
            del e.layer.call
        gradients = tape.gradient(loss, model.trainable_variables)
        norms = {
            Key(e.name, tensor, "grad_norm"): _norm([tape.gradient(loss, w.value)])
            for e in entries
            for tensor, w in e.weights.items()
        }
        for key, tensors in seen.items():
            # A layer's logits count where the loss is computed from them instead of the output.
            if key.tensor == "logits" and key._replace(tensor="output") in norms:
                continue
            signal = [g for g in tape.gradient(loss, tensors) if g is not None]
            if key not in depends:  # the same at every step, and slow to find out
                depends[key] = _depends_on_a_weight(tape, tensors, model)
            if signal and depends[key]:
                norms[key] = _norm(signal)
        steps.append(norms)
        model.optimizer.apply(gradients, model.trainable_variables)
    return steps


def _watching(call: Callable, name: str, seen: dict[Key, list[tf.Tensor]]) -> Callable:
    def watched(*args: Any, **kwargs: Any) -> Any:
        output = call(*args, **kwargs)
        if tf.executing_eagerly() and output.dtype.is_floating:
            seen.setdefault(Key(name, "output", "grad_norm"), []).append(output)
            if hasattr(output, "_keras_logits"):
                logits = seen.setdefault(Key(name, "logits", "grad_norm"), [])
                logits.append(output._keras_logits)
        return output

    return watched


def _depends_on_a_weight(tape: tf.GradientTape, tensors: list, model: keras.Model) -> bool:
    weights = model.trainable_variables
    return any(g is not None for x in tensors for g in tape.gradient(x, weights))


def _norm(gradients: list[Any]) -> float:
    parts = [tf.convert_to_tensor(g).numpy().astype("float64").ravel() for g in gradients]
    return float(np.linalg.norm(np.concatenate(parts)))


def _batches(data: Arrays, epochs: int) -> Iterator[Arrays]:
    x, y = data
    for _ in range(epochs):
        for start in range(0, len(x), BATCH):
            yield x[start : start + BATCH], y[start : start + BATCH]
