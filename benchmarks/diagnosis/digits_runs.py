"""Healthy and faulty trainings, and the findings that the diagnosis should report."""

from collections.abc import Callable
from typing import Any

import keras

CE, LINEAR = "sparse_categorical_crossentropy", "linear"
Net = Callable[[], list[Any]]
Run = tuple[Net, Callable[[], Any], str, set[str]]  # layers, optimizer, loss, kinds of finding

layers, optimizers = keras.layers, keras.optimizers


def dense(depth: int, activation: str, init: Any, after: Any = None, bias: Any = "zeros") -> Net:
    """Return a stack of dense layers, each followed by `after`."""

    def net() -> list[Any]:
        found: list[Any] = []
        for _ in range(depth):
            found.append(
                layers.Dense(64, activation, kernel_initializer=init, bias_initializer=bias)
            )
            found += [after()] if after else []
        return found

    return net


def convolution() -> list[Any]:
    """Return a small convolutional net for 8 by 8 images."""
    return [
        layers.Reshape((8, 8, 1)),
        layers.Conv2D(8, 3, activation="relu", padding="same"),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
    ]


def recurrent(layer: Any) -> Net:
    """Return a recurrent layer over the rows."""
    return lambda: [layers.Reshape((8, 8)), layer(32)]


class Block(layers.Layer):
    """A transformer block as a subclassed layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = layers.LayerNormalization(), layers.LayerNormalization()
        self.attention = layers.MultiHeadAttention(2, 8)
        self.up, self.down = layers.Dense(32, "gelu"), layers.Dense(16)

    def call(self, x: Any) -> Any:
        """Attention and an MLP, each with a residual connection."""
        z = self.first(x)
        x = x + self.attention(z, z)
        return x + self.down(self.up(self.second(x)))


def transformer() -> list[Any]:
    """Return two transformer blocks over the rows."""
    pool = layers.GlobalAveragePooling1D()
    return [layers.Reshape((8, 8)), layers.Dense(16), Block(), Block(), pool]


def normal(std: float) -> Any:
    """Return a normal initializer."""
    return keras.initializers.RandomNormal(stddev=std)


def sgd(rate: float, **kwargs: Any) -> Callable[[], Any]:
    """Return a maker of SGD."""
    return lambda: optimizers.SGD(rate, **kwargs)


def adam(rate: float) -> Callable[[], Any]:
    """Return a maker of Adam."""
    return lambda: optimizers.Adam(rate)


RELU, TANH = dense(3, "relu", "he_normal"), dense(3, "tanh", "glorot_uniform")
MOMENTUM = sgd(0.01, momentum=0.9)
NORMAL = dense(3, "relu", "he_normal", layers.BatchNormalization)
DROPOUT = dense(3, "relu", "he_normal", lambda: layers.Dropout(0.3))

NETS = {
    "relu, He": RELU,
    "tanh, Glorot": TANH,
    "BatchNorm": NORMAL,
    "Dropout": DROPOUT,
    "CNN": convolution,
    "LSTM": recurrent(layers.LSTM),
    "transformer": transformer,
}
RATES = {"SGD 0.1": sgd(0.1), "Momentum 0.01": MOMENTUM, "Adam 0.001": adam(1e-3)}
HEALTHY: dict[str, Run] = {
    **{f"{n}, {r}": (NETS[n], RATES[r], CE, set()) for n in NETS for r in RATES},
    "GRU, Adam 0.001": (recurrent(layers.GRU), adam(1e-3), CE, set()),
    "relu, He, mse, SGD 0.01": (RELU, sgd(0.01), LINEAR, set()),
    "tanh, Glorot, mse, Adam 0.001": (TANH, adam(1e-3), LINEAR, set()),
    "relu, He, Adam 0.01": (RELU, adam(1e-2), CE, set()),
    "2 sigmoids, Adam 0.001": (dense(2, "sigmoid", "glorot_uniform"), adam(1e-3), CE, set()),
    "30 relu, He, Adam 0.001": (dense(30, "relu", "he_normal"), adam(1e-3), CE, set()),
    "10 relu, He, Adam 0.001": (dense(10, "relu", "he_normal"), adam(1e-3), CE, set()),
}

FAST = {"exploding", "update_too_large", "non_finite", "dead_units", "saturated"}
SICK: dict[str, Run] = {
    "20 sigmoids": (dense(20, "sigmoid", "glorot_uniform"), sgd(0.1), CE, {"vanishing"}),
    "20 sigmoids, Adam": (dense(20, "sigmoid", "he_normal"), adam(1e-3), CE, {"vanishing"}),
    "20 tanh, std 0.05": (dense(20, "tanh", normal(0.05)), MOMENTUM, CE, {"vanishing"}),
    "30 relu, Glorot": (dense(30, "relu", "glorot_uniform"), sgd(0.01), CE, {"vanishing"}),
    "relu, bias -10": (
        dense(3, "relu", "he_normal", bias=keras.initializers.Constant(-10.0)),
        sgd(0.1),
        CE,
        {"dead_units"},
    ),
    "tanh, std 5": (dense(3, "tanh", normal(5.0)), sgd(0.01), CE, {"saturated"}),
    "sigmoid, std 20": (dense(3, "sigmoid", normal(20.0)), adam(1e-3), CE, {"saturated"}),
    "relu, SGD 1000": (RELU, sgd(1e3), CE, FAST),
    "tanh, SGD 1000": (TANH, sgd(1e3), CE, FAST),
    "relu, Adam 10": (RELU, adam(10.0), CE, FAST),
    "CNN, SGD 100": (convolution, sgd(100.0), CE, FAST),
    "relu, mse, SGD 10": (RELU, sgd(10.0), LINEAR, FAST),
    "relu, SGD 1e-9": (RELU, sgd(1e-9), CE, {"update_too_small"}),
    "transformer, Adam 1e-9": (transformer, adam(1e-9), CE, {"update_too_small"}),
    "10 relu, std 3": (dense(10, "relu", normal(3.0)), sgd(1e-9), CE, {"exploding"}),
    "12 linear, std 0.5": (dense(12, "linear", normal(0.5)), sgd(1e-9), CE, {"exploding"}),
}
