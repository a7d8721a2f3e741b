"""The tap: reads the gradients of the actual training step from inside it.

While a train step is traced (or, under `run_eagerly`, executed) the tap stands in two places:

* each layer's `call`, whose outputs pass through an identity. Its custom gradient hands dL/dA to
  the tap on the way back and returns it unchanged;
* the optimizer's `apply`, which receives every dL/dW. Behind it the row of statistics of the step
  is complete.

Both are put in place when the step's Python code begins and taken away when it ends, whether or
not it raised, so nothing of the tap is on the model between two steps. What stays is in the traced
graph. There are two ways out of it for a row. Where the host starts every step by itself, the train
function returns it, if it is wanted (`returned_record.py`). Elsewhere the step finds out whether it
is due, and writes into a ring buffer on its device, whose rows are steps (`step_record.py`). The
host reads once per window of steps; no step waits for it.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext._override import overridden
from keras_course_ext.monitoring.buffer import ALARMS, FIRST_STEPS, RowBuffer
from keras_course_ext.monitoring.columns import Columns
from keras_course_ext.monitoring.histograms import BINS, HistogramBuffer, decoded
from keras_course_ext.monitoring.history import GradientHistory, Histogram, Key
from keras_course_ext.monitoring.inventory import LayerEntry, inventory
from keras_course_ext.monitoring.model_statistics import MODEL, per_epoch, per_step
from keras_course_ext.monitoring.returned_record import Returned, ReturnedRecord
from keras_course_ext.monitoring.returned_rows import ReturnedRows
from keras_course_ext.monitoring.statistics import NOT_MEASURED
from keras_course_ext.monitoring.tapped_step import TappedStep, current_graph
from keras_course_ext.monitoring.workers import (
    gathered,
    has_other_workers,
    of_all_workers,
    of_common_steps,
)

_WINDOW = 128
# In a loop of the user's own nothing reads the rows until the end.
_LONG_WINDOW = 4096


class GradientTap:
    """Records statistics of every dL/dW, dL/dA and A of a model at the steps that are asked for.

    Gradients are divided by `optimizer.scale_loss(1)`, so they are those of the unscaled loss under
    loss scaling too. Under a `tf.distribute` strategy a weight's gradient is the sum over the
    replicas, and an output is that of the whole batch.

    Args:
        model: A compiled `keras.Model`. It may be built by its first step.
        optimizer: The optimizer whose `apply` gets the gradients. Defaults to the model's.
        wanted: Names of the statistics to compute. Defaults to the norms.
        histograms: Every how many steps there are histograms. Defaults to none.
        every_step: Whether every step is recorded, so that no step needs to find out.
        in_fit: Whether `fit` runs the steps, between which the rows can be read.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: Any = None,
        wanted: Sequence[str] = ("grad_norm",),
        histograms: int | None = None,
        every_step: bool = False,
        in_fit: bool = True,
    ) -> None:
        self.model = model
        self.optimizer = optimizer if optimizer is not None else model.optimizer
        self.start = 0
        self.wanted = frozenset(wanted)
        self.every_step = every_step
        self.strategy = model.distribute_strategy
        self.has_other_workers = has_other_workers(self.strategy)
        window = _WINDOW if in_fit else _LONG_WINDOW
        self.capacity = max(window, 2 * model.steps_per_execution)
        # Whether the train function hands the record of its one step over to its caller.
        self.returns = in_fit and model.steps_per_execution == 1 and _is_one_graph(model)
        self.columns: Columns | None = None
        self.buffers: list[Any] = []
        self.histogram_buffers: list[Any] = []
        self._taken: list[Returned] = []
        self._histograms = histograms
        self._in_fit = in_fit
        self._period = (1, 0)
        self._depth = 0
        self._stack = ExitStack()
        self._whole_step = True
        self._steps: dict[tuple[int, int | None], TappedStep] = {}
        if model.built:
            self.allot()

    @contextmanager
    def recording(self, whole_step: bool = True) -> Iterator[None]:
        """Tap everything that the body of this context traces or executes.

        Replicas are traced in threads that take turns, so that several may be inside at once: the
        first puts the taps in place, and the last takes them away.

        Args:
            whole_step: Whether the body is one training step (default), on one replica. If not,
                every graph in it has steps of its own.
        """
        self._depth += 1
        try:
            if self._depth == 1:
                self._steps.clear()
                self._put_in_place()
            self._whole_step = whole_step
            if whole_step:
                self._steps[replica_id(), None] = TappedStep(self, replica_id())
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self._stack.close()
                self._steps.clear()

    def _put_in_place(self) -> None:
        for entry in inventory(self.model):
            # A nested model's output is its last layer's.
            if not isinstance(entry.layer, keras.Model):
                self._tap_layer(entry)
        apply = self.optimizer.apply

        def tapped_apply(grads: Any, trainable_variables: Any = None) -> Any:
            return self._step().apply(apply, list(grads), trainable_variables)

        self._stack.enter_context(overridden(self.optimizer, "apply", tapped_apply))

    def _tap_layer(self, entry: LayerEntry) -> None:
        call = entry.layer.call

        def tapped_call(*args: Any, **kwargs: Any) -> Any:
            return self._step().call(entry, call, args, kwargs)

        self._stack.enter_context(overridden(entry.layer, "call", tapped_call))

    def _step(self) -> TappedStep:
        replica = replica_id()
        key = replica, None if self._whole_step else id(current_graph())
        step = self._steps.get(key)
        if step is None or step.ended():
            step = self._steps[key] = TappedStep(self, replica)
        return step

    def allot(self, forward_order: Sequence[str] = ()) -> None:
        """Give every statistic its column, once the model is built."""
        if self.columns is not None:
            if forward_order and not self.columns.ordered:
                self.columns.order(forward_order)
            return
        with tf.init_scope():
            self.columns = Columns(inventory(self.model), self.wanted)
            if self.returns:
                rows = ReturnedRows(self.columns, self._histograms, self.is_due)
                self.buffers = [rows]
                self.histogram_buffers = [rows.bins] if self._histograms else []
            else:
                self._make_buffers(self.columns)
        period, self._period = self._period, (1, 0)
        self.start_at(self.start)
        self.set_period(*period)
        if forward_order:
            self.columns.order(forward_order)

    def _make_buffers(self, columns: Columns) -> None:
        several = self.strategy.num_replicas_in_sync > 1
        for device in self.strategy.extended.worker_devices if several else [None]:
            with tf.device(device):
                self.buffers.append(
                    RowBuffer(self.capacity, columns.size, columns.units, columns.ratios)
                )
                if self._histograms:
                    buffer = HistogramBuffer(
                        len(columns.subjects),
                        self._histograms,
                        self.model.steps_per_execution,
                        self._in_fit,
                    )
                    self.histogram_buffers.append(buffer)

    def write_rows(self) -> None:
        """From now on, have the step write its record into buffers on its device."""
        first = self.steps()
        self.returns, self.columns = False, None
        self.buffers, self.histogram_buffers = [], []
        self.start = first
        self.allot()

    def wanted_next(self) -> tuple[bool, bool]:
        """Say whether rows and histograms are wanted of what is returned next."""
        return self.buffers[0].wanted() if self.buffers else (True, bool(self._histograms))

    def take(self, record: ReturnedRecord, skipped: tf.Tensor | None) -> None:
        """Have the record of a step returned by the function that is being traced."""
        self._taken.append(record.returned(skipped))
        self.buffers[0].watch = record.watch

    def taken(self) -> tuple[Returned, ...]:
        """Return what `take` was given since the last call."""
        taken, self._taken = tuple(self._taken), []
        return taken

    def receive(self, records: Sequence[Returned]) -> None:
        """Take in what the train function returned."""
        if self.buffers:
            self.buffers[0].receive(records)

    def start_at(self, step: int) -> None:
        """Give the next step this number."""
        self.start = step
        for buffer in self.buffers:
            buffer.start_at(step)

    def set_period(self, period: int, offset: int = 0) -> None:
        """Have every `period`-th step recorded from now on, counted from step `offset`."""
        if self.buffers and (period, offset) == self._period:
            return
        self._period = (period, offset)
        if not self.returns:
            for buffer in self.buffers:
                buffer.set_period(period, offset)

    def begin_epoch(self) -> None:
        """Be ready to be alarmed again by something that is not finite."""
        for buffer in self.buffers:
            buffer.begin_epoch()

    def steps(self) -> int:
        """Return the number of the next step."""
        return self.buffers[0].steps() if self.buffers else self.start

    def last_grad_norm(self) -> float:
        """Return the global gradient norm of the step that was recorded last."""
        row = self.buffers[0].last_row() if self.buffers else None
        if row is None or self.columns is None:
            return float("nan")
        row = np.append(row, np.full(self.columns.ratios, NOT_MEASURED, np.float32))
        keys, values = self.columns.decode(row[None, None])
        of_model, norms = per_step(keys, values, self.optimizer)
        return float(norms[0, 0]) if of_model else float("nan")

    def readable_steps(self) -> int:
        """Return after how many steps the buffers must be read."""
        rows = max(self.capacity - FIRST_STEPS - ALARMS, self.capacity // 2)
        steps = rows * self._period[0]
        if not self._histograms or not self.histogram_buffers:
            return steps
        return min(steps, (self.histogram_buffers[0].capacity - 1) * self._histograms)

    def is_due(self, step: int) -> bool:
        """Say whether a step is to be recorded."""
        period, offset = self._period
        return step - self.start < FIRST_STEPS or (step - offset) % period == 0

    def drain(
        self, history: GradientHistory, epoch: int, layers: Sequence[str] | None = None
    ) -> None:
        """Move the rows written since the last call from the buffer to the history."""
        if self.columns is None:
            return
        read = self._read(self.buffers, self.columns.size + self.columns.ratios)
        steps = read[0][1]
        if not len(steps):
            return
        history.layers = tuple(entry.info for entry in self.columns.entries)
        keys, values = self.columns.decode(np.stack([rows for rows, _ in read]))
        model_keys, model_values = per_step(keys, values, self.optimizer)
        keys, values = [*keys, *model_keys], np.concatenate([values, model_values], axis=1)
        keys, values = _of_layers(keys, values, layers)
        for run, kept in _as_measured(values):
            now = steps[run]
            history.append(
                now, np.full(len(now), epoch), [keys[i] for i in kept], values[run][:, kept]
            )

    def drain_histograms(self, history: GradientHistory, epoch: int) -> list[Histogram]:
        """Move the histograms since the last call from the buffer to the history."""
        if not self.histogram_buffers or self.columns is None:
            return []
        subjects, found = self.columns.subjects, []
        read = self._read(self.histogram_buffers, len(subjects), BINS)
        for row, step in enumerate(read[0][1]):
            counts = read[0][0][row]
            # Weights and their gradients are the same on all replicas, outputs are shared out.
            ours = [i for i, s in enumerate(subjects) if s.kind == "activation"]
            counts[ours] = sum(other[0][row][ours] for other in read)
            found += decoded(counts, int(step), epoch, subjects)
        history.histograms += found
        return found

    def _read(
        self, buffers: Sequence[RowBuffer | HistogramBuffer], *shape: int
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the new rows of all replicas, of the steps that all of them have."""
        read = [buffer.read() for buffer in buffers]
        if self.has_other_workers:
            read = of_all_workers(self.strategy, read, buffers[0].capacity, shape)
        return of_common_steps(read)

    def drain_window(
        self, history: GradientHistory, epoch: int, layers: Sequence[str] | None = None
    ) -> None:
        """Move what is known of a whole window, not of a step, to the history, at its last step."""
        if self.columns is None or not len(history.steps):
            return
        read = [buffer.read_window() for buffer in self.buffers]
        lives = [live for live, _ in read]
        if self.has_other_workers and self.columns.units:
            lives = gathered(self.strategy, lives)
        keys, values = self.columns.decode_window(np.max(lives, axis=0))
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            keys.append(Key(*MODEL, "skipped_steps"))
            values = np.append(values, read[0][1])
        model_keys, model_values = per_epoch(history, epoch)
        values = np.concatenate([values, model_values])[None]
        keys, values = _of_layers([*keys, *model_keys], values, layers)
        history.append([history.steps[-1]], [epoch], keys, values)


def _of_layers(
    keys: Sequence[Key], values: np.ndarray, layers: Sequence[str] | None
) -> tuple[list[Key], np.ndarray]:
    """Leave out what is of other layers; what is of the whole model stays."""
    kept = [i for i, k in enumerate(keys) if layers is None or k.layer in ("", *layers)]
    return [keys[i] for i in kept], values[:, kept]


def _as_measured(values: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield runs of rows, and the columns that were measured in all of their steps.

    A step that is recorded only because something is not finite lacks what it was too late for.
    """
    measured = values != np.float32(NOT_MEASURED)
    changes = np.flatnonzero((measured[1:] != measured[:-1]).any(axis=1)) + 1
    for start, stop in itertools.pairwise([0, *changes.tolist(), len(values)]):
        yield slice(start, stop), np.flatnonzero(measured[start])


def _is_one_graph(model: keras.Model) -> bool:
    """Say whether a step is a graph, on one device."""
    if model.run_eagerly or tf.config.functions_run_eagerly():
        return False
    with model.distribute_strategy.scope():
        return not tf.distribute.has_strategy()


def replica_id() -> int:
    """Return the number of the replica whose code is being run or traced; 0 without a strategy."""
    context = tf.distribute.get_replica_context()
    if context is None:
        return 0
    static = tf.get_static_value(context.replica_id_in_sync_group)
    return 0 if static is None else int(static)
