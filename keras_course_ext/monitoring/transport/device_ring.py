"""A store on the device: ring buffers in `tf.Variable`s, for steps that the host does not start.

Used under `steps_per_execution`, on several replicas, in eager mode and in training loops of the
user's own. The graph itself decides whether a step is recorded.
"""

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf

from keras_course_ext.monitoring.record.histograms import BINS
from keras_course_ext.monitoring.record.layout import Layout
from keras_course_ext.monitoring.record.sums import NOT_MEASURED
from keras_course_ext.monitoring.transport.store import (
    FIRST_STEPS,
    NEVER,
    NON_FINITE_ROWS,
    Detector,
    Period,
    bins_due,
)

# Rows between two readings: in `fit` the host reads now and then, in a loop of the user's own only
# at the end.
_ROWS, _MANY_ROWS = 128, 4096
_BIN_ROWS, _MANY_BIN_ROWS = 4, 64


class Ring:
    """Rows in a `tf.Variable`, each with its step; the newest row overwrites the oldest.

    Args:
        capacity: Number of rows.
        shape: Shape of a row.
        dtype: Its dtype.
        what: What rows are, for the warning when some are lost.
    """

    def __init__(
        self,
        capacity: int,
        *shape: int,
        dtype: Any = np.float32,
        what: str = "recorded steps",
    ) -> None:
        self.capacity = capacity
        self._what = what
        self._rows = plain_variable(np.zeros((capacity, *shape), dtype))
        self._step_of_row = plain_variable(np.zeros(capacity, np.int64))
        self._written = plain_variable(np.int64(0))
        self._read = 0

    def write(self, step: tf.Tensor, row: tf.Tensor, kept: tf.Tensor | None = None) -> None:
        """Write a row; the next write overwrites it unless it is `kept`."""
        index = tf.cast(tf.math.floormod(self._written, self.capacity), tf.int32)
        self._rows.scatter_nd_update([[index]], [row])
        self._step_of_row.scatter_nd_update([[index]], [step])
        self._written.assign_add(1 if kept is None else tf.cast(kept, tf.int64))

    def last(self) -> np.ndarray | None:
        """Return the row that was written last, if there is one."""
        written = int(self._written.numpy())
        return self._rows[(written - 1) % self.capacity].numpy() if written else None

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows written since the last call, and their steps.

        If more rows were written than the ring holds, only the last are left; a warning says so.
        """
        new = np.arange(self._read, int(self._written.numpy()))
        self._read += len(new)
        if len(new) > self.capacity:
            warnings.warn(
                f"GradientMonitor: {len(new) - self.capacity} of {len(new)} {self._what} were "
                "overwritten before they were read. In a training loop of your own, read "
                f"`monitor.history` at least every {self.capacity} {self._what}, or record fewer "
                "of them with `update_freq` or `histograms`.",
                stacklevel=2,
            )
            new = new[-self.capacity :]
        if not len(new):
            return self._rows.numpy()[:0], new
        at = new % self.capacity
        return self._rows.numpy()[at], self._step_of_row.numpy()[at]


class DeviceRing:
    """The rows of one replica on its device; see `RowStore`.

    All variables are plain ones, outside of the model and of the strategy.

    Args:
        layout: The layout of a row.
        histograms: Every how many steps there are histograms; None for never.
        every_step: Whether every step is recorded.
        per_execution: Number of steps between two chances of the host to read.
        in_fit: Whether there are such chances before the end.
    """

    returned = False

    def __init__(
        self,
        layout: Layout,
        histograms: int | None,
        every_step: bool,
        per_execution: int,
        in_fit: bool,
    ) -> None:
        self.every_step = every_step
        self._histograms = histograms
        self._capacity = max(_ROWS if in_fit else _MANY_ROWS, 2 * per_execution)
        self._ring = Ring(self._capacity, layout.size)
        self._late = Ring(self._capacity, layout.late_size) if layout.late_size else None
        self._bins: Ring | None = None
        if histograms:
            rows = max(_BIN_ROWS if in_fit else _MANY_BIN_ROWS, per_execution // histograms + 2)
            subjects = len(layout.subjects)
            self._bins = Ring(rows, subjects, BINS, dtype=np.int32, what="steps with histograms")
        self._steps = plain_variable(np.int64(0))
        self._period = Period(*(plain_variable(np.int64(n)) for n in Period()))
        self._alarms = plain_variable(np.int64(NON_FINITE_ROWS))
        self._skipped = plain_variable(np.float32(0))
        self._live = plain_variable(np.zeros(layout.units, np.float32))

    def due(self) -> tf.Tensor | None:
        """Say, inside the step, whether it is recorded; None if every step is."""
        return None if self.every_step else self._is_due()

    def _is_due(self) -> tf.Tensor:
        period = Period(*(tf.identity(n) for n in self._period))
        return period.due(tf.identity(self._steps))

    def bins_due(self) -> tf.Tensor:
        """Say, inside the step, whether it has histograms."""
        assert self._histograms is not None
        return bins_due(tf.identity(self._steps), self._histograms)

    def write_row(self, row: tf.Tensor, live: tf.Tensor, norms: tf.Tensor) -> None:
        """Write the row of this step; at most 16 non-finite steps an epoch that are not due."""
        # A step whose data has ended before it must not count as written.
        with tf.control_dependencies([row]):
            if live.shape[0]:
                self._live.assign(tf.maximum(self._live, live))
            bad = tf.cast(~tf.math.is_finite(tf.reduce_sum(norms)), tf.int64)
            # One row too many is overwritten by the next one.
            self._ring.write(self._steps, row, (self._alarms > 0) | self._is_due())
            self._alarms.assign_sub(bad)

    def write_late(self, late: tf.Tensor) -> None:
        """Write the sums of this step's updates."""
        assert self._late is not None
        with tf.control_dependencies([late]):
            self._late.write(self._steps, late)

    def write_bins(self, counts: tf.Tensor) -> None:
        """Write the counts of this step's histograms."""
        assert self._bins is not None
        self._bins.write(tf.identity(self._steps), counts)

    def write_detector(self, detector: Detector) -> None:
        """Do nothing: here the step itself decides whether it is recorded."""

    def end_step(self, skipped: tf.Tensor | None) -> None:
        """Count a step, recorded or not."""
        self._steps.assign_add(1)
        if skipped is not None:
            self._skipped.assign_add(tf.cast(skipped, tf.float32))

    def start_at(self, step: int) -> None:
        """Give the next step this number."""
        self._steps.assign(step)

    def set_period(self, period: Period) -> None:
        """Record these steps from now on."""
        for variable, n in zip(self._period, period, strict=True):
            variable.assign(n)

    def begin_epoch(self) -> None:
        """Reset the per-epoch cap on steps that are recorded because they are not finite."""
        self._alarms.assign(NON_FINITE_ROWS)

    def pause(self) -> None:
        """Record nothing until the next `set_period` and `begin_epoch`."""
        self.set_period(NEVER)
        self._alarms.assign(0)

    def steps(self) -> int:
        """Return the number of the next step."""
        return int(self._steps.numpy())

    def readable_steps(self, period: Period) -> int:
        """Return after how many steps at most the store must be read."""
        rows = max(self._capacity - FIRST_STEPS - NON_FINITE_ROWS, self._capacity // 2)
        steps = rows * period.every
        if self._bins is None or self._histograms is None:
            return steps
        return min(steps, (self._bins.capacity - 1) * self._histograms)

    def last_row(self) -> np.ndarray | None:
        """Return the row that was written last, without the sums of the updates."""
        return self._ring.last()

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows since the last call, the sums of the updates at their end; and steps."""
        rows, steps = self._ring.read()
        if self._late is None:
            return rows, steps
        late, of_steps = self._late.read()
        missing = np.full((1, late.shape[1]), NOT_MEASURED, np.float32)
        place = {step: i for i, step in enumerate(of_steps.tolist())}
        at = [place.get(step, len(late)) for step in steps.tolist()]
        return np.concatenate([rows, np.concatenate([late, missing])[at]], axis=1), steps

    def read_bins(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the counts since the last call, and their steps."""
        assert self._bins is not None
        counts, steps = self._bins.read()
        return counts.astype(np.int64), steps

    def read_epoch(self) -> tuple[np.ndarray, float]:
        """Return, since the last call, which units lived and how many steps were skipped."""
        live, skipped = self._live.numpy(), float(self._skipped.numpy())
        self._live.assign(tf.zeros_like(self._live))
        self._skipped.assign(0.0)
        return live, skipped


def plain_variable(value: Any) -> Any:
    """Return a plain variable, inside a strategy's scope too: scopes do not reach other threads."""
    if not tf.distribute.has_strategy():
        return tf.Variable(value, trainable=False)
    with tf.init_scope():
        device = tf.constant(0).device

    def make() -> tf.Variable:
        with tf.device(device):
            return tf.Variable(value, trainable=False)

    with ThreadPoolExecutor(1) as other:
        return other.submit(make).result()
