"""What the tap keeps on a device between two readings: rows of statistics, one a recorded step."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf

from keras_course_ext.monitoring.statistics import NOT_MEASURED

FIRST_STEPS = 10
ALARMS = 16


class Ring:
    """Rows in a `tf.Variable`, each with its step, the oldest overwritten by the newest.

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
        """Write a row; one that is not to be kept is overwritten by the next."""
        index = tf.cast(tf.math.floormod(self._written, self.capacity), tf.int32)
        self._rows.scatter_nd_update([[index]], [row])
        self._step_of_row.scatter_nd_update([[index]], [step])
        self._written.assign_add(1 if kept is None else tf.cast(kept, tf.int64))

    def last(self) -> np.ndarray | None:
        """Return the row that was written last, if there is one."""
        written = int(self._written.numpy())
        return self._rows[(written - 1) % self.capacity].numpy() if written else None

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows written since the last call, and the steps that they belong to.

        Of more rows than there is place for only the last are left, and a warning says so.
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


class RowBuffer:
    """A ring of rows in a `tf.Variable`, and the counters that say which step each belongs to.

    There is one per replica. All variables are plain ones, outside of model and strategy.

    Args:
        capacity: Number of rows.
        columns: Number of values in a row.
        units: Number of units that are watched for being dead.
        ratios: Number of update ratios, which are known only after everything else.
    """

    def __init__(self, capacity: int, columns: int, units: int, ratios: int) -> None:
        self.capacity = capacity
        self._ring = Ring(capacity, columns)
        self._ratios = Ring(capacity, ratios) if ratios else None
        self._steps = plain_variable(np.int64(0))
        self._start = plain_variable(np.int64(0))
        self._next = plain_variable(np.int64(0))
        self._period = plain_variable(np.int64(1))
        self._offset = plain_variable(np.int64(0))
        self._alarms = plain_variable(np.int64(ALARMS))
        self._skipped = plain_variable(np.float32(0))
        self._live = plain_variable(np.zeros(units, np.float32))

    @property
    def step(self) -> tf.Tensor:
        """The number of this step, inside of it."""
        return tf.identity(self._steps)

    def due(self) -> tf.Tensor:
        """Say, inside the step, whether it is to be recorded."""
        return self._steps >= self._next

    def write(self, row: tf.Tensor, live: tf.Tensor | None, norms: tf.Tensor) -> None:
        """Write the row of this step.

        Of steps that are recorded only because something is not finite, some sixteen an epoch.

        Args:
            row: The statistics.
            live: Which units lived, as numbers above 0; None if none is watched.
            norms: All gradient norms, whose sum says whether all is finite.
        """
        # A step that breaks off, its data at an end, must not count as written.
        with tf.control_dependencies([row]):
            if live is not None:
                self._live.assign(tf.maximum(self._live, live))
            bad = tf.cast(~tf.math.is_finite(tf.reduce_sum(norms)), tf.int64)
            # A row too many is overwritten by the next one.
            wanted = (self._alarms > 0) | self.due()
            self._ring.write(self._steps, row, wanted)
            self._alarms.assign_sub(bad)
            self._next.assign(self._due_after(self._steps))

    def write_ratios(self, ratios: tf.Tensor) -> None:
        """Write the update ratios of this step."""
        assert self._ratios is not None
        with tf.control_dependencies([ratios]):
            self._ratios.write(self._steps, ratios)

    def _due_after(self, step: Any) -> Any:
        """Return the next step to be recorded after one."""
        ahead = step + self._period - tf.math.floormod(step - self._offset, self._period)
        return tf.where(step + 1 - self._start < FIRST_STEPS, step + 1, ahead)

    def count_step(self, skipped: tf.Tensor | None) -> None:
        """Count a step, recorded or not."""
        self._steps.assign_add(1)
        if skipped is not None:
            self._skipped.assign_add(tf.cast(skipped, tf.float32))

    def start_at(self, step: int) -> None:
        """Give the next step this number, and have it recorded."""
        self._steps.assign(step)
        self._start.assign(step)
        self._next.assign(step)

    def set_period(self, period: int, offset: int) -> None:
        """Have every `period`-th step recorded from now on, counted from step `offset`."""
        self._period.assign(period)
        self._offset.assign(offset)
        self._next.assign(self._due_after(self._steps - 1))

    def steps(self) -> int:
        """Return the number of the next step."""
        return int(self._steps.numpy())

    def last_row(self) -> np.ndarray | None:
        """Return the row that was written last, without its ratios, if there is one."""
        return self._ring.last()

    def begin_epoch(self) -> None:
        """Be ready to be alarmed again."""
        self._alarms.assign(ALARMS)

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the new rows, with the update ratios behind them, and their steps."""
        rows, steps = self._ring.read()
        if self._ratios is None:
            return rows, steps
        ratios, of_steps = self._ratios.read()
        missing = np.full((1, ratios.shape[1]), NOT_MEASURED, np.float32)
        place = {step: i for i, step in enumerate(of_steps.tolist())}
        at = [place.get(step, len(ratios)) for step in steps.tolist()]
        return np.concatenate([rows, np.concatenate([ratios, missing])[at]], axis=1), steps

    def read_window(self) -> tuple[np.ndarray, float]:
        """Return which units lived and how many steps were skipped since the last call."""
        live, skipped = self._live.numpy(), float(self._skipped.numpy())
        self._live.assign(tf.zeros_like(self._live))
        self._skipped.assign(0.0)
        return live, skipped


def plain_variable(value: Any) -> Any:
    """Return a plain variable, in a strategy's scope too: scopes do not reach other threads."""
    if not tf.distribute.has_strategy():
        return tf.Variable(value, trainable=False)
    with tf.init_scope():
        device = tf.constant(0).device

    def make() -> tf.Variable:
        with tf.device(device):
            return tf.Variable(value, trainable=False)

    with ThreadPoolExecutor(1) as other:
        return other.submit(make).result()
