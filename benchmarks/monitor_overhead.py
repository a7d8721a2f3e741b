"""What a GradientMonitor costs: a step with it, as a share of the same step without it.

python benchmarks/monitor_overhead.py                        # everything, about an hour
python benchmarks/monitor_overhead.py --nets "4x512" --settings default norms --modes graph

Two fits take turns step by step. Ratios are medians over blocks of steps, with a bootstrapped 95 %
interval; a block is long enough to hold recorded steps and others in their proportion. "nothing"
is a fit without a monitor against another one: it must be 1 within its interval.

* `bare`: no monitor, but the train function that a monitored fit runs, without the `Optional` that
  Keras has around the logs. What a setting costs beyond it is the monitor's own cost.
* `default`: `GradientMonitor()`.
* `norms`: the norms of the gradients of all weights and outputs, at every step.
* `all`: every statistic at every step, without histograms.
* `histograms`: `GradientMonitor(histograms=50)`.
* `second pass, epoch` and `second pass, step`: what is written without this package, a
  `GradientTape` over one more batch at the end of each epoch, or of each step.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from lockstep import Fit, lockstep
from rows import Row, printed, row_of

import keras_course_ext as kce

BLOCK = 50


def mlp(depth: int, units: int) -> list[Any]:
    """Return the layers of an MLP on 64 inputs."""
    hidden = [keras.layers.Dense(units, activation="relu") for _ in range(depth)]
    return [keras.Input((64,)), *hidden, keras.layers.Dense(10)]


def cnn() -> list[Any]:
    """Return the layers of a small CNN on 28x28."""
    return [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(16, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ]


def lstm() -> list[Any]:
    """Return the layers of an LSTM over 32 steps."""
    return [keras.Input((32, 16)), keras.layers.LSTM(64), keras.layers.Dense(10)]


class Attention(keras.layers.Layer):
    """A transformer block: attention and an MLP, each with a residual and a normalization."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = keras.layers.MultiHeadAttention(4, 16)
        self.inner = keras.layers.Dense(128, activation="gelu")
        self.outer = keras.layers.Dense(64)
        self.norms = [keras.layers.LayerNormalization() for _ in range(2)]

    def call(self, x: Any) -> Any:
        """Apply the block."""
        x = self.norms[0](x + self.attention(x, x))
        return self.norms[1](x + self.outer(self.inner(x)))


def transformer() -> list[Any]:
    """Return the layers of a classifier with one transformer block."""
    pooling = keras.layers.GlobalAveragePooling1D()
    return [keras.Input((32, 64)), Attention(), pooling, keras.layers.Dense(10)]


# Layers, and the size of a batch.
NETS: dict[str, tuple[Callable[[], list[Any]], int]] = {
    "3x64": (lambda: mlp(3, 64), 32),
    "4x512": (lambda: mlp(4, 512), 64),
    "cnn": (cnn, 32),
    "lstm": (lstm, 32),
    "transformer": (transformer, 32),
}


class SecondPass(keras.callbacks.Callback):
    """The usual workaround: the gradient norms of one more batch, by a second pass."""

    def __init__(self, x: np.ndarray, y: np.ndarray, every_step: bool) -> None:
        super().__init__()
        self._batch = tf.constant(x), tf.constant(y)
        self._every_step = every_step
        self.norms: list[np.ndarray] = []

    def _record(self) -> None:
        model: Any = self.model
        x, y = self._batch
        if not self.norms:
            self._pass = tf.function(self._gradient_norms)
        self.norms.append(self._pass(model, x, y).numpy())

    @staticmethod
    def _gradient_norms(model: Any, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = model.compute_loss(x=x, y=y, y_pred=model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        return tf.stack([tf.norm(g) for g in gradients])

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Make the second pass of a step."""
        if self._every_step:
            self._record()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Make the second pass of an epoch."""
        self._record()


class Bare(keras.callbacks.Callback):
    """Makes `fit` run a train function without an `Optional` around the logs."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Replace Keras's train function."""
        model: Any = self.model
        step = tf.function(model.train_step, jit_compile=model.jit_compile, autograph=False)
        model.train_function = tf.function(lambda data: step(next(data)), autograph=False)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Let Keras make its own again."""
        model: Any = self.model
        model.train_function = None


SETTINGS: dict[str, Callable[[np.ndarray, np.ndarray], list[Any]]] = {
    "nothing": lambda x, y: [],
    "bare": lambda x, y: [Bare()],
    "default": lambda x, y: [kce.callbacks.GradientMonitor()],
    "norms": lambda x, y: [kce.callbacks.GradientMonitor(1, "norms")],
    "all": lambda x, y: [kce.callbacks.GradientMonitor(1)],
    "histograms": lambda x, y: [kce.callbacks.GradientMonitor(histograms=50)],
    "second pass, epoch": lambda x, y: [SecondPass(x, y, every_step=False)],
    "second pass, step": lambda x, y: [SecondPass(x, y, every_step=True)],
}


def fit_of(net: str, setting: str, steps: int, jit: bool) -> Fit:
    """Return a fit of a freshly built network."""
    layers, batch = NETS[net]
    model = keras.Sequential(layers())
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch * steps, *model.input_shape[1:])).astype("float32")
    y = rng.integers(0, 10, batch * steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=jit)
    own = SETTINGS[setting](x[:batch], y[:batch])
    return lambda start, stop: model.fit(
        x, y, batch_size=batch, verbose=0, callbacks=[start, *own, stop]
    )


def compared(
    nets: Sequence[str], settings: Sequence[str], modes: Sequence[str], steps: int, block: int
) -> Iterator[Row]:
    """Yield the ratio of every setting to no monitor, on every network."""
    for net in nets:
        for mode in modes:
            for setting in settings:
                first, second = (fit_of(net, s, steps, mode == "jit") for s in (setting, "nothing"))
                ratio = lockstep(first, second, block=block)
                extra = f"{(ratio.median - 1) * ratio.seconds * 1e6:+.0f} us"
                name = "a fit against itself" if setting == "nothing" else setting
                yield row_of(f"monitor, {net}, {mode}, {name}", ratio, extra)


def rows(quick: bool) -> Iterator[Row]:
    """Yield the rows of the scoreboard."""
    if quick:
        return compared(["3x64"], ["nothing", "default", "norms", "all"], ["graph"], 460, 20)
    return compared(list(NETS), list(SETTINGS), ["graph", "jit"], 1060, BLOCK)


def main() -> None:
    """Print one line a cell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--modes", nargs="+", choices=["graph", "jit"], default=["graph", "jit"])
    parser.add_argument("--steps", type=int, default=1060)
    args = parser.parse_args()
    printed(compared(args.nets, args.settings, args.modes, args.steps, BLOCK))


if __name__ == "__main__":
    main()
