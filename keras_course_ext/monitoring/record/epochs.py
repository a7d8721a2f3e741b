"""Medians of one statistic over each epoch, and since which epoch a condition has held."""

from typing import NamedTuple

import numpy as np

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Key


class Epochs(NamedTuple):
    """A statistic, epoch by epoch.

    Attributes:
        epochs: The epochs in which it was recorded, ascending, shape `(epochs,)`.
        steps: The first recorded step of each.
        medians: Its median over the finite values of each.
    """

    epochs: np.ndarray
    steps: np.ndarray
    medians: np.ndarray

    def since(self, at: np.ndarray) -> int | None:
        """Return the place from which on a condition holds up to the end; None if it does not.

        Args:
            at: Whether it holds, one entry an epoch.
        """
        if not len(at) or not at[-1]:
            return None
        return int(len(at) - np.argmin(at[::-1])) if not at.all() else 0


def medians(history: GradientHistory, key: Key, nonzero: bool = False) -> Epochs:
    """Return the medians of a statistic, of the epochs that have a finite value of it.

    Args:
        history: The record.
        key: Which statistic.
        nonzero: Whether zeros are left out, unless an epoch has nothing else: between two updates
            of accumulated gradients the weights stand still.
    """
    steps, epochs, values = history.series(*key)
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    found = []
    for epoch in np.unique(epochs[finite]):
        now = finite & (epochs == epoch)
        some = now & (values != 0) if nonzero else now
        found.append((epoch, steps[now][0], np.median(values[some if some.any() else now])))
    table = np.array(found, np.float64).reshape(-1, 3)
    return Epochs(table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2])
