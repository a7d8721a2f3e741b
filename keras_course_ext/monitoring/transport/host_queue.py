"""A store on the host: the step's function returns the row, if the host wants it of that step.

Used where the host starts every step by itself, on one device. The caller selects outputs of the
function, so a step that is not recorded computes nothing for the record.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_course_ext.monitoring.record.layout import Layout
from keras_course_ext.monitoring.transport.store import (
    NON_FINITE_ROWS,
    Detector,
    Period,
    bins_due,
)

# Keys of what a step returns: the vector that is looked at in every step, the row, the histograms.
DETECTOR, ROW, BINS = "detector", "row", "bins"
Returned = Mapping[str, Any]

_BINS_CAPACITY = 4
KEPT_ROWS = 102
"""So many recorded steps at most are kept before the host reads them."""

# Vectors are looked at together and not the newest: an accelerator may still be computing them.
_TOGETHER = 16


class HostQueue:
    """Decides which outputs of the next step are wanted, and keeps what came; see `RowStore`.

    Args:
        layout: The layout of a row.
        histograms: Every how many steps there are histograms; None for never.
        every_step: Whether every step is recorded.
        together: Whether the steps of one call are recorded all or none: those of two optimizers
            alternate, and an even period would never meet the second one.
    """

    returned = True

    def __init__(
        self, layout: Layout, histograms: int | None, every_step: bool, together: bool = False
    ) -> None:
        self.every_step = every_step
        self._together = together
        self._layout = layout
        self._histograms = histograms
        self._period = Period()
        self._step = 0
        # What the step that is being traced returns, part by part, and the steps traced before it.
        self._row: list[tf.Tensor] = []
        self._live: tf.Tensor | None = None
        self._outputs: dict[str, tf.Tensor] = {}
        self._traced: list[Returned] = []
        self._detector: Detector | None = None
        # What came since it was read.
        self._alarms = NON_FINITE_ROWS
        self._rows: list[tuple[int, Any]] = []
        self._last: Any = None
        self._vectors: list[tuple[int, Any]] = []
        self._bins: list[tuple[int, Any]] = []
        self._skipped = 0.0
        self._living = np.zeros(layout.units, np.float32)
        self._per_call = 1

    # Inside the step.

    def due(self) -> None:
        """Return None: the host decides."""

    def bins_due(self) -> None:
        """Return None: the host decides."""

    def write_row(self, row: tf.Tensor, live: tf.Tensor, norms: tf.Tensor) -> None:
        """Have the function return the row of this step."""
        self._row = [row]
        self._live = live

    def write_late(self, late: tf.Tensor) -> None:
        """Have the function return the sums of this step's updates, behind the row."""
        self._row.append(late)

    def write_bins(self, counts: tf.Tensor) -> None:
        """Have the function return the counts of this step's histograms."""
        self._outputs[BINS] = counts

    def write_detector(self, detector: Detector) -> None:
        """Have the function return the vector that is looked at in every step."""
        self._outputs[DETECTOR] = detector.vector()
        self._detector = detector

    def end_step(self, skipped: tf.Tensor | None) -> None:
        """End the step that is being traced."""
        assert self._live is not None
        end = tf.zeros(1) if skipped is None else tf.cast([skipped], tf.float32)
        found = {**self._outputs, ROW: tf.concat([*self._row, self._live, end], axis=0)}
        if DETECTOR in found:
            found[DETECTOR] = tf.concat([found[DETECTOR], end], axis=0)
        self._traced.append(found)
        self._row, self._live, self._outputs = [], None, {}

    def returned_by_trace(self) -> tuple[Returned, ...]:
        """Return what the function traced since the last call is to return, an entry a step."""
        traced, self._traced = tuple(self._traced), []
        return traced

    # On the host, between two steps.

    def wanted(self) -> tuple[bool, bool]:
        """Say whether rows and histograms of the next call are wanted."""
        steps = range(self._step, self._step + self._per_call)
        n = self._histograms
        return (
            any(self._period.due(step) for step in steps),
            n is not None and any(bins_due(step, n) for step in steps),
        )

    def receive(self, records: Sequence[Returned]) -> None:
        """Keep what a call of the function returned, one record a step."""
        self._per_call = max(1, len(records))
        due = list(map(self._period.due, range(self._step, self._step + len(records))))
        if self._together:
            due = [any(due)] * len(due)
        for record, is_due in zip(records, due, strict=True):
            step, self._step = self._step, self._step + 1
            row = record.get(ROW)
            if row is None:
                self._vectors.append((step, record[DETECTOR]))
            elif is_due:
                self._keep(step, row)
            elif self._alarms and not np.isfinite(row.numpy()[: self._layout.outputs_at]).all():
                self._keep(step, row)
                self._alarms -= 1
            if BINS in record and self._histograms and bins_due(step, self._histograms):
                self._bins.append((step, record[BINS]))
        if len(self._vectors) >= 2 * _TOGETHER:
            self._look(_TOGETHER)

    def _look(self, n: int) -> None:
        """Look at the first n vectors that came, together."""
        looked_at, self._vectors = self._vectors[:n], self._vectors[n:]
        vectors = np.array([vector.numpy() for _, vector in looked_at])
        self._skipped += float(vectors[:, -1].sum())
        assert self._detector is not None
        suspicious = np.flatnonzero(self._detector.suspicious(vectors[:, :-1]))
        for at in suspicious[: self._alarms]:
            self._keep(looked_at[at][0], self._detector.row_of(vectors[at, :-1]))
            self._alarms -= 1

    def _keep(self, step: int, row: Any) -> None:
        self._rows.append((step, row))
        self._last = row

    def start_at(self, step: int) -> None:
        """Give the next step this number."""
        self._step = step

    def set_period(self, period: Period) -> None:
        """Record these steps from now on."""
        self._period = period

    def begin_epoch(self) -> None:
        """Reset the per-epoch cap on steps that are recorded because they are not finite."""
        self._alarms = NON_FINITE_ROWS

    def pause(self) -> None:
        """Do nothing: the function whose rows it keeps runs in monitored fits only."""

    def steps(self) -> int:
        """Return the number of the next step."""
        return self._step

    def readable_steps(self, period: Period) -> int:
        """Return after how many steps at most the store must be read, to keep its memory small."""
        rows = KEPT_ROWS * period.every
        if self._histograms is None:
            return rows
        return min(rows, (_BINS_CAPACITY - 1) * self._histograms)

    def last_row(self) -> np.ndarray | None:
        """Return the row that was kept last, without the sums of the updates."""
        return None if self._last is None else np.asarray(self._last)[: self._layout.size]

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows since the last call, the sums of the updates at their end; and steps."""
        if self._vectors:
            self._look(len(self._vectors))
        kept, self._rows = sorted(self._rows, key=lambda pair: pair[0]), []
        width = self._layout.size + self._layout.late_size
        rows = np.empty((len(kept), width), np.float32)
        for i, (_, row) in enumerate(kept):
            row = np.asarray(row)
            rows[i] = row[:width]
            if len(row) > width:
                np.maximum(self._living, row[width:-1], out=self._living)
                self._skipped += float(row[-1])
        return rows, np.array([step for step, _ in kept], np.int64)

    def read_bins(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the counts since the last call, and their steps."""
        kept, self._bins = self._bins, []
        counts = np.array([np.asarray(counts) for _, counts in kept], np.int64)
        return counts, np.array([step for step, _ in kept], np.int64)

    def read_epoch(self) -> tuple[np.ndarray, float]:
        """Return, since the last call, which units lived and how many steps were skipped."""
        live, skipped = self._living, self._skipped
        self._living, self._skipped = np.zeros_like(live), 0.0
        return live, skipped
