"""Rows of a record that have the same keys, in arrays that grow."""

from collections.abc import Sequence

import numpy as np

from keras_course_ext.monitoring.record.schema import Block, Key

_FIRST_ROWS = 16
_KEPT_AT_START = 10


class Table:
    """Rows with the same keys, in the order of the steps.

    A value stands beside the values of the same key. So it takes constant time on average to append
    a row, and to read a series no longer than its length requires, however many blocks it came in.

    Args:
        keys: What each column is.
    """

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self.keys = keys
        self._rows = 0
        self._steps = np.empty(_FIRST_ROWS, np.int64)
        self._epochs = np.empty(_FIRST_ROWS, np.int64)
        self._values = np.empty((len(keys), _FIRST_ROWS), np.float32)
        self._epochs_ascend = True

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._rows

    @property
    def size(self) -> int:
        """Number of values."""
        return self._rows * len(self.keys)

    def append(self, block: Block) -> None:
        """Add rows behind the others, or between them where their steps belong."""
        start, stop = self._rows, self._rows + len(block.steps)
        if stop > len(self._steps):
            self._grow(max(stop, 2 * len(self._steps)))
        self._rows = stop
        self._steps[start:stop] = block.steps
        self._epochs[start:stop] = block.epochs
        self._values[:, start:stop] = block.values.T
        steps = self._steps[max(start - 1, 0) : stop]
        if (steps[1:] < steps[:-1]).any():
            self._keep(np.argsort(self._steps[:stop], kind="stable"))
        epochs = self._epochs[max(start - 1, 0) : stop]
        self._epochs_ascend &= not (epochs[1:] < epochs[:-1]).any()

    def block(self, first: int = 0) -> Block:
        """Return the rows from number `first` on, without copying them."""
        at = slice(first, self._rows)
        return Block(self.keys, self._steps[at], self._epochs[at], self._values[:, at].T)

    def of_epoch(self, epoch: int) -> Block:
        """Return the rows of an epoch, in a time that does not depend on the number of others."""
        steps, epochs = self._steps[: self._rows], self._epochs[: self._rows]
        if self._epochs_ascend:
            at: slice | np.ndarray = slice(*np.searchsorted(epochs, [epoch, epoch + 1]))
        else:
            at = epochs == epoch
        return Block(self.keys, steps[at], epochs[at], self._values[:, : self._rows][:, at].T)

    def series(self, column: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return steps, epochs and values of a column, copied."""
        n = self._rows
        return self._steps[:n].copy(), self._epochs[:n].copy(), self._values[column, :n].copy()

    def columns(self, columns: Sequence[int]) -> np.ndarray:
        """Return the values of some columns, shape `(columns, rows)`, copied."""
        return self._values[list(columns), : self._rows]

    def thin(self) -> int:
        """Drop every second row, but the first ones and those with a value that is not finite.

        Returns:
            How many rows were dropped.
        """
        before, number = self._rows, np.arange(self._rows)
        kept = (number < _KEPT_AT_START) | (number % 2 == 0)
        kept |= ~np.isfinite(self._values[:, :before]).all(axis=0)
        self._keep(np.flatnonzero(kept))
        return before - self._rows

    def _keep(self, rows: np.ndarray) -> None:
        self._steps, self._epochs = self._steps[rows], self._epochs[rows]
        self._values = self._values[:, rows]
        self._rows = len(rows)
        self._epochs_ascend = not (self._epochs[1:] < self._epochs[:-1]).any()

    def _grow(self, rows: int) -> None:
        n = self._rows
        steps, epochs = np.empty(rows, np.int64), np.empty(rows, np.int64)
        values = np.empty((len(self.keys), rows), np.float32)
        steps[:n], epochs[:n], values[:, :n] = (
            self._steps[:n],
            self._epochs[:n],
            self._values[:, :n],
        )
        self._steps, self._epochs, self._values = steps, epochs, values
