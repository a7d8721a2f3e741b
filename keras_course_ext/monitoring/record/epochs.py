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
    steps, epochs, values = steps[finite], epochs[finite], values[finite]
    found, first, group = np.unique(epochs, return_index=True, return_inverse=True)
    if nonzero:
        moved = np.bincount(group[values != 0], minlength=len(found)) > 0
        some = (values != 0) | ~moved[group]
        group, values = group[some], values[some]
    return Epochs(found, steps[first], group_medians(group, values))


def group_medians(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the median of each group of values.

    A loop over the epochs took most of the time of a diagnosis, which each epoch ends with.

    Args:
        group: The group of each value, every number from 0 to the largest at least once.
        values: The values, of the same shape.

    Returns:
        Shape `(groups,)`.
    """
    if not len(values):
        return np.empty(0)
    ordered = values[np.lexsort((values, group))]
    counts = np.bincount(group)
    start = np.cumsum(counts) - counts
    return (ordered[start + (counts - 1) // 2] + ordered[start + counts // 2]) / 2
