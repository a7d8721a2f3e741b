"""GradientMonitor: records the gradient of every layer during `fit` and says what is wrong."""

import os
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras

from keras_course_ext.callbacks import watch as own_loop
from keras_course_ext.callbacks.backups import Backups
from keras_course_ext.callbacks.followed import described, followed_optimizers
from keras_course_ext.callbacks.live_logs import LiveLogs, epoch_logs
from keras_course_ext.callbacks.monitored_fit import MonitoredFit
from keras_course_ext.callbacks.recording import Recording, Request
from keras_course_ext.callbacks.request import (
    checked_layers,
    checked_names,
    checked_period,
    checked_statistics,
    refuse,
)
from keras_course_ext.callbacks.resume import checked_resume
from keras_course_ext.callbacks.same_fit import call_first, callbacks_in_same_fit
from keras_course_ext.callbacks.schedule import Schedule
from keras_course_ext.callbacks.tensorboard_log_dir import tensorboard_log_dir
from keras_course_ext.monitoring.diagnosis.diagnose import diagnose
from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.sinks.resolve import checked_sinks, config_of, sinks_of
from keras_course_ext.monitoring.sinks.sink import Sink
from keras_course_ext.monitoring.sinks.tensorboard_sink import TensorBoardSink

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

_MOST_UNREAD, _NO_LIMIT = 128, 2**62


