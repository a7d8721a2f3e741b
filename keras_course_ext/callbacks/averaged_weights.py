"""AveragedWeights: validate and save a model with the averages of a schedule-free optimizer."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_course_ext")
class AveragedWeights(keras.callbacks.Callback):
    """Puts the averages of a schedule-free optimizer into the model for validation and saving.

        y, the weights in training          from the beginning of `fit` and of every epoch
        x, the average of the steps         from the validation, or the end of the epoch, on

    List it before the callbacks that are to use the averages, such as `ModelCheckpoint`. The
    optimizer may be wrapped in `LossScaleOptimizer` or `LayerWise`. Training is bit-identical to
    training without the callback: copies of y and x are kept, which takes the memory of two models.

    Raises:
        ValueError: By `fit`, before training starts: if the optimizer has no averages.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> model.compile(kce.optimizers.ScheduleFreeAdamW(), "mse")
        >>> x, y = np.ones((8, 4)), np.ones((8, 1))
        >>> _ = model.fit(x, y, verbose=0, callbacks=[kce.callbacks.AveragedWeights()])
        >>> model.optimizer.holds_average
        True

    Differs from Keras:
        `keras.callbacks.SwapEMAWeights` is for moving averages, `use_ema=True`; the averages of
        Keras's `ScheduleFreeAdamW` are never put into the model.

    Reference: Defazio, Yang, Khaled, Mishchenko, Mehta, Cutkosky (2024), "The Road Less Scheduled",
    NeurIPS 2024, Algorithm 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[tuple[tf.Tensor, tf.Tensor]] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Puts y into the model, if it holds x; called by `fit`."""
        _averaging(self._model_optimizer())
        self._kept = []
        self._train()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Puts y into the model; called by `fit`."""
        self._train()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Puts x into the model; called by `fit`."""
        self._average()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Puts x into the model; called by `fit` before the validation, and by `evaluate`."""
        self._average()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Drops the copy of y, which the optimizer can compute from x; called by `fit`."""
        self._kept = []

    def get_config(self) -> dict[str, Any]:
        """Returns an empty config: there are no arguments."""
        return {}

    def _model_optimizer(self) -> Any:
        model: Any = self.model
        return model.optimizer

    def _average(self) -> None:
        optimizer, weights = _averaging(self._model_optimizer()), self.model.trainable_variables
        if optimizer.holds_average:
            return
        before = [tf.identity(w) for w in weights]
        optimizer.swap(to_average=True)
        if optimizer.holds_average:
            now = [tf.identity(w) for w in weights]
            self._kept = list(zip(before, now, strict=True))

    def _train(self) -> None:
        optimizer, weights = _averaging(self._model_optimizer()), self.model.trainable_variables
        # Another callback may have given the model other weights in the meantime.
        kept = bool(self._kept) and all(
            np.array_equal(x, tf.identity(w)) for (_, x), w in zip(self._kept, weights, strict=True)
        )
        swaps = optimizer.holds_average
        optimizer.swap(to_average=False)
        if kept and swaps:
            # The y that `swap` computes from x and z differs in its last bits.
            for (y, _), w in zip(self._kept, weights, strict=True):
                w.assign(y)
        self._kept = []


def _averaging(optimizer: Any) -> Any:
    """The optimizer that keeps the averages: the given one, or the one that it wraps."""
    found = getattr(optimizer, "inner_optimizer", optimizer)
    if getattr(found, "averages_weights", False):
        return found
    raise ValueError(
        "`AveragedWeights` needs an optimizer that averages the weights, but the model was "
        f"compiled with {type(optimizer).__name__}. Write "
        "`model.compile(kce.optimizers.ScheduleFreeAdamW(), ...)`, or leave the callback out."
    )
