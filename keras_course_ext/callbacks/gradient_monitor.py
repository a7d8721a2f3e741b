"""GradientMonitor: records the gradient of every layer during `fit` and says what is wrong."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras

from keras_course_ext.callbacks.backups import Backups
from keras_course_ext.callbacks.continued import Continued
from keras_course_ext.callbacks.fit_sinks import fit_sinks
from keras_course_ext.callbacks.followed import checked_optimizers, described
from keras_course_ext.callbacks.live_logs import LiveLogs, finding_logs
from keras_course_ext.callbacks.monitor_report import monitor_report, report_text
from keras_course_ext.callbacks.monitored_fit import MonitoredFit
from keras_course_ext.callbacks.nothing_recorded import say_nothing_recorded
from keras_course_ext.callbacks.on_finding import ACTIONS, OnFinding, Reaction, checked_on_finding
from keras_course_ext.callbacks.pace import Pace
from keras_course_ext.callbacks.recording import Recording, Request
from keras_course_ext.callbacks.request import (
    checked_layers,
    checked_names,
    checked_period,
    checked_statistics,
)
from keras_course_ext.callbacks.resume import checked_resume
from keras_course_ext.callbacks.same_fit import call_first, callbacks_in_same_fit
from keras_course_ext.callbacks.schedule import Schedule
from keras_course_ext.callbacks.watch import Watch
from keras_course_ext.monitoring.diagnosis.diagnose import Rule, diagnose
from keras_course_ext.monitoring.diagnosis.finding import ERROR, Finding
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.sinks.resolve import checked_sinks, config_of
from keras_course_ext.monitoring.sinks.sink import Sink

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
    epoch (or of the last one with a recorded step), and an entry for the most serious finding, such
    as `"vanishing_layers_worst_dense_3"`, whose value is the number of layers, for `History`,
    `CSVLogger`, `EarlyStopping` and `ModelCheckpoint`; `fit` calls the monitor before them,
    wherever it stands in the list. After 64 epochs the record is diagnosed again at the end of an
    epoch when it has grown by 1/32. With `verbose=1` the progress bar shows the latest recorded
    norm and that finding while the epoch runs.

    A second `fit` goes on with the record, with the same model: steps and epochs are counted on,
    `history.fits` says where each fit began, and the files of the sinks are continued. `reset`
    begins anew. Where the model was not compiled again nothing is traced again. Of a record of
    more than 67 million values (256 MB) every second row is dropped from memory, with a warning;
    the files keep all.

    Args:
        update_freq: Which steps are recorded. `"auto"`: so many that recording takes two percent of
            the time of the run, as measured during training, and at least 50 of a `fit`; in `watch`
            every fiftieth. An epoch may then have none; `"epoch"`: the first step of each epoch; an
            integer n ≥ 1: every n-th step. `benchmarks/monitor_overhead.py` measures the cost.
            Defaults to "auto".
        statistics: `"all"`, `"norms"` (`"grad_norm"` of weights and outputs only), or a sequence of
            the names above. Defaults to "all".
        layers: Names of the layers whose records are kept. Defaults to None, all.
        histograms: Integer n ≥ 1: at every n-th step the elements of gradients, weights and outputs
            are counted in bins between powers of 2, for `history.histograms`. Defaults to None.
        sinks: Where to write the record during training: a list of paths that end in `.jsonl` or
            `.csv`, of `"tensorboard"`, the directory of the TensorBoard callback in the same `fit`,
            of `"wandb"` and `"mlflow"`, the active run, and of `kce.monitoring.sinks.Sink`. If the
            optimizer has made no step yet a file begins anew, otherwise the steps are appended.
            Defaults to None.
        resume: The record of an interrupted run, with which `history` begins: a `.jsonl` or `.json`
            file, or a `GradientHistory`. Its steps before the first step of this run are kept; none
            if that is step 0. Defaults to None, an empty record.
        optimizer: The optimizer whose `apply` gets the gradients, or a list of several. Each call
            of `apply` is one step; weights that it does not train have no gradient in that step.
            With several the norm of each one's steps is recorded under its name, too:
            `history.series("", "g_optimizer")`. Defaults to None, every optimizer that is an
            attribute of the model, also in lists and dictionaries.
        strict: Boolean, whether `fit` ends with a ValueError, instead of a warning, after a first
            batch in which none of these optimizers got a gradient. Defaults to False: what cannot
            be recorded stops no training.
        rules: Rules of your own, applied with the built-in ones: functions from a
            `GradientHistory` to findings. Defaults to (), none.
        on_finding: What to do when something is found: `"warn"` writes it to the log of the logger
            "keras_course_ext", `"stop"` also stops the training, `"raise"` raises a
            `kce.callbacks.FindingError`, `"ignore"` does nothing; or a function that takes the
            `Finding`. Each is acted on once: a contradiction in the model after the first batch,
            a matter of degree when two epochs in a row show it. Defaults to "warn".

    Raises:
        ValueError: If an argument is not one of the above. From `fit`, before training starts: if
            the model has no trainable weights, or no layer of a name in `layers`; if the record is
            one of another model; if the file of a sink or of `resume` is not a record, or another
            process writes to it.
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
        >>> monitor.report("report.html", language="ko")  # doctest: +SKIP
        >>> monitor.plot("gradients.png")  # doctest: +SKIP
        >>> monitor.reset()  # the next fit begins a new record

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
        strict: bool = False,
        rules: Sequence[Rule] = (),
        on_finding: OnFinding = "warn",
    ) -> None:
        super().__init__()
        self.update_freq = update_freq
        self.statistics = statistics
        self.layers = checked_names(layers)
        self.histograms = checked_period(histograms)
        self.sinks = checked_sinks(sinks)
        self.resume = checked_resume(resume)
        self.optimizer = optimizer
        self.strict = strict
        self.rules = tuple(rules)
        self.on_finding = checked_on_finding(on_finding)
        self._wanted = checked_statistics(statistics)
        Schedule(update_freq)  # refuses what is wrong
        self._so_far = Continued(self.resume)
        self._leave()

    def _leave(self) -> None:
        """Forget what belongs to one model: what was traced for it, and the fit."""
        self._recording: Recording | None = None
        self._schedule = Schedule(self.update_freq)
        self._pace: Pace | None = None
        self._fit: MonitoredFit | None = None
        self._watch: Watch | None = None
        self._live: LiveLogs | None = None
        self._backups = Backups()
        self._sinks_of_fit: list[Sink] = []
        self._begun = self._warned = False
        self._reaction = Reaction("ignore", None)
        self._optimizers = ""

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy has: the arguments and the record, and nothing of model and fit."""
        _ = self.history
        copy = GradientMonitor.__new__(GradientMonitor)
        copy.__dict__.update(self.__dict__)
        copy._leave()
        copy._so_far = self._so_far.copied()
        return {**copy.__dict__, "_model": None, "params": None}

    @property
    def history(self) -> GradientHistory:
        """What has been recorded, in all fits, up to the step that finished last."""
        if self._recording is not None:
            self._so_far.history = self._recording.drain()
        return self._so_far.history

    def reset(self) -> None:
        """Begin a new record, of any model, with the next fit.

        The record so far stays what it is: keep it by `record = monitor.history` before. The file
        of a sink begins anew if the optimizer of that fit has made no step yet.

        Raises:
            ValueError: If a `fit` or `watch` is running.
        """
        if self._watch is not None or callbacks_in_same_fit(GradientMonitor, self):
            raise ValueError(
                "`monitor.reset()` would cut the record of a `fit` or `watch` that is running. "
                "Call it before or after, or use another monitor."
            )
        self._end()
        self._so_far = Continued(self.resume)
        self._leave()

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with the run, the most serious first; empty if nothing is."""
        return diagnose(self.history, self.rules)

    def report(
        self,
        path: str | os.PathLike | None = None,
        language: str | None = None,
        *,
        console: "Console | None" = None,
    ) -> None:
        """Print a table of the layers' gradients and the findings, or write them as a page.

        The page is one file that needs no network; a browser opens it from the disk. It has the
        verdict first, then what to change, also as code, the layers with their figures, and
        pictures.

        Args:
            path: The file of the page, such as `"report.html"`. Defaults to None: the table and the
                findings are printed.
            language: Language of the report, "en" or "ko". Defaults to None, that of
                `kce.set_language`.
            console: A `rich.console.Console` to print to. Defaults to None, the terminal.

        Raises:
            ImportError: If there is a path and jinja2 is not installed; the message says how to
                install it.
            ValueError: If `language` is neither, or `path` is not a path.
        """
        monitor_report(self.history, path, language, console, self.get_config())

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

    def __str__(self) -> str:
        """Return what `report()` prints."""
        return report_text(self.history)

    def _repr_html_(self) -> str | None:
        return self.history._repr_html_()

    @contextmanager
    def watch(self, model: keras.Model, optimizer: Any = None) -> Iterator["GradientMonitor"]:
        """Record the steps of your own training loop, as those of `fit` are recorded.

        Every call of `optimizer.apply` in the context is a step. A `tf.function` must be traced in
        the context: one that was traced before has no hooks. It may be called under `strategy.run`.
        `model.train_on_batch` is recorded too, whether it was traced before or not. Passes that do
        not train, such as a validation, belong outside of the context or into another
        `tf.function`.

        The context may be entered again, for each epoch for example: the record goes on, with the
        next epoch, and the `tf.function` that was traced in the first entry is recorded again.
        Its steps between two entries are counted and not recorded.

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
            RuntimeError: At the end, if no step was seen; it says which optimizers were expected.

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
        given = self.optimizer if optimizer is None else optimizer
        optimizers = checked_optimizers(model, given, needed=True)
        checked_layers(model, self.layers)
        if not model.built:
            raise ValueError(
                f"`watch` needs a built model, but '{model.name}' is not. Call it on a batch, or "
                "write `model.build(input_shape)` before."
            )
        self._end()
        sinks = fit_sinks(self.sinks, ())
        trained = [id(w) for w in model.trainable_variables]
        recording = self._continue(model, optimizers, trained, in_fit=False)
        self._watch = Watch(self._so_far, recording, self._schedule, described(optimizers))
        try:
            with self._watch.entered(model, sinks):
                yield self
        finally:
            self._recording = self._watch = None

    def epoch(self) -> int:
        """Begin an epoch in `watch`: what is recorded from now on belongs to it.

        Call it where an epoch begins, or where one ends: an epoch without a step is not counted.
        Each entry of `watch` begins an epoch by itself. Under MultiWorkerMirroredStrategy this is a
        collective operation, as reading `history` is.

        Returns:
            The number of the epoch that begins.

        Raises:
            ValueError: If no `watch` is running.

        Example:
            >>> with monitor.watch(model, optimizer):  # doctest: +SKIP
            ...     for _ in range(epochs):
            ...         monitor.epoch()
            ...         for x, y in batches:
            ...             step(x, y)
        """
        if self._watch is None:
            raise ValueError(
                "`monitor.epoch()` marks the epochs of your own loop in `with monitor.watch(...)`, "
                "which is not running. `fit` marks its epochs by itself."
            )
        return self._watch.epoch()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Go on with the record, and prepare the recording; called by `fit`."""
        self._end()
        model: Any = self.model
        optimizers = checked_optimizers(model, self.optimizer)
        checked_layers(model, self.layers)
        others = callbacks_in_same_fit(keras.callbacks.Callback, self)
        call_first(self)
        self._sinks_of_fit = fit_sinks(self.sinks, others)
        saving = [c for c in others if isinstance(c, keras.callbacks.BackupAndRestore)]
        self._backups = Backups(saving if self.sinks else ())
        self._begun = False
        self._reaction = Reaction(self.on_finding, model)
        if model.train_function is None:
            # In a loop of the user's own over `train_on_batch`, which would make it too late.
            model.make_train_function()
        recording = self._continue(model, optimizers, model.train_function, in_fit=True)
        self._optimizers = described(optimizers)
        self._fit = MonitoredFit.join(model, self.params, recording, self._fit)
        self._pace = Pace(recording, self._schedule, _MOST_UNREAD if self.sinks else _NO_LIMIT)
        self._live = LiveLogs(recording.last_grad_norm, lambda: self.history, self.params or {})

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin an epoch; called by `fit`."""
        assert self._recording is not None
        assert self._pace is not None
        if not self._begun:
            # Not in on_train_begin: a BackupAndRestore may come after the monitor in the list.
            self._so_far.begin(self._recording, epoch, self._sinks_of_fit)
            self._begun = True
        self._so_far.begin_epoch(self._recording, epoch)
        params = self.params or {}
        batches, epochs = params.get("steps"), params.get("epochs")
        left = batches * max(1, epochs - epoch) if batches and epochs else None
        self._pace.begin_epoch(left, self.model.steps_per_execution)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Record the next batch, and read the stores before they are full; called by `fit`."""
        pace, recording = self._pace, self._recording
        assert pace is not None
        assert recording is not None
        assert self._fit is not None
        if pace.first_execution_ended:
            self._first_execution_ended(recording)
        pace.begin_execution(self._backups.saved(pace.per_execution))
        if self._live is not None and self._live.refresh():
            pace.was_read(pace.per_execution)
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
        assert self._pace is not None
        self._recording.end_epoch({} if logs is None else logs)
        self._so_far.end_epoch()
        self._pace.was_read()
        if not (self._recording.recorded_any or self._fit.without_data):
            self._warn_of_nothing()
        epoch_logs = self._so_far.logs
        norm, findings = epoch_logs.end_epoch(self.history, self._recording.epoch, self.rules)
        if findings is not None:
            self._recording.send_findings(findings)
            epoch_logs.shown = self._reaction.act(findings)
        if self._live is not None:
            self._live.found(epoch_logs.shown)
        if logs is not None:
            logs.update(norm | finding_logs(epoch_logs.shown))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Release the model; called by `fit`."""
        found = self._so_far.logs.findings
        self._end()
        self._reaction.act(found, at_end=True)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal monitor."""
        names = ("update_freq", "statistics", "layers", "histograms", "resume", "optimizer")
        config = {name: getattr(self, name) for name in (*names, "strict")}
        config["sinks"] = config_of(self.sinks)
        # A function has no configuration: rules, and an `on_finding` of that kind, are left out.
        return config | ({"on_finding": self.on_finding} if self.on_finding in ACTIONS else {})

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "GradientMonitor":
        """Return the monitor whose arguments `get_config` gave."""
        return cls(**config)

    def _first_execution_ended(self, recording: Recording) -> None:
        if recording.follows_nothing:
            self._warn_of_nothing()
        if self._reaction.is_wanted:
            # What is wrong whatever the weights are need not wait for the end of the epoch.
            self._reaction.act([f for f in recording.first_findings() if f.severity == ERROR])

    def _warn_of_nothing(self) -> None:
        if not self._warned:
            self._warned = True
            say_nothing_recorded(self._optimizers, self.strict)

    def _continue(
        self, model: keras.Model, optimizers: dict[str, Any], state: Any, in_fit: bool
    ) -> Recording:
        """Return the recording of the fit that begins: the last one where that is possible."""

        def new() -> Recording:
            every_step = self.update_freq == 1
            request = Request(self._wanted, self.layers, self.histograms, every_step)
            self._schedule, self._warned = Schedule(self.update_freq), False
            return Recording(model, optimizers, request, in_fit)

        self._recording = self._so_far.recording(model, optimizers, in_fit, state, new)
        self._recording.history = self._so_far.history
        return self._recording

    def _end(self) -> None:
        if self._recording is not None:
            if self._fit is not None:
                self._fit.leave(self._recording)
            if self._begun:
                self._recording.drain()
                self._so_far.end(self._recording)
            self._recording.close()
        self._recording = self._live = self._pace = None
