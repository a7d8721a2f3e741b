"""SWA: the mean of the weights at the ends of the last epochs."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext._layers import walk


@keras.saving.register_keras_serializable(package="keras_course_ext")
class SWA(keras.callbacks.Callback):
    """Stochastic weight averaging: at the end of `fit` the model gets the mean of its last weights.

        w_swa ← (n w_swa + w) / (n + 1)          at the end of every `period`-th epoch

    With a learning rate that stays high, the weights move around in a wide minimum; their mean
    lies nearer to its middle. The moving statistics of BatchNormalization belong to weights that
    the model no longer has, so they are computed anew on `data`: the mean and the variance of the
    batches, weighted by their sizes.

    During training nothing changes: the metrics of the validation are those of w. `n` is the number
    of weights in the mean.

    Args:
        start_epoch: Integer ≥ 0. The first epoch, counted from 0, whose last weights go into the
            mean.
        period: Integer ≥ 1. Every how many epochs from then on. Defaults to 1.
        data: Array or tensor of inputs, or an iterable of batches of inputs, such as a
            `tf.data.Dataset`; a batch that is a tuple is (inputs, ...). The training data, or a
            part of them. Defaults to None, for models without BatchNormalization.
        batch_size: Integer ≥ 1. The size of a batch of an array. Defaults to 32.

    Raises:
        ValueError: If an argument is out of its range; by `fit`, before training starts, if the
            model has BatchNormalization and there are no `data`.

    Example:
        >>> import keras, numpy as np, keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> swa = kce.callbacks.SWA(start_epoch=2)
        >>> x, y = np.ones((8, 4)), np.ones((8, 1))
        >>> _ = model.fit(x, y, epochs=5, verbose=0, callbacks=[swa])
        >>> swa.n
        3

    Differs from Keras:
        It has no SWA. `use_ema=True` of an optimizer is an exponential moving average, and leaves
        the statistics of BatchNormalization as they are. `tfa.optimizers.SWA` of tensorflow_addons
        counted steps, not epochs.

    Reference: Izmailov, Podoprikhin, Garipov, Vetrov, Wilson, Averaging Weights Leads to Wider
    Optima and Better Generalization, UAI 2018, Algorithm 1.
    """

    def __init__(
        self, start_epoch: int, period: int = 1, data: Any = None, batch_size: int = 32
    ) -> None:
        super().__init__()
        self.start_epoch = _count("start_epoch", start_epoch, 0)
        self.period = _count("period", period, 1)
        self.batch_size = _count("batch_size", batch_size, 1)
        self.data = data
        self.n = 0
        self._mean: list[tf.Tensor] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begins a new mean; called by `fit`."""
        self.n, self._mean = 0, []
        if self.data is None and (layers := self._normalizations()):
            raise ValueError(
                f"`SWA` needs data for the statistics of {layers[0].name!r}, a BatchNormalization. "
                f"Write `SWA(start_epoch={self.start_epoch}, data=x_train)`."
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Takes the weights into the mean; called by `fit`."""
        if epoch < self.start_epoch or (epoch - self.start_epoch) % self.period:
            return
        self.n += 1
        weights = [tf.cast(tf.convert_to_tensor(w), _wide(w)) for w in self._weights()]
        if self.n == 1:
            self._mean = weights
        else:
            # (n w_swa + w) / (n + 1), written so that it does not grow.
            pairs = zip(self._mean, weights, strict=True)
            self._mean = [mean + (w - mean) / self.n for mean, w in pairs]

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Puts the mean into the model, and computes the statistics; called by `fit`."""
        if not self.n:
            return
        for w, mean in zip(self._weights(), self._mean, strict=True):
            w.assign(tf.cast(mean, w.dtype))
        self._mean = []
        self._renew_statistics()

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, without the data."""
        names = ("start_epoch", "period", "batch_size")
        return {name: getattr(self, name) for name in names}

    def _weights(self) -> list[Any]:
        return self.model.trainable_variables

    def _normalizations(self) -> list[Any]:
        # A frozen one normalizes by its statistics, which then belong to the model.
        return [
            layer
            for _, layer in walk(self.model)
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        ]

    def _renew_statistics(self) -> None:
        layers = self._normalizations()
        if not layers:
            return
        momentums, seen = [layer.momentum for layer in layers], 0
        try:
            for batch in self._batches():
                x = batch[0] if isinstance(batch, (tuple, list)) else batch
                size = int(keras.tree.flatten(x)[0].shape[0])
                for layer in layers:
                    # The first batch replaces the old statistics.
                    layer.momentum = seen / (seen + size)
                seen += size
                self.model(x, training=True)
        finally:
            for layer, momentum in zip(layers, momentums, strict=True):
                layer.momentum = momentum

    def _batches(self) -> Iterable[Any]:
        if isinstance(self.data, np.ndarray) or tf.is_tensor(self.data):
            n = self.batch_size
            return (self.data[i : i + n] for i in range(0, len(self.data), n))
        return self.data


def _wide(variable: Any) -> tf.DType:
    return tf.float64 if tf.as_dtype(variable.dtype) == tf.float64 else tf.float32


def _count(name: str, value: Any, least: int) -> int:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least:
        return int(value)
    raise ValueError(
        f"`{name}` must be an integer of at least {least}, but got {name}={value!r} "
        f"({type(value).__name__}). Write, for example, `{name}={max(least, 5)}`."
    )
