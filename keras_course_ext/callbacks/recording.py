"""The recording of a model's steps, in `fit` or in a loop of the user's own."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from keras_course_ext.callbacks.resume import steps_so_far
from keras_course_ext.monitoring.capture.hooks import Hooks
from keras_course_ext.monitoring.capture.spec import StepSpec, spec_of
from keras_course_ext.monitoring.capture.task import TaskObserver
from keras_course_ext.monitoring.diagnosis.diagnose import diagnose
from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.sinks.fan_out import FanOut
from keras_course_ext.monitoring.sinks.sink import Sink
from keras_course_ext.monitoring.transport.applied import Applied
from keras_course_ext.monitoring.transport.collector import Collector
from keras_course_ext.monitoring.transport.device_ring import DeviceRing
from keras_course_ext.monitoring.transport.host_queue import KEPT_ROWS, HostQueue
from keras_course_ext.monitoring.transport.store import Period
from keras_course_ext.monitoring.transport.workers import has_other_workers

MOST_VALUES = 2**26
"""So many values of a record are kept in memory, 256 MB."""


@dataclass(frozen=True)
class Request:
    """What a monitor was asked to record.

    Attributes:
        statistics: Names of the statistics.
        layers: Names of the layers whose records are kept; None for all.
        histograms: Every how many steps there are histograms; None for never.
        every_step: Whether every step is recorded.
    """

    statistics: Sequence[str] = ("grad_norm",)
    layers: Sequence[str] | None = None
    histograms: int | None = None
    every_step: bool = False


class Recording:
    """Joins the floors of the monitor: hooks, stores, collector, history and sinks.

    A traced step writes into the stores that it was traced with. So one recording serves all fits,
    or entries of `watch`, that run the same traced step.

    Gradients are divided by `optimizer.scale_loss(1)`, so they are those of the unscaled loss under
    loss scaling too. Under a `tf.distribute` strategy a weight's gradient is the sum over the
    replicas, and an output is that of the whole batch.

    Args:
        model: The model; it may be built by its first step.
        optimizers: The optimizers whose `apply` gets the gradients, by name. Each call is a step.
        request: What to record.
        in_fit: Whether `fit` runs the steps, between which rows can be read.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizers: Mapping[str, Any],
        request: Request,
        in_fit: bool = True,
    ) -> None:
        self._model = model
        self._optimizers = optimizers
        self._applied = Applied(optimizers)
        self._request = request
        self._in_fit = in_fit
        self._loss_scaled = any(
            isinstance(o, keras.optimizers.LossScaleOptimizer) for o in optimizers.values()
        )
        self._state: Any = None
        self._first = self._at = 0
        self._begun = False
        self._period = Period()
        self._spec: StepSpec | None = None
        self._stores: list[Any] = []
        self._collector: Collector | None = None
        self._fan_out = FanOut()
        self.history = GradientHistory(loss_scaled=self._loss_scaled)
        self._names: dict[int, str] = {}
        self.task = TaskObserver(model, self._names)
        self.epoch = 0
        self.updates_per_batch = 1
        # Whether the train function returns the record of its one step to its caller.
        self._could_return = self.returns = _can_return(model, in_fit)
        self.functions: dict[Any, Any] = {}
        """Train functions with hooks, by the model's own ones that they stand for; of `watch`."""
        self.has_other_workers = has_other_workers(model.distribute_strategy)
        keep_inputs = "saturated_share" in request.statistics
        self.hooks = Hooks(model, optimizers, self._prepare, keep_inputs, self._applied)
        if model.built:
            self._prepare(())

    def serves(self, optimizers: Mapping[str, Any], in_fit: bool, state: Any) -> bool:
        """Say whether another fit of the model can run the step that was traced with this one.

        Args:
            optimizers: The optimizers of that fit.
            in_fit: Whether it is one, and no loop of the user's own.
            state: What the traced step depends on besides; equal to what it was at the first call.
        """
        if self._state is None:
            self._state = state
        return (
            in_fit == self._in_fit
            and state == self._state
            and _can_return(self._model, in_fit) == self._could_return
            and list(optimizers) == list(self._optimizers)
            and all(optimizers[name] is o for name, o in self._optimizers.items())
        )

    # For the hooks.

    def _prepare(self, called: Sequence[str]) -> tuple[StepSpec, Sequence[Any]]:
        """Return what is measured and the stores, made when the model is built."""
        if self._spec is None:
            with tf.init_scope():
                self._spec = self._make_stores()
        assert self._collector is not None
        self._collector.order(called)
        return self._spec, self._stores

    def _make_stores(self) -> StepSpec:
        """Choose the transport, the one place where that happens."""
        model, request = self._model, self._request
        n = request.histograms
        spec = spec_of(model, request.statistics, n is not None)
        self._names.update(spec.names)
        if self.returns:
            self._stores = [
                HostQueue(spec.layout, n, request.every_step, together=self._applied.several)
            ]
        else:
            devices = [None]
            if spec.replicas > 1:
                devices = model.distribute_strategy.extended.worker_devices
            for device in devices:
                with tf.device(device):
                    self._stores.append(
                        DeviceRing(
                            spec.layout,
                            n,
                            request.every_step,
                            model.steps_per_execution,
                            self._in_fit,
                        )
                    )
        self._collector = Collector(
            spec.layout,
            self._stores,
            model.distribute_strategy,
            self._optimizers,
            self._loss_scaled,
            request.layers,
            self._applied,
        )
        for store in self._stores:
            store.start_at(self._at)
            store.set_period(self._period)
        return spec

    # For the train function that returns its record.

    @property
    def queue(self) -> HostQueue | None:
        """The store of a train function that returns its record; None before the model is built."""
        return self._stores[0] if self._stores else None

    def wanted(self) -> tuple[bool, bool]:
        """Say whether rows and histograms of the next call are wanted."""
        queue = self.queue
        return (True, self._request.histograms is not None) if queue is None else queue.wanted()

    def write_on_device(self) -> None:
        """From now on, have the step write its record into a store on its device."""
        self._at = self.steps()
        self.returns, self._spec, self._stores = False, None, []
        self._prepare(())

    # On the host, between two steps.

    @property
    def layer_names(self) -> list[str]:
        """Names of the model's layers; none if it is not built yet."""
        return [info.name for info in self._spec.layout.layers] if self._spec else []

    @property
    def steps_made(self) -> int:
        """Number of steps that the optimizers have made."""
        return sum(map(steps_so_far, self._optimizers.values()))

    def begin(self, history: GradientHistory, first: int, sinks: Sequence[Sink] = ()) -> None:
        """Begin a fit, or an entry of `watch`.

        Args:
            history: The record that is extended.
            first: Number of the next step. The first steps after the first call are all recorded.
            sinks: Where the record is written as it grows.
        """
        if not self._begun:
            self._period = self._period._replace(start=first)
            self._begun = True
        self._first = self._at = first
        for store in self._stores:
            store.start_at(first)
            store.set_period(self._period)
            # Of steps outside of `watch`, which run the traced step too.
            store.read_epoch()
            if self._request.histograms is not None:
                store.read_bins()
        history.loss_scaled = history.loss_scaled or self._loss_scaled
        self.history = history
        self._fan_out = FanOut(sinks)
        self._fan_out.open(first, history)

    def begin_epoch(self, epoch: int) -> None:
        """Count what comes to this epoch."""
        self.epoch = epoch
        self.task.begin_epoch(epoch, self.steps())
        for store in self._stores:
            store.begin_epoch()

    def set_period(self, every: int, offset: int = 0) -> None:
        """Record every `every`-th step from now on, counted from step `offset`."""
        width = 1 if self.returns else self.updates_per_batch
        # A store on the device decides for each update alone. All of a batch are recorded, or none:
        # those of two optimizers alternate.
        every = -(-every // width) * width
        offset -= (offset - self._first) % width
        period = Period(every, offset, self._period.start, width)
        if period != self._period:
            self._period = period
            for store in self._stores:
                store.set_period(period)

    def is_due(self, step: int) -> bool:
        """Say whether a step is recorded."""
        return self._period.due(step)

    def steps(self) -> int:
        """Return the number of the next step."""
        return self._stores[0].steps() if self._stores else self._at

    def recorded_of(self, step: int, steps: int) -> int:
        """Return how many of some steps from `step` on are recorded."""
        due = sum(map(self.is_due, range(step, step + steps)))
        return steps if due and self.returns and self._applied.several else due

    def first_findings(self) -> list[Finding]:
        """Return what the data and the outputs show after the first batch."""
        record = GradientHistory()
        record.observations.append(self.task.observation())
        return diagnose(record)

    def first_batch_ended(self, batches: int) -> bool:
        """Learn how many updates a batch makes; return whether it makes several.

        Args:
            batches: Number of batches in the execution that ended.
        """
        self.updates_per_batch = max(1, (self.steps() - self._first) // batches)
        return self.updates_per_batch > 1

    @property
    def follows_nothing(self) -> bool:
        """Whether no optimizer has got gradients in a step that was traced or executed."""
        return not self._applied.seen

    @property
    def recorded_any(self) -> bool:
        """Whether the optimizer has got a gradient since the fit began."""
        return bool(self._stores) and self.steps() != self._first

    def readable_batches(self) -> int:
        """Return after how many batches at most the stores must be read."""
        store = self._stores[0] if self._stores else None
        if store is None:
            return KEPT_ROWS
        return max(1, store.readable_steps(self._period) // self.updates_per_batch)

    def last_grad_norm(self) -> float:
        """Return the global gradient norm of the step that was recorded last; NaN for none."""
        return float("nan") if self._collector is None else self._collector.last_grad_norm()

    def drain(self) -> GradientHistory:
        """Move what was written since the last call to the history and its sinks."""
        if self._collector is not None:
            self._collector.drain(self.history, self.epoch)
            if self._request.histograms is not None:
                self._collector.drain_bins(self.history, self.epoch)
            self._send()
        return self.history

    def end_epoch(self, logs: Mapping[str, Any] | None = None) -> None:
        """Read what the epoch has left, and what is known of it as a whole.

        Args:
            logs: Keras's logs of the epoch, in `fit`.
        """
        self.drain()
        if logs is not None:
            self.history.observations.append(self.task.observation(logs))
        if self._collector is not None:
            self._collector.drain_epoch(self.history, self.epoch)
            self._send()

    def _send(self) -> None:
        """Write what is new to the sinks, and keep the record in memory small."""
        self._fan_out.send(self.history)
        whole = not self.history.thinned
        if self.history.thin(MOST_VALUES):
            self._fan_out.skip(self.history)
            if whole:
                warnings.warn(
                    f"GradientMonitor: the record has more than {MOST_VALUES} values. From now on "
                    "every second of its rows is dropped from memory whenever it has; "
                    "`history.thinned` counts them. The files of `sinks=[...]` keep all; a larger "
                    "`update_freq`, fewer `statistics` or fewer `layers` make the record smaller.",
                    stacklevel=2,
                )

    def send_findings(self, findings: Sequence[Finding]) -> None:
        """Pass the findings of the epoch that ended to the sinks."""
        self._fan_out.send_findings(findings)

    def close(self) -> None:
        """Close the sinks, and record nothing until `begin`: traced steps may run meanwhile."""
        self._fan_out.close()
        for store in self._stores:
            store.pause()


def _can_return(model: keras.Model, in_fit: bool) -> bool:
    """Say whether a train function can return the record of its one step."""
    return in_fit and model.steps_per_execution == 1 and _is_one_graph(model)


def _is_one_graph(model: keras.Model) -> bool:
    """Say whether a step is a graph, on one device."""
    if model.run_eagerly or tf.config.functions_run_eagerly():
        return False
    with model.distribute_strategy.scope():
        return not tf.distribute.has_strategy()
