"""Histograms over powers of 2: from counts by sign and exponent to edges and counts."""

from collections.abc import Sequence

import numpy as np

from keras_course_ext.monitoring.record.layout import Subject
from keras_course_ext.monitoring.record.schema import Histogram

# A float32 is a sign, eight bits of exponent and the mantissa: shifted right by 23 bits it is the
# number of a bin that reaches from one power of 2 to the next.
BINS = 512
_EXPONENTS = 256
_BIAS = 127
_ZERO, _NON_FINITE = 0, 255


def decoded(
    counts: np.ndarray, step: int, epoch: int, subjects: Sequence[Subject]
) -> list[Histogram]:
    """Return the histograms of a step.

    Args:
        counts: Shape `(len(subjects), 512)`.
        step: The step.
        epoch: Its epoch.
        subjects: What each is of.
    """
    return [
        Histogram(step, epoch, s.tensor.layer, s.tensor.tensor, s.kind, *_edges_and_counts(row))
        for s, row in zip(subjects, counts, strict=True)
    ]


def _edges_and_counts(row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the bins from the most negative to the most positive number, 0 in the middle."""
    positive, negative = row[:_EXPONENTS], row[_EXPONENTS:]
    zeros = positive[_ZERO] + negative[_ZERO]
    used = np.flatnonzero((positive + negative)[1:_NON_FINITE]) + 1
    low, high = (used[0], used[-1] + 1) if len(used) else (_BIAS, _BIAS + 1)
    edges = 2.0 ** (np.arange(low, high + 1) - _BIAS)
    counts = np.concatenate([negative[low:high][::-1], [zeros], positive[low:high]])
    return np.concatenate([-edges[::-1], edges]), counts
