"""What the train function returned of each step, kept on the host until it is read."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_course_ext.monitoring.buffer import ALARMS
from keras_course_ext.monitoring.columns import Columns
from keras_course_ext.monitoring.returned_record import BINS, ROW, WATCH, Returned
from keras_course_ext.monitoring.watch import Watch

_BINS_CAPACITY = 4
# Vectors are looked at together, and not the newest: an accelerator may still be at work on them.
_TOGETHER = 16
_SQUARABLE = 1e18


class ReturnedRows:
    """Says what is wanted of the next step, and keeps what came.

    Args:
        columns: The layout of a row.
        histograms: Every how many steps there are histograms; None for never.
        is_due: Says of the number of a step whether it is to be recorded.
    """

    def __init__(
        self, columns: Columns, histograms: int | None, is_due: Callable[[int], bool]
    ) -> None:
        self.watch: Watch | None = None
        self._columns = columns
        self._gradients = len(columns.in_row) * len(columns.weights)
        self._histograms = histograms
        self._is_due = is_due
        self._step = 0
        self._alarms = ALARMS
        self._rows: list[tuple[int, Any]] = []
        self._last: Any = None
        self._watched: list[tuple[int, Any]] = []
        self._skipped = 0.0
        self._live = np.zeros(columns.units, np.float32)
        self._records = 1
        self.bins = ReturnedBins()

    def wanted(self) -> tuple[bool, bool]:
        """Say whether the rows and the histograms of the next execution are wanted."""
        steps = range(self._step, self._step + self._records)
        n = self._histograms
        return any(map(self._is_due, steps)), n is not None and (steps[-1] // n) * n >= self._step

    def receive(self, records: Sequence[Returned]) -> None:
        """Take in what an execution returned, one record a step."""
        self._records = max(1, len(records))
        for record in records:
            step, self._step = self._step, self._step + 1
            row = record.get(ROW)
            if row is None:
                self._watched.append((step, record[WATCH]))
            elif self._is_due(step):
                self._keep(step, row)
            elif self._alarms and not np.isfinite(row.numpy()[: self._gradients]).all():
                self._keep(step, row)
                self._alarms -= 1
            if BINS in record and self._histograms and step % self._histograms == 0:
                self.bins.append(step, record[BINS])
        if len(self._watched) >= 2 * _TOGETHER:
            self._look(_TOGETHER)

    def _look(self, n: int) -> None:
        """Look at the first n vectors that came, together."""
        watched, self._watched = self._watched[:n], self._watched[n:]
        vectors = np.array([vector.numpy() for _, vector in watched])
        self._skipped += float(vectors[:, -1].sum())
        # Products of what cannot be squared overflow. The comparison fails for NaN too.
        suspicious = ~(np.abs(vectors).max(axis=1) < _SQUARABLE)
        for at in np.flatnonzero(suspicious)[: self._alarms]:
            assert self.watch is not None
            self._keep(watched[at][0], self.watch.row_of(vectors[at, :-1]))
            self._alarms -= 1

    def _keep(self, step: int, row: Any) -> None:
        self._rows.append((step, row))
        self._last = row

    def start_at(self, step: int) -> None:
        """Give the next step this number."""
        self._step = step

    def steps(self) -> int:
        """Return the number of the next step."""
        return self._step

    def begin_epoch(self) -> None:
        """Be ready to be alarmed again."""
        self._alarms = ALARMS

    def last_row(self) -> np.ndarray | None:
        """Return the row that was kept last, without its ratios, if there is one."""
        return None if self._last is None else np.asarray(self._last)[: self._columns.size]

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the new rows, with the update ratios behind them, and their steps."""
        if self._watched:
            self._look(len(self._watched))
        kept, self._rows = sorted(self._rows, key=lambda pair: pair[0]), []
        width = self._columns.size + self._columns.ratios
        rows = np.empty((len(kept), width), np.float32)
        for i, (_, row) in enumerate(kept):
            row = np.asarray(row)
            rows[i] = row[:width]
            if len(row) > width:
                np.maximum(self._live, row[width:-1], out=self._live)
                self._skipped += float(row[-1])
        return rows, np.array([step for step, _ in kept], np.int64)

    def read_window(self) -> tuple[np.ndarray, float]:
        """Return which units lived and how many steps were skipped since the last call."""
        live, skipped = self._live, self._skipped
        self._live, self._skipped = np.zeros_like(live), 0.0
        return live, skipped


class ReturnedBins:
    """The counts of some steps, kept on the host."""

    capacity = _BINS_CAPACITY

    def __init__(self) -> None:
        self._kept: list[tuple[int, Any]] = []

    def append(self, step: int, counts: Any) -> None:
        """Keep the counts of a step, shape `(subjects, 512)`."""
        self._kept.append((step, counts))

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the counts kept since the last call, and the steps that they belong to."""
        kept, self._kept = self._kept, []
        counts = np.array([np.asarray(counts) for _, counts in kept], np.int64)
        return counts, np.array([step for step, _ in kept], np.int64)
