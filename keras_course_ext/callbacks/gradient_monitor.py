"""GradientMonitor: records the gradient of every layer during `fit` and says what is wrong."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras

from keras_course_ext.callbacks.live_logs import LiveLogs, epoch_logs
from keras_course_ext.callbacks.monitored_fit import MonitoredFit
from keras_course_ext.monitoring.backups import Backups
from keras_course_ext.monitoring.diagnosis import diagnose
from keras_course_ext.monitoring.finding import Finding
from keras_course_ext.monitoring.history import GradientHistory
from keras_course_ext.monitoring.request import (
    checked_layers,
    checked_names,
    checked_period,
    checked_statistics,
    refuse,
)
from keras_course_ext.monitoring.resume import checked_resume, earlier, steps_so_far
from keras_course_ext.monitoring.schedule import Schedule
from keras_course_ext.monitoring.sinks.fan_out import FanOut
from keras_course_ext.monitoring.sinks.resolve import checked_sinks, config_of, sinks_of
from keras_course_ext.monitoring.tap import GradientTap

if TYPE_CHECKING:
    from rich.console import Console


@keras.saving.register_keras_serializable(package="keras_course_ext")
class GradientMonitor(keras.callbacks.Callback):
    """Records the gradients of every layer inside the training step, and diagnoses them.

    What is recorded are the gradients of the training step itself, read where they arise inside
    it; there is no second backward pass, and the weights that training reaches are the same bits
    with and without the monitor.

    * Of every trainable weight, tensor `"kernel"`, `"bias"`, ..., before clipping: `"grad_norm"`
      ‖∂L/∂W‖₂, `"grad_mean_abs"`, `"grad_max_abs"`, `"grad_zero_share"` (exact zeros),
      `"grad_non_finite"` (a number of elements), `"weight_norm"` ‖W‖₂ before the step, and
      `"update_ratio"` ‖ΔW‖₂ / ‖W‖₂ of the step truly taken, after clipping and the optimizer's
      rule (0 where ‖W‖₂ is 0).
    * Of every layer's output A, tensor `"output"`: `"grad_norm"` ‖∂L/∂A‖₂, the signal that flows
      back, `"mean"`, `"std"`, `"zero_share"`, `"saturated_share"` (|f'| under 1 % of its
      maximum) and, once an epoch, `"dead_units"` of a ReLU (0 for every recorded sample of it).
      A layer used several times in a step counts as one, over all its uses together. Where Keras
      computes the loss from the logits of a softmax or sigmoid output layer, that layer's output
      gets no gradient at all; the one of its logits is recorded instead, as tensor `"logits"`.
    * Of the whole model, layer `""`, tensor `"model"`: `"grad_norm"`, `"clipped_share"` (share of
      the weights whose gradient the optimizer clips) and, once an epoch, `"signal_decay"` (the
      factor by which ‖∂L/∂A‖ changes per layer), `"grad_noise"` (standard deviation of
      ‖∂L/∂W‖ over its mean) and `"skipped_steps"` under loss scaling.

    The loss L is that of the batch, unscaled under loss scaling. One step is one batch, under
    `steps_per_execution` too, counted from the number of steps that the optimizer had made.
    Whatever `update_freq` says, the first ten steps are recorded, and every step at which a
    gradient is not finite, if without the statistics of its large tensors. `logs` gets
    `"grad_norm"`, the median of the epoch, and a value for the gravest finding under its name,
    `"vanishing_in_dense_3"`, so that `History`, `CSVLogger`, `EarlyStopping` and `ModelCheckpoint`
    have them too. With `verbose=1` the progress bar shows, while the epoch runs, the norm recorded
    last and that finding.

    Args:
        update_freq: `"auto"`: so often that recording takes two percent of the time, measured as
            training runs, and at least 20 times an epoch; `"epoch"`: at the first step of each
            epoch; an integer n ≥ 1: every n-th step. `benchmarks/monitor_overhead.py` tells what
            that costs. Defaults to "auto".
        statistics: `"all"`, `"norms"` (`"grad_norm"` of weights and outputs only), or a sequence of
            the names above. Defaults to "all".
        layers: Names of the layers to keep records of. Defaults to None, all.
        histograms: Integer ≥ 1: every how many steps the elements of gradients, weights and outputs
            are counted into bins between powers of 2, for `history.histograms`. Defaults to None.
        sinks: Where to write the record while training runs: a list of paths that end in `.jsonl`
            or `.csv`, of `"tensorboard"`, the directory of the TensorBoard callback in the same
            `fit`, and of `kce.monitoring.sinks.Sink`. Defaults to None. Where the optimizer
            has made no step yet a file begins anew, otherwise the steps are appended to it.
        resume: The record of an interrupted run to begin `history` with: a `.jsonl` or `.json`
            file, or a `GradientHistory`. Of it the steps are taken that come before the first of
            this run, none where that is 0. Defaults to None: begin with an empty one.

    Raises:
        ValueError: If an argument is not one of the above. By `fit`, before training starts: if
            the model has no trainable weights, or no layer of a name in `layers`; if the file of
            a sink or of `resume` is something else than a record.
        OSError: By `fit`, before training starts: if a file cannot be written or read.

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
    ) -> None:
        super().__init__()
        self.update_freq = update_freq
        self.statistics = statistics
        self.layers = checked_names(layers)
        self.histograms = checked_period(histograms)
        self.sinks = checked_sinks(sinks)
        # What is lost if the process is killed.
        self._window = 128 if self.sinks else 2**62
        self.resume = checked_resume(resume)
        self._wanted = checked_statistics(statistics)
        self._schedule = Schedule(update_freq)
        self._history = GradientHistory()
        self._fan_out = FanOut()
        self._tap: GradientTap | None = None
        self._fit: MonitoredFit | None = None
        self._live: LiveLogs | None = None
        self._begun = False
        self._epoch = 0
        self._next = 0
        self._unread = self._most_unread = 0
        self._per_execution = 1
        self._began: tuple[float, int, int] | None = None

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
            console: A `rich.console.Console`. Defaults to None, the terminal.
        """
        from keras_course_ext.monitoring.report import print_report

        print_report(self.history, console)

    def plot(self, path: str | os.PathLike, kind: str = "gradients", lang: str = "en") -> None:
        """Draw a picture of the record into a file.

        Args:
            path: The file; the ending decides the format (`.png`, `.svg`, `.pdf`).
            kind: Name of the function of `kce.plotting` that draws it; their docstrings say what to
                conclude. Defaults to "gradients". `"gradients"`: layers by steps, coloured by log10
                of the gradient norm; `"lines"`: the gradient norm over the steps, one line a layer;
                `"depth"`: the signal against the layer; `"activations"`: histograms over the steps;
                `"update_ratios"`: how far each step moves each kernel.
            lang: Language of the labels, "en" or "ko". Defaults to "en".

        Raises:
            ImportError: If matplotlib is not installed; the message says how to install it.
            ValueError: If `kind` or `lang` is none of these, or what it shows was not recorded.
        """
        from keras_course_ext.plotting.save import save

        save(self.history, path, kind, lang)

    @contextmanager
    def watch(self, model: keras.Model, optimizer: Any = None) -> Iterator["GradientMonitor"]:
        """Record the steps of a training loop of your own, as `fit` would be recorded.

        Every call of `optimizer.apply` inside of the context is a step. A `tf.function` must be
        traced inside of it: what was traced before knows nothing of the monitor. It may be called
        under `strategy.run`. Passes that train nothing, such as a validation, belong outside of
        the context or into a `tf.function` of their own.

        Under `tf.distribute.MultiWorkerMirroredStrategy` every worker's record is of the whole
        batch. Reading `history` inside of the context brings the workers together, so all of them
        must do it, at the same steps; what was not read when one of them raised is lost.

        Args:
            model: The built model that is trained.
            optimizer: The optimizer whose `apply` or `apply_gradients` gets the gradients. Defaults
                to None, the model's.

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
        optimizer = optimizer if optimizer is not None else getattr(model, "optimizer", None)
        refuse(model, optimizer)
        checked_layers(model, self.layers)
        if not model.built:
            raise ValueError(
                f"`watch` needs a built model, but '{model.name}' is not. Call it on a batch, or "
                "write `model.build(input_shape)` before."
            )
        self._start(model, optimizer)
        tap = self._tap
        assert tap is not None
        self._begin(optimizer)
        self._set_period(self._schedule.begin_epoch(tap.steps(), None))
        start = tap.steps()
        raised = True
        try:
            with tap.recording(whole_step=False):
                yield self
            raised = False
        finally:
            seen = tap.steps() - start
            # Who waits for other workers after an exception of his own may wait for ever.
            if not (raised and tap.has_other_workers):
                self._end_epoch(self._epoch)
            self._fan_out.close()
            self._tap = None
        if not seen:
            raise RuntimeError(
                "GradientMonitor saw no step: inside of `watch` nothing called "
                f"`{type(optimizer).__name__}.apply`, or only a `tf.function` did that had been "
                "traced before. Make the `tf.function` anew, and call it inside of the context."
            )

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start a new history and stand ready; called by `fit`."""
        self._end()
        model: Any = self.model
        refuse(model, model.optimizer)
        checked_layers(model, self.layers)
        self._start(model, model.optimizer, self.params)
        assert self._tap is not None
        self._fit = MonitoredFit.join(model, self.params, self._tap)
        self._live = LiveLogs(self._tap.last_grad_norm, lambda: self.history, self.params)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin an epoch; called by `fit`."""
        assert self._tap is not None
        if not self._begun:
            # Not in on_train_begin: a BackupAndRestore may stand behind the monitor.
            model: Any = self.model
            self._begin(model.optimizer)
            self._begun = True
        self._epoch = epoch
        self._next = self._tap.steps()
        self._began = None
        self._per_execution = self.model.steps_per_execution
        self._tap.begin_epoch()
        self._set_period(self._schedule.begin_epoch(self._next, self.params.get("steps")))

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Have the next batch recorded, and read the rows before they run out; called by `fit`."""
        assert self._fit is not None
        steps = self._per_execution
        self._measure(steps)
        self._unread += steps
        if self._backups.saved(steps) or self._unread > self._most_unread:
            self._drain()
            self._unread = steps
        if self._live is not None and self._live.refresh():
            self._unread = steps
            self._began = None  # the time that took is not the step's
        self._fit.before_batch()

    # On a backend that allows it Keras waits for the metrics of a step in another thread, unless a
    # callback has the hook below and does not say that this thread may call it.
    async_safe = True

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Tell the progress bar what is known already; called by `fit`."""
        if self._live is not None:
            self._live.add_to(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Read what the epoch left; called by `fit`."""
        assert self._tap is not None
        self._end_epoch(epoch)
        if not self._tap.buffers or self._tap.steps() == self._tap.start:
            raise RuntimeError(
                "GradientMonitor recorded no step of this epoch: no gradient reached "
                f"`{type(self.model.optimizer).__name__}.apply` from the model's `train_step`. "
                "A custom `fit` or `make_train_function` must run `self.train_function`, and a "
                "custom `train_step` must update through `self.optimizer`."
            )
        findings = self.findings
        if self._live is not None:
            self._live.found(findings)
        if logs is not None:
            logs.update(epoch_logs(self._history, epoch, findings))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Let go of the model; called by `fit`."""
        self._end()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal monitor."""
        names = ("update_freq", "statistics", "layers", "histograms", "resume")
        return {name: getattr(self, name) for name in names} | {"sinks": config_of(self.sinks)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "GradientMonitor":
        """Return the monitor whose arguments `get_config` gave."""
        return cls(**config)

    def _start(self, model: keras.Model, optimizer: Any, params: Any = None) -> None:
        every, in_fit = self.update_freq == 1, params is not None
        self._tap = GradientTap(model, optimizer, self._wanted, self.histograms, every, in_fit)
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        self._history = GradientHistory(loss_scaled=scaled)
        self._schedule = Schedule(self.update_freq)
        self._fan_out = FanOut(sinks_of(self.sinks, params))
        self._backups = Backups(params if self.sinks else None)
        self._begun = False
        self._unread = 0

    def _begin(self, optimizer: Any) -> None:
        """Go on from where the optimizer stands."""
        assert self._tap is not None
        names = self._tap.columns.names if self._tap.columns is not None else ()
        first, before = earlier(self.resume, steps_so_far(optimizer), names)
        self._tap.start_at(first)
        before.loss_scaled = self._history.loss_scaled
        self._history = before
        self._fan_out.open(first, before)

    def _measure(self, steps: int) -> None:
        """Tell the schedule how long the execution that just ended took."""
        assert self._tap is not None
        now = time.perf_counter()
        if self._began is not None and self.update_freq == "auto":
            began, first, count = self._began
            recorded = sum([self._tap.is_due(step) for step in range(first, first + count)])
            if self._schedule.measure(now - began, count, recorded):
                self._set_period(self._schedule.period())
                now = time.perf_counter()
        self._began = (now, self._next, steps)
        self._next += steps

    def _set_period(self, period: tuple[int, int]) -> None:
        assert self._tap is not None
        self._tap.set_period(*period)
        self._most_unread = min(self._tap.readable_steps(), self._window)

    def _drain(self) -> None:
        assert self._tap is not None
        self._tap.drain(self._history, self._epoch, self.layers)
        self._tap.drain_histograms(self._history, self._epoch)
        self._fan_out.send(self._history)

    def _end_epoch(self, epoch: int) -> None:
        assert self._tap is not None
        self._drain()
        self._unread = 0
        self._tap.drain_window(self._history, epoch, self.layers)
        self._fan_out.send(self._history)

    def _end(self) -> None:
        if self._tap is not None and self._fit is not None:
            self._drain()
            self._fit.leave(self._tap)
        self._fan_out.close()
        self._tap = self._fit = self._live = None
