"""GradientMonitor: records the gradient of every layer during `fit` and says what is wrong."""

import os
from typing import TYPE_CHECKING, Any

import keras

from keras_course_ext.callbacks.monitored_fit import MonitoredFit
from keras_course_ext.monitoring.diagnosis import diagnose
from keras_course_ext.monitoring.finding import Finding
from keras_course_ext.monitoring.history import GradientHistory
from keras_course_ext.monitoring.statistics import OUTPUT_STATISTICS, WEIGHT_STATISTICS
from keras_course_ext.monitoring.tap import GradientTap

if TYPE_CHECKING:
    from rich.console import Console


@keras.saving.register_keras_serializable(package="keras_course_ext")
class GradientMonitor(keras.callbacks.Callback):
    """Records the L2 norm of every layer's gradients at every step, and diagnoses them.

    What is recorded are the gradients of the training step itself, read where they arise inside
    it; there is no second backward pass, and the weights that training reaches are the same bits
    with and without the monitor.

    * `‖∂L/∂W‖₂` of every trainable weight, before clipping: tensor `"kernel"`, `"bias"`, ...
    * `‖∂L/∂A‖₂` of every layer's output A, the signal that flows back: tensor `"output"`. A layer
      used several times in a step has one norm, over all its uses together. Where Keras computes
      the loss from the logits of a softmax or sigmoid output layer, that layer's output gets no
      gradient at all; the one of its logits is recorded instead, as tensor `"logits"`.
    * `‖W‖₂` of every trainable weight at the end of each epoch: statistic `"weight_norm"`.

    The loss L is that of the batch, unscaled under loss scaling. One step is one batch, under
    `steps_per_execution` too, counted from the number of updates that the optimizer had made.

    Attributes:
        history: A `kce.monitoring.GradientHistory`, of the `fit` that is running or the last one.
        findings: A list of `kce.monitoring.Finding`, computed from the history.

    Raises:
        ValueError: By `fit`, before training starts: if the model has no trainable weights, or
            runs under a `tf.distribute` strategy with more than one replica.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((4,)), kce.layers.Dense(2, activation="relu")])
        >>> model.compile(optimizer=kce.optimizers.Adam(), loss="mse")
        >>> monitor = kce.callbacks.GradientMonitor()
        >>> x, y = np.ones((8, 4)), np.ones((8, 2))
        >>> _ = model.fit(x, y, batch_size=4, verbose=0, callbacks=[monitor])
        >>> len(monitor.history.steps)
        2
        >>> monitor.findings
        []

    Reference:
        Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural
        networks", section 4.2: back-propagated gradients layer by layer.

    Deck: chapter 5, the vanishing gradient.
    """

    def __init__(self, update_freq=1, statistics="all") -> None:
        super().__init__()
        self._all = statistics == "all"
        self._history = GradientHistory()
        self._tap: GradientTap | None = None
        self._fit: MonitoredFit | None = None
        self._epoch = 0
        self._unread = 0

    @property
    def history(self) -> GradientHistory:
        """What has been recorded, up to the step that finished last."""
        if self._tap is not None:
            self._drain()
        return self._history

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with the gradients, the gravest first; empty if nothing is."""
        return diagnose(self.history)

    def report(self, console: "Console | None" = None) -> None:
        """Print a table of the layers' gradients, and the findings below it.

        Args:
            console: A `rich.console.Console`; default is the terminal.
        """
        from keras_course_ext.monitoring.report import print_report

        print_report(self.history, console)

    def plot(self, path: str | os.PathLike) -> None:
        """Draw layers by steps, coloured by log10 of the gradient norm, into a file.

        Args:
            path: Where to; the ending decides the format (`.png`, `.svg`, `.pdf`).

        Raises:
            ImportError: If matplotlib is not installed; the message says how to install it.
        """
        from keras_course_ext.plotting.gradients import save_gradients

        save_gradients(self.history, path)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start a new history and stand ready; called by `fit`."""
        self._end()
        model = self.model
        _refuse_unrecordable(model)
        self._tap = GradientTap(
            model, None, _updates_so_far(model.optimizer), _WANTED if self._all else _NORMS
        )
        self._history = GradientHistory(
            loss_scaled=isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        )
        self._unread = 0
        self._fit = MonitoredFit.join(model, self.params, self._tap)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note the epoch; called by `fit`."""
        self._epoch = epoch

    # `on_train_batch_end` is left alone on purpose: a callback that has it makes Keras wait for the
    # metrics of every step.
    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Have the next batch recorded, and read the rows before they run out; called by `fit`."""
        assert self._tap is not None
        assert self._fit is not None
        self._unread += self.model.steps_per_execution
        if self._unread > self._tap.capacity:
            self._drain()
            self._unread = self.model.steps_per_execution
        self._fit.before_batch()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Read what the epoch left; called by `fit`."""
        assert self._tap is not None
        self._drain()
        self._unread = 0
        if not self._tap.steps():
            raise RuntimeError(
                "GradientMonitor recorded no step of this epoch: no gradient reached "
                f"`{type(self.model.optimizer).__name__}.apply` from the model's `train_step`. "
                "A custom `fit` or `make_train_function` must run `self.train_function`, and a "
                "custom `train_step` must update through `self.optimizer`."
            )
        self._tap.drain_window(self._history, epoch)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Let go of the model; called by `fit`."""
        self._end()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal monitor."""
        return {}

    def _drain(self) -> None:
        assert self._tap is not None
        self._tap.drain(self._history, self._epoch)

    def _end(self) -> None:
        if self._tap is not None and self._fit is not None:
            self._drain()
            self._fit.leave(self._tap)
        self._tap = self._fit = None


def _refuse_unrecordable(model: keras.Model) -> None:
    if model.built and not model.trainable_variables:
        raise ValueError(
            f"GradientMonitor has nothing to record: the model '{model.name}' has no trainable "
            "weights. Set `layer.trainable = True` on the layers to train and compile again."
        )


def _updates_so_far(optimizer: keras.optimizers.Optimizer) -> int:
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return int(inner.iterations) * (inner.gradient_accumulation_steps or 1)


_NORMS = ("grad_norm", "weight_norm")
_WANTED = (*WEIGHT_STATISTICS, *OUTPUT_STATISTICS)
