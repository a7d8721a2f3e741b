"""The first values of a statistic, without reading those of the whole run."""

import numpy as np

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Key


def first_values(history: GradientHistory, key: Key, count: int = 1) -> np.ndarray:
    """Return the first recorded values of a statistic, float64, at most `count` of them.

    Args:
        history: The record.
        key: Which statistic.
        count: How many.
    """
    found: list[float] = []
    if not history.has(*key):
        return np.empty(0)
    for block in history.blocks():
        if key in block.keys:
            found += block.values[: count - len(found), block.keys.index(key)].tolist()
        if len(found) >= count:
            break
    return np.array(found)
