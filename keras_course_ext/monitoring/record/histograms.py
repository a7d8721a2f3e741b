"""Histograms over powers of 2 and, near 1, eighths of them: from counts to edges and counts."""

from collections.abc import Sequence

import numpy as np

from keras_course_ext.monitoring.record.layout import Subject
from keras_course_ext.monitoring.record.schema import Histogram

# A float32 is a sign, eight bits of exponent and the mantissa: shifted right by 23 bits it is the
# number of a bin that reaches from one power of 2 to the next.
EXPONENT_BINS = 512
_EXPONENTS = 256
_BIAS = 127
# From 1/8 to 2 the counts by the first three bits of the mantissa too, eighths of the way to the
# next power of 2: the outputs of sigmoid and tanh lie there, all between 1/2 and 1 in one bin.
EIGHTHS = 8
FINE = (_BIAS - 3, _BIAS + 1)
_FINE_BINS = (FINE[1] - FINE[0]) * EIGHTHS
BINS = EXPONENT_BINS + 2 * _FINE_BINS
_ZERO, _NON_FINITE = 0, 255
# The kind of tensor that may be bounded.
_FINELY = "activation"


def decoded(
    counts: np.ndarray, step: int, epoch: int, subjects: Sequence[Subject]
) -> list[Histogram]:
    """Return the histograms of a step.

    Args:
        counts: Shape `(len(subjects), BINS)`: by sign and exponent, and then by sign, the exponents
            near 1, and eighths.
        step: The step.
        epoch: Its epoch.
        subjects: What each is of.
    """
    return [
        Histogram(
            step,
            epoch,
            s.tensor.layer,
            s.tensor.tensor,
            s.kind,
            *_edges_and_counts(row, s.kind == _FINELY),
        )
        for s, row in zip(subjects, counts, strict=True)
    ]


def _edges_and_counts(row: np.ndarray, finely: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the bins from the most negative to the most positive number, 0 in the middle."""
    positive, negative = row[:_EXPONENTS], row[_EXPONENTS:EXPONENT_BINS]
    zeros = positive[_ZERO] + negative[_ZERO]
    used = np.flatnonzero((positive + negative)[1:_NON_FINITE]) + 1
    low, high = (used[0], used[-1] + 1) if len(used) else (_BIAS, _BIAS + 1)
    edges = 2.0 ** (np.arange(low, high + 1) - _BIAS)
    positive, negative = positive[low:high], negative[low:high]
    # The exponents used that are near 1.
    first, last = max(low, FINE[0]), min(high, FINE[1])
    if finely and first < last:
        fine = row[EXPONENT_BINS:].reshape(2, FINE[1] - FINE[0], EIGHTHS)
        fine = fine[:, first - FINE[0] : last - FINE[0]].reshape(2, -1)
        powers = 2.0 ** (np.arange(first, last) - _BIAS)
        between = np.outer(powers, 1 + np.arange(EIGHTHS) / EIGHTHS).ravel()
        before, after = first - low, last - low
        edges = np.concatenate([edges[:before], between, edges[after:]])
        positive = np.concatenate([positive[:before], fine[0], positive[after:]])
        negative = np.concatenate([negative[:before], fine[1], negative[after:]])
    counts = np.concatenate([negative[::-1], [zeros], positive])
    return np.concatenate([-edges[::-1], edges]), counts


def levels(found: Sequence[Histogram], octaves: int) -> np.ndarray:
    """Return edges above 0 between which several histograms can be shown beside each other.

    They are those of the bins that hold elements, the powers of 2 between them, and reach at most
    so many octaves below the largest.

    Args:
        found: The histograms.
        octaves: Number of octaves.
    """
    pairs = [np.abs(np.stack([h.edges[:-1], h.edges[1:]])) for h in found]
    # The bin of 0 reaches to the smallest number on both sides.
    zero = [h.edges[:-1] * h.edges[1:] <= 0 for h in found]
    used = [p[:, (h.counts > 0) & ~z] for h, p, z in zip(found, pairs, zero, strict=True)]
    edges = np.unique(np.concatenate([u.ravel() for u in used]))
    if not len(edges):
        return np.array([0.5, 1.0])
    lowest, highest = np.floor(np.log2(edges[0])), np.ceil(np.log2(edges[-1]))
    powers = 2.0 ** np.arange(max(lowest, highest - octaves), highest + 1)
    inside = np.unique(np.concatenate([p.ravel() for p in pairs]))
    fine = inside[np.log2(np.maximum(inside, 1e-300)) % 1 != 0]
    known = np.unique(np.concatenate([powers, fine]))
    return known[(known >= powers[0]) & (known <= powers[-1])]


def by_level(h: Histogram, edges: np.ndarray) -> np.ndarray:
    """Return the counts of a histogram between edges and their negatives.

    Args:
        h: The histogram.
        edges: What `levels` returned, shape `(n + 1,)`.

    Returns:
        Shape `(2 n + 1,)`, from the most negative to the most positive; in the middle are 0 and
        what is below the first edge.
    """
    n = len(edges) - 1
    center = (h.edges[:-1] + h.edges[1:]) / 2
    level = np.clip(np.searchsorted(edges, np.abs(center), side="right"), 0, n)
    counts = np.zeros(2 * n + 1)
    np.add.at(counts, n + np.sign(center).astype(int) * level, h.counts)
    return counts