@keras.saving.register_keras_serializable(package="keras_course_ext")
class GradientMonitor(keras.callbacks.Callback):
    """Records the gradients of every layer inside the training step, and diagnoses them.

    The gradients are those of the training step itself, read inside it. There is no second backward
    pass, and training ends at the same weights, to the bit, with and without the monitor.

    * Of every trainable weight (tensor `"kernel"`, `"bias"`, ...), before clipping: `"grad_norm"`
      ‖∂L/∂W‖₂, `"grad_mean_abs"`, `"grad_max_abs"`, `"grad_zero_share"` (exact zeros),
      `"grad_non_finite"` (number of elements), `"weight_norm"` ‖W‖₂ before the step, and
      `"update_ratio"` ‖ΔW‖₂ / ‖W‖₂ of the update as it was made, after clipping and the optimizer's
      rule (0 where ‖W‖₂ is 0).
    * Of every layer's output A (tensor `"output"`): `"grad_norm"` ‖∂L/∂A‖₂, the back-propagated
      signal, `"mean"`, `"std"`, `"zero_share"`, `"saturated_share"` (|f'| under 1 % of its maximum)
      and, once an epoch, `"dead_units"` of a ReLU (0 for every recorded sample of the epoch). A
      layer that is used several times in a step is recorded once, over all its uses. Where Keras
      computes the loss from the logits of a softmax or sigmoid output layer, that layer's output
      has no gradient; that of its logits is recorded instead, as tensor `"logits"`.
    * Of the whole model (layer `""`, tensor `"model"`): `"grad_norm"`, `"clipped_share"` (share of
      the weights whose gradient the optimizer clips) and, once an epoch, `"signal_decay"` (the
      factor by which ‖∂L/∂A‖ changes per layer), `"grad_noise"` (standard deviation of
      ‖∂L/∂W‖ over its mean) and `"skipped_steps"` under loss scaling.

    L is the loss of the batch, unscaled under loss scaling. One step is one batch, also under
    `steps_per_execution`; steps are counted on from those that the optimizer had made before. The
    first ten steps are always recorded, and so is every step with a gradient that is not finite,
    but without the statistics of its large tensors. `logs` gets `"grad_norm"`, the median of the
    epoch, and an entry for the most serious finding, such as `"vanishing_in_dense_3"`, for
    `History`, `CSVLogger`, `EarlyStopping` and `ModelCheckpoint`; `fit` calls the monitor before
    them, wherever it stands in the list. With `verbose=1` the progress bar shows the latest
    recorded norm and that finding while the epoch runs.

    Args:
        update_freq: Which steps are recorded. `"auto"`: so many that recording takes two percent of
            the time, as measured during training, and at least 20 an epoch; `"epoch"`: the first
            step of each epoch; an integer n ≥ 1: every n-th step. `benchmarks/monitor_overhead.py`
            measures the cost. Defaults to "auto".
        statistics: `"all"`, `"norms"` (`"grad_norm"` of weights and outputs only), or a sequence of
            the names above. Defaults to "all".
        layers: Names of the layers whose records are kept. Defaults to None, all.
        histograms: Integer n ≥ 1: at every n-th step the elements of gradients, weights and outputs
            are counted in bins between powers of 2, for `history.histograms`. Defaults to None.
        sinks: Where to write the record during training: a list of paths that end in `.jsonl` or
            `.csv`, of `"tensorboard"`, the directory of the TensorBoard callback in the same `fit`,
            and of `kce.monitoring.sinks.Sink`. If the optimizer has made no step yet a file begins
            anew, otherwise the steps are appended. Defaults to None.
        resume: The record of an interrupted run, with which `history` begins: a `.jsonl` or `.json`
            file, or a `GradientHistory`. Its steps before the first step of this run are kept; none
            if that is step 0. Defaults to None, an empty record.
        optimizer: The optimizer whose `apply` gets the gradients, or a list of several. Each call
            of `apply` is one step; weights that it does not train have no gradient in that step.
            With several the norm of each one's steps is recorded under its name, too:
            `history.series("", "g_optimizer")`. Defaults to None, every optimizer that is an
            attribute of the model, also in lists and dictionaries.

    Raises:
        ValueError: If an argument is not one of the above. From `fit`, before training starts: if
            the model has no trainable weights, or no layer of a name in `layers`; if the file of
            a sink or of `resume` is not a record.
        OSError: From `fit`, before training starts: if a file cannot be written or read.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((4,)), kce.layers.Dense(2, activation="tanh")])
        >>> model.compile(optimizer=kce.optimizers.Adam(), loss="mse")
        >>> monitor = kce.callbacks.GradientMonitor()
        >>> x, y = np.ones((8, 4)), np.ones((8, 2))
        >>> _ = model.fit(x, y, batch_size=4, verbose=0, callbacks=[monitor])
        >>> len(monitor.history.steps)
        2
        >>> monitor.findings
        []
        >>> monitor.report()  # doctest: +SKIP
        >>> monitor.plot("gradients.png")  # doctest: +SKIP

    Reference: Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward
    neural networks", section 4.2: back-propagated gradients layer by layer.

    Deck: chapter 5, the vanishing gradient.
    """

    def __init__(
        self,
        update_freq: int | str = "auto",
        statistics: str | Sequence[str] = "all",
        layers: Sequence[str] | None = None,
        histograms: int | None = None,
        sinks: Sequence[Any] | None = None,
        resume: Any = None,
        optimizer: Any = None,
    ) -> None:
        super().__init__()
        self.update_freq = update_freq
        self.statistics = statistics
        self.layers = checked_names(layers)
        self.histograms = checked_period(histograms)
        self.sinks = checked_sinks(sinks)
        self.resume = checked_resume(resume)
        self.optimizer = optimizer
        self._wanted = checked_statistics(statistics)
        self._schedule = Schedule(update_freq)
        # Steps between two readings at most: what they recorded is lost if the process is killed.
        self._most_unread = _MOST_UNREAD if self.sinks else _NO_LIMIT
        self._history = GradientHistory()
        self._recording: Recording | None = None
        self._fit: MonitoredFit | None = None
        self._live: LiveLogs | None = None
        self._backups = Backups()
        self._begun = self._warned = False
        self._optimizers = ""
        self._next = self._epoch_start = 0
        self._batches = self._unread = self._readable = 0
        self._per_execution = 1
        self._began: tuple[float, int, int] | None = None

    @property
    def history(self) -> GradientHistory:
        """What has been recorded, up to the step that finished last."""
        if self._recording is not None:
            self._history = self._recording.drain()
        return self._history

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with the gradients, the gravest first; empty if nothing is."""
        return diagnose(self.history)

    def report(self, console: "Console | None" = None) -> None:
        """Print a table of the layers' gradients, and the findings below it.

        Args:
            console: A `rich.console.Console`. Defaults to None, the terminal.
        """
        from keras_course_ext.monitoring.diagnosis.report import print_report

        print_report(self.history, console)

    def plot(
        self, path: str | os.PathLike | None = None, kind: str = "gradients", lang: str = "en"
    ) -> "Figure":
        """Draw a picture of the record, into a file if a path is given.

        Args:
            path: The file; the ending decides the format (`.png`, `.svg`, `.pdf`). Defaults to
                None, no file.
            kind: Name of the function of `kce.plotting` that draws it; their docstrings say what to
                conclude. Defaults to "gradients". `"gradients"`: layers by steps, coloured by log10
                of the gradient norm; `"lines"`: the gradient norm over the steps, one line a layer;
                `"depth"`: the signal against the layer; `"activations"`: histograms over the steps;
                `"update_ratios"`: how far each step moves each kernel.
            lang: Language of the labels, "en" or "ko". Defaults to "en".

        Returns:
            The matplotlib `Figure`. A notebook shows it if it is the last value of a cell.

        Raises:
            ImportError: If matplotlib is not installed; the message says how to install it.
            ValueError: If `kind` or `lang` is none of these, or what it shows was not recorded.
        """
        from keras_course_ext.plotting.save import draw

        return draw(self.history, path, kind, lang)

    @contextmanager
    def watch(self, model: keras.Model, optimizer: Any = None) -> Iterator["GradientMonitor"]:
        """Record the steps of your own training loop, as those of `fit` are recorded.

        Every call of `optimizer.apply` in the context is a step. A `tf.function` must be traced in
        the context: one that was traced before has no hooks. It may be called under `strategy.run`.
        Passes that do not train, such as a validation, belong outside of the context or into
        another `tf.function`.

        Under `tf.distribute.MultiWorkerMirroredStrategy` the record of every worker is that of the
        whole batch. Reading `history` in the context is a collective operation: all workers must
        do it at the same steps. What was not read when one of them raised is lost.

        Args:
            model: The built model that is trained.
            optimizer: The optimizer whose `apply` or `apply_gradients` gets the gradients, or a
                list of several. Defaults to None, the monitor's or else the model's.

        Yields:
            The monitor.

        Raises:
            ValueError: If the model is not built, has no trainable weights, or no optimizer.
            RuntimeError: At the end, if no step was seen.

        Example:
            >>> import keras, numpy as np, tensorflow as tf
            >>> import keras_course_ext as kce
            >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
            >>> optimizer = kce.optimizers.SGD(0.1)
            >>> @tf.function
            ... def step(x):
            ...     with tf.GradientTape() as tape:
            ...         loss = tf.reduce_mean(model(x) ** 2)
            ...     weights = model.trainable_variables
            ...     optimizer.apply(tape.gradient(loss, weights), weights)
            >>> monitor = kce.callbacks.GradientMonitor(update_freq=1)
            >>> with monitor.watch(model, optimizer):
            ...     for _ in range(3):
            ...         step(tf.ones((8, 4)))
            >>> monitor.history.steps
            array([0, 1, 2])
        """
        optimizers = self._followed(model, optimizer)
        checked_layers(model, self.layers)
        if not model.built:
            raise ValueError(
                f"`watch` needs a built model, but '{model.name}' is not. Call it on a batch, or "
                "write `model.build(input_shape)` before."
            )
        self._recording = Recording(model, optimizers, self._request(()), in_fit=False)
        self._schedule = Schedule(self.update_freq)
        try:
            names = " or ".join(f"`{type(o).__name__}.apply`" for o in optimizers.values())
            with own_loop.watching(self._recording, self._schedule, names):
                yield self
        finally:
            self._history, self._recording = self._recording.history, None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start a new history and prepare the recording; called by `fit`."""
        self._end()
        model: Any = self.model
        optimizers = self._followed(model)
        checked_layers(model, self.layers)
        others = callbacks_in_same_fit(keras.callbacks.Callback, self)
        call_first(self)
        self._recording = Recording(model, optimizers, self._request(others))
        self._history = self._recording.history
        self._schedule = Schedule(self.update_freq)
        saving = [c for c in others if isinstance(c, keras.callbacks.BackupAndRestore)]
        self._backups = Backups(saving if self.sinks else ())
        self._begun = self._warned = False
        self._optimizers = described(optimizers)
        self._batches = self._unread = 0
        self._fit = MonitoredFit.join(model, self.params, self._recording)
        self._live = LiveLogs(self._recording.last_grad_norm, lambda: self.history, self.params)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin an epoch; called by `fit`."""
        recording = self._recording
        assert recording is not None
        if not self._begun:
            # Not in on_train_begin: a BackupAndRestore may come after the monitor in the list.
            recording.begin()
            self._begun = True
        self._next = self._epoch_start = recording.steps()
        self._began = None
        self._per_execution = self.model.steps_per_execution
        recording.begin_epoch(epoch)
        self._begin_period()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Record the next batch, and read the stores before they are full; called by `fit`."""
        assert self._fit is not None
        assert self._recording is not None
        steps = self._per_execution
        if self._batches == steps:
            self._first_batch_ended()
        self._batches += steps
        self._measure(steps * self._recording.updates_per_batch)
        self._unread += steps
        if self._backups.saved(steps) or self._unread > self._readable:
            self._recording.drain()
            self._unread = steps
        if self._live is not None and self._live.refresh():
            self._unread = steps
            self._began = None  # the time that took is not the step's
        self._fit.before_batch()

    # Keras waits for the metrics of a step in another thread where the backend allows it, unless a
    # callback has the hook below and does not say that this thread may call it.
    async_safe = True

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Give the progress bar what is known already; called by `fit`."""
        if self._live is not None:
            self._live.add_to(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Read what the epoch left; called by `fit`."""
        assert self._fit is not None
        assert self._recording is not None
        self._recording.end_epoch()
        self._unread = 0
        if not (self._recording.recorded_any or self._fit.without_data):
            self._warn_of_nothing()
        findings = self.findings
        if self._live is not None:
            self._live.found(findings)
        if logs is not None:
            logs.update(epoch_logs(self._history, epoch, findings))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Release the model; called by `fit`."""
        self._end()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal monitor."""
        names = ("update_freq", "statistics", "layers", "histograms", "resume", "optimizer")
        return {name: getattr(self, name) for name in names} | {"sinks": config_of(self.sinks)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "GradientMonitor":
        """Return the monitor whose arguments `get_config` gave."""
        return cls(**config)

    def _followed(self, model: Any, optimizer: Any = None) -> dict[str, Any]:
        """Return the optimizers to follow by name, or refuse the model."""
        given = optimizer if optimizer is not None else self.optimizer
        optimizers = followed_optimizers(model, given)
        for one in optimizers.values() or [getattr(model, "optimizer", None)]:
            refuse(model, one)
        return optimizers

    def _begin_period(self) -> None:
        assert self._recording is not None
        batches = self.params.get("steps")
        steps = batches and batches * self._recording.updates_per_batch
        self._set_period(self._schedule.begin_epoch(self._epoch_start, steps))

    def _first_batch_ended(self) -> None:
        assert self._recording is not None
        if self._recording.follows_nothing:
            self._warn_of_nothing()
        if self._recording.first_batch_ended(self._per_execution):
            self._next = self._recording.steps()
            self._begin_period()

    def _warn_of_nothing(self) -> None:
        if not self._warned:
            warnings.warn(
                "GradientMonitor records nothing, because no gradient from the model's "
                f"`train_step` has reached `apply` of {self._optimizers}: pass the optimizer that "
                "updates the weights as `GradientMonitor(optimizer=...)`, and where you override "
                "`fit` or `make_train_function`, run `self.train_function`.",
                stacklevel=2,
            )
        self._warned = True

    def _request(self, others: Sequence[keras.callbacks.Callback]) -> Request:
        def tensorboard() -> Sink:
            found = [c for c in others if isinstance(c, keras.callbacks.TensorBoard)]
            return TensorBoardSink(tensorboard_log_dir(found))

        return Request(
            self._wanted,
            self.layers,
            self.histograms,
            self.update_freq == 1,
            self.resume,
            sinks_of(self.sinks, tensorboard),
        )

    def _measure(self, steps: int) -> None:
        """Tell the schedule how long the execution that just ended took.

        Args:
            steps: Number of steps of the one that begins.
        """
        assert self._recording is not None
        now = time.perf_counter()
        if self._began is not None and self.update_freq == "auto":
            began, first, count = self._began
            recorded = self._recording.recorded_of(first, count)
            if self._schedule.measure(now - began, count, recorded):
                self._set_period(self._schedule.period())
                now = time.perf_counter()
        self._began = (now, self._next, steps)
        self._next += steps

    def _set_period(self, period: tuple[int, int]) -> None:
        assert self._recording is not None
        self._recording.set_period(*period)
        self._readable = min(self._recording.readable_batches(), self._most_unread)

    def _end(self) -> None:
        if self._recording is not None:
            if self._fit is not None:
                self._history = self._recording.drain()
                self._fit.leave(self._recording)
            self._recording.close()
        self._recording = self._fit = self._live = None
