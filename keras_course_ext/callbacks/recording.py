"""One recorded run of training, in `fit` or in a loop of the user's own."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from keras_course_ext.callbacks.resume import earlier, steps_so_far
from keras_course_ext.monitoring.capture.hooks import Hooks
from keras_course_ext.monitoring.capture.spec import StepSpec, spec_of
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.sinks.fan_out import FanOut
from keras_course_ext.monitoring.sinks.sink import Sink
from keras_course_ext.monitoring.transport.applied import Applied
from keras_course_ext.monitoring.transport.collector import Collector
from keras_course_ext.monitoring.transport.device_ring import DeviceRing
from keras_course_ext.monitoring.transport.host_queue import KEPT_ROWS, HostQueue
from keras_course_ext.monitoring.transport.store import Period
from keras_course_ext.monitoring.transport.workers import has_other_workers


@dataclass(frozen=True)
class Request:
    """What a monitor was asked to record.

    Attributes:
        statistics: Names of the statistics.
        layers: Names of the layers whose records are kept; None for all.
        histograms: Every how many steps there are histograms; None for never.
        every_step: Whether every step is recorded.
        resume: The record of an interrupted run, as `checked_resume` returned it.
        sinks: Where the record is written as it grows.
    """

    statistics: Sequence[str] = ("grad_norm",)
    layers: Sequence[str] | None = None
    histograms: int | None = None
    every_step: bool = False
    resume: Any = None
    sinks: Sequence[Sink] = field(default_factory=list)


class Recording:
    """Joins the floors of the monitor for one run: hooks, stores, collector, history and sinks.

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
        self._start = 0
        self._period = Period()
        self._spec: StepSpec | None = None
        self._stores: list[Any] = []
        self._collector: Collector | None = None
        self._fan_out = FanOut(request.sinks)
        self.history = GradientHistory(loss_scaled=self._loss_scaled)
        self.epoch = 0
        self.updates_per_batch = 1
        # Whether the train function returns the record of its one step to its caller.
        self.returns = in_fit and model.steps_per_execution == 1 and _is_one_graph(model)
        self.has_other_workers = has_other_workers(model.distribute_strategy)
        keep_inputs = "saturated_share" in request.statistics
        self.hooks = Hooks(model, optimizers, self._prepare, keep_inputs, self._applied)
        if model.built:
            self._prepare(())

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
            # Whose limit a norm is compared with is not known if there are several.
            None if self._applied.several else next(iter(self._optimizers.values())),
            self._loss_scaled,
            request.layers,
            self._applied,
        )
        for store in self._stores:
            store.start_at(self._start)
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
        self._start = self.steps()
        self.returns, self._spec, self._stores = False, None, []
        self._prepare(())

    # On the host, between two steps.

    def begin(self) -> None:
        """Go on from the step at which the optimizer is."""
        names = [info.name for info in self._spec.layout.layers] if self._spec else ()
        made = sum(map(steps_so_far, self._optimizers.values()))
        first, before = earlier(self._request.resume, made, names)
        self._start = first
        self._period = self._period._replace(start=first)
        for store in self._stores:
            store.start_at(first)
            store.set_period(self._period)
        before.loss_scaled = self._loss_scaled
        self.history = before
        self._fan_out.open(first, before)

    def begin_epoch(self, epoch: int) -> None:
        """Count what comes to this epoch."""
        self.epoch = epoch
        for store in self._stores:
            store.begin_epoch()

    def set_period(self, every: int, offset: int = 0) -> None:
        """Record every `every`-th step from now on, counted from step `offset`."""
        # A store on the device decides for each update alone: with a common divisor it would
        # record those of one optimizer only.
        while not self.returns and math.gcd(every, self.updates_per_batch) > 1:
            every += 1
        period = Period(every, offset, self._start)
        if period != self._period:
            self._period = period
            for store in self._stores:
                store.set_period(period)

    def is_due(self, step: int) -> bool:
        """Say whether a step is recorded."""
        return self._period.due(step)

    def steps(self) -> int:
        """Return the number of the next step."""
        return self._stores[0].steps() if self._stores else self._start

    def recorded_of(self, step: int, steps: int) -> int:
        """Return how many of some steps from `step` on are recorded."""
        due = sum(map(self.is_due, range(step, step + steps)))
        return steps if due and self.returns and self._applied.several else due

    def first_batch_ended(self, batches: int) -> bool:
        """Learn how many updates a batch makes; return whether it makes several.

        Args:
            batches: Number of batches in the execution that ended.
        """
        self.updates_per_batch = max(1, (self.steps() - self._start) // batches)
        return self.updates_per_batch > 1

    @property
    def follows_nothing(self) -> bool:
        """Whether the step was traced, and no optimizer in it gets gradients."""
        return not self._applied.seen and _is_one_graph(self._model)

    @property
    def recorded_any(self) -> bool:
        """Whether the optimizer has got a gradient since the run began."""
        return bool(self._stores) and self.steps() != self._start

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
            self._fan_out.send(self.history)
        return self.history

    def end_epoch(self) -> None:
        """Read what the epoch has left, and what is known of it as a whole."""
        self.drain()
        if self._collector is not None:
            self._collector.drain_epoch(self.history, self.epoch)
            self._fan_out.send(self.history)

    def close(self) -> None:
        """Close the sinks."""
        self._fan_out.close()


def _is_one_graph(model: keras.Model) -> bool:
    """Say whether a step is a graph, on one device."""
    if model.run_eagerly or tf.config.functions_run_eagerly():
        return False
    with model.distribute_strategy.scope():
        return not tf.distribute.has_strategy()
