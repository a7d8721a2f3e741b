"""Random models in which Grappler finds much to rewrite, and their training to the bit.

Several random graphs lie beside each other in one model, so that one fit tries them all.
"""

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_course_ext import optimizers

layers = keras.layers

STEPS, BATCH = 2, 6

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "keras sgd": lambda: keras.optimizers.SGD(0.05),
    "keras momentum": lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "keras adam": lambda: keras.optimizers.Adam(0.01),
    "keras adamw": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.01),
    "keras rmsprop": lambda: keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "keras clipped": lambda: keras.optimizers.Adam(0.01, global_clipnorm=0.5),
    "keras averaged": lambda: keras.optimizers.SGD(0.05, use_ema=True, weight_decay=0.01),
    "keras accumulated": lambda: keras.optimizers.SGD(0.05, gradient_accumulation_steps=2),
    "sgd": lambda: optimizers.SGD(0.05),
    "momentum": lambda: optimizers.SGD(0.05, momentum=0.9),
    "adam": lambda: optimizers.Adam(0.01),
    "adamw": lambda: optimizers.AdamW(0.01),
    "rmsprop": lambda: optimizers.RMSprop(0.01),
    "nadam": lambda: optimizers.Nadam(0.01, clipnorm=1.0),
}


class RandomGraph:
    """A graph of random layers.

    Args:
        seed: Any number.
        name: In front of the names of all its layers.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.shared: dict[Any, keras.Layer] = {}
        self.inputs: list[Any] = []
        kind = ["vector", "vector", "image", "sequence"][self.rng.integers(4)]
        tensors = [self._input(kind) for _ in range(self.rng.integers(1, 3))]
        for _ in range(self.rng.integers(4, 10)):
            step = self.rng.choice([*_STEPS, *_MORE[kind]])
            tensors.append(getattr(self, f"_{step}")(self._one(tensors), tensors))
        self.output = self._joined(tensors)

    def _input(self, kind: str) -> Any:
        n = self._units()
        shape = {"vector": (n,), "image": (6, 6, n), "sequence": (4, n)}[kind]
        self.inputs.append(keras.Input(shape))
        return self.inputs[-1]

    def _units(self) -> int:
        return int(self.rng.choice([1, 4, 8, 8]))

    def _one(self, tensors: Sequence[Any]) -> Any:
        """Return one of the last tensors, mostly."""
        return tensors[-int(min(len(tensors), 1 + self.rng.geometric(0.6) - 1)) or -1]

    def _activation(self) -> Any:
        return self.rng.choice([None, None, "relu", "tanh", "sigmoid", "elu", "gelu", "softplus"])

    def _dense(self, x: Any, tensors: Any, units: int | None = None) -> Any:
        bias = bool(self.rng.random() < 0.8)
        return layers.Dense(units or self._units(), self._activation(), use_bias=bias)(x)

    def _like(self, x: Any, y: Any) -> Any:
        """Return y with the channels of x, and its image size."""
        if len(x.shape) == 4 and x.shape[1] != y.shape[1]:
            y = layers.GlobalAveragePooling2D(keepdims=True)(y)
        if x.shape[-1] != y.shape[-1]:
            y = layers.Dense(x.shape[-1])(y)
        return y

    def _residual(self, x: Any, tensors: Any) -> Any:
        y = self._dense(x, tensors) if len(x.shape) < 4 else self._conv(x, tensors)
        return layers.Add()([x, self._like(x, y)])

    def _add(self, x: Any, tensors: Sequence[Any]) -> Any:
        others = [self._like(x, tensors[self.rng.integers(len(tensors))]) for _ in range(2)]
        return layers.Add()([x, *others[: self.rng.integers(1, 3)]])

    def _multiply(self, x: Any, tensors: Sequence[Any]) -> Any:
        y = self._like(x, tensors[self.rng.integers(len(tensors))])
        return layers.Multiply()([x, layers.Activation("sigmoid")(y)])

    def _subtract(self, x: Any, tensors: Sequence[Any]) -> Any:
        return layers.Subtract()([x, self._like(x, tensors[self.rng.integers(len(tensors))])])

    def _concatenate(self, x: Any, tensors: Sequence[Any]) -> Any:
        y = tensors[self.rng.integers(len(tensors))]
        if x.shape[1:-1] != y.shape[1:-1]:
            y = x
        return layers.Dense(self._units())(layers.Concatenate()([x, y]))

    def _batch_normalization(self, x: Any, tensors: Any) -> Any:
        return layers.BatchNormalization()(x)

    def _layer_normalization(self, x: Any, tensors: Any) -> Any:
        return layers.LayerNormalization()(x)

    def _activated(self, x: Any, tensors: Any) -> Any:
        return layers.Activation(self._activation() or "relu")(x)

    def _dropout(self, x: Any, tensors: Any) -> Any:
        return layers.Dropout(0.3, seed=int(self.rng.integers(1000)))(x)

    def _same_layer(self, x: Any, tensors: Any) -> Any:
        n = x.shape[-1]
        if n not in self.shared:
            self.shared[n] = layers.Dense(n, self._activation())
        return self.shared[n](x)

    def _conv(self, x: Any, tensors: Any) -> Any:
        bias = bool(self.rng.random() < 0.7)
        convolution = layers.Conv2D(self._units(), 3, padding="same", use_bias=bias)
        return layers.Activation(self._activation() or "linear")(convolution(x))

    def _depthwise(self, x: Any, tensors: Any) -> Any:
        return layers.DepthwiseConv2D(3, padding="same")(x)

    def _pooled(self, x: Any, tensors: Any) -> Any:
        kind = [layers.MaxPooling2D, layers.AveragePooling2D][self.rng.integers(2)]
        return kind(2, padding="same")(x)

    def _padded(self, x: Any, tensors: Any) -> Any:
        return layers.Conv2D(self._units(), 3)(layers.ZeroPadding2D(1)(x))

    def _attention(self, x: Any, tensors: Any) -> Any:
        return layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)])

    def _joined(self, tensors: Sequence[Any]) -> Any:
        flat = []
        for x in tensors[-3:]:
            if len(x.shape) == 4:
                x = [layers.GlobalAveragePooling2D, layers.Flatten][self.rng.integers(2)]()(x)
            elif len(x.shape) == 3:
                x = [layers.GlobalAveragePooling1D, layers.Flatten][self.rng.integers(2)]()(x)
            flat.append(layers.Dense(3)(x))
        return layers.Add()(flat) if len(flat) > 1 else flat[0]


_STEPS = [
    "dense",
    "residual",
    "residual",
    "add",
    "multiply",
    "subtract",
    "concatenate",
    "batch_normalization",
    "batch_normalization",
    "layer_normalization",
    "activated",
    "dropout",
    "same_layer",
]
_MORE = {
    "vector": ["dense", "dense", "dense"],
    "image": ["conv", "conv", "conv", "depthwise", "pooled", "padded"],
    "sequence": ["attention", "dense", "layer_normalization"],
}


class Together:
    """Random graphs beside each other in one model; only the optimizer is common to them.

    Args:
        seeds: A number for each graph.
        optimizer: A name in `OPTIMIZERS`.
    """

    def __init__(self, seeds: Sequence[int], optimizer: str) -> None:
        self.seeds, self.optimizer = list(seeds), optimizer

    def trained(self, callbacks: Sequence[Any] = (), **compiled: Any) -> dict[int, int]:
        """Train, and return a checksum of the weights of each graph."""
        keras.backend.clear_session()
        keras.utils.set_random_seed(self.seeds[0])
        graphs = [RandomGraph(seed) for seed in self.seeds]
        inputs = [x for graph in graphs for x in graph.inputs]
        model = keras.Model(inputs, [graph.output for graph in graphs])
        crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        losses = ["mse" if seed % 2 else crossentropy for seed in self.seeds]
        model.compile(OPTIMIZERS[self.optimizer](), losses, **compiled)
        rng = np.random.default_rng(0)
        rows = STEPS * BATCH
        x = [rng.normal(size=(rows, *i.shape[1:])).astype("float32") for i in inputs]
        y = [
            rng.normal(size=(rows, 3)).astype("float32") if seed % 2 else rng.integers(0, 3, rows)
            for seed in self.seeds
        ]
        model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=list(callbacks))
        return {
            seed: _checksum(keras.Model(graph.inputs, graph.output).weights)
            for seed, graph in zip(self.seeds, graphs, strict=True)
        }


def _checksum(weights: Sequence[keras.Variable]) -> int:
    return zlib.crc32(b"".join(np.asarray(w).tobytes() for w in weights))
