"""The pace of a `fit`: which steps are recorded, as the clock says, and when stores are read."""

import time

from keras_course_ext.callbacks.recording import Recording
from keras_course_ext.callbacks.schedule import Schedule


class Pace:
    """Follows the executions of a `fit`, measures them, and sets the period of its recording.

    Args:
        recording: The recording.
        schedule: Which steps are recorded.
        most_unread: Number of batches between two readings at most: what they recorded is lost if
            the process is killed.
    """

    def __init__(self, recording: Recording, schedule: Schedule, most_unread: int) -> None:
        self._recording = recording
        self._schedule = schedule
        self._most_unread = most_unread
        self._per_execution = 1
        self._batches_left: int | None = None
        self._next = self._epoch_start = 0
        self._batches = self._unread = self._readable = 0
        # When the execution and the epoch began, and which steps the execution has.
        self._began: float | None = None
        self._epoch_began = 0.0
        self._running: tuple[int, int] | None = None
        self._executions = 0

    def begin_epoch(self, batches_left: int | None, per_execution: int) -> None:
        """Begin an epoch.

        Args:
            batches_left: Number of batches of the `fit` from here on; None if that is not known.
            per_execution: Number of batches between two calls of `begin_execution`.
        """
        now = time.perf_counter()
        # The last execution of an epoch is followed by other work than a step's. But an epoch of
        # one execution is as a whole what a step is elsewhere.
        self._end_execution(now - self._epoch_began if self._executions == 1 else None)
        self._epoch_began, self._executions = now, 0
        self._next = self._epoch_start = self._recording.steps()
        self._batches_left, self._per_execution = batches_left, per_execution
        self._begin_period()

    @property
    def first_execution_ended(self) -> bool:
        """Whether the execution that begins is the second one of the fit."""
        return self._batches == self._per_execution

    def begin_execution(self, saved: bool) -> None:
        """Measure the execution that just ended, and read the stores before they are full.

        Args:
            saved: Whether the model was saved meanwhile: the record must reach as far.
        """
        batches = self._per_execution
        if self.first_execution_ended and self._recording.first_batch_ended(batches):
            self._next = self._recording.steps()
            self._begin_period()
        self._batches += batches
        now = time.perf_counter()
        if self._end_execution(None if self._began is None else now - self._began):
            self._set_period(self._schedule.period())
            now = time.perf_counter()
        steps = batches * self._recording.updates_per_batch
        self._began, self._running = now, (self._next, steps)
        self._next += steps
        self._executions += 1
        self._unread += batches
        if saved or self._unread > self._readable:
            self._recording.drain()
            self._unread = batches

    def was_read(self, batches: int = 0) -> None:
        """Note that the stores have been read, which took time that is not the step's.

        Args:
            batches: Number of batches of the execution that begins.
        """
        self._unread = batches
        self._began = None

    @property
    def per_execution(self) -> int:
        """Number of batches in an execution."""
        return self._per_execution

    def _begin_period(self) -> None:
        batches = self._batches_left
        steps = batches and batches * self._recording.updates_per_batch
        self._set_period(self._schedule.begin_epoch(self._epoch_start, steps))

    def _end_execution(self, seconds: float | None) -> bool:
        """Tell the schedule of the execution that ended, and return whether the period may change.

        Args:
            seconds: How long it took; None if that is not known.
        """
        if self._running is None:
            return False
        (first, steps), self._running, self._began = self._running, None, None
        recorded = self._recording.recorded_of(first, steps)
        return self._schedule.measure(seconds, first, steps, recorded)

    def _set_period(self, period: tuple[int, int]) -> None:
        self._recording.set_period(*period)
        self._readable = min(self._recording.readable_batches(), self._most_unread)
