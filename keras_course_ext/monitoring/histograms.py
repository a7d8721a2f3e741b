"""Histograms of gradients, weights and activations over powers of 2, counted inside the step."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from keras_course_ext._tracing import under_xla
from keras_course_ext.monitoring.buffer import Ring
from keras_course_ext.monitoring.history import Histogram

# A float32 is a sign, eight bits of exponent and the mantissa: shifted by 23 its bits are the
# number of a bin that reaches from one power of 2 to the next.
BINS = 512
_EXPONENTS = 256
_BIAS = 127
_ZERO, _NON_FINITE = 0, 255
_ROWS = 4
_MANY_ROWS = 64


@dataclass(frozen=True)
class Subject:
    """What a histogram is of.

    Attributes:
        layer: Name of the layer.
        tensor: `"kernel"`, `"bias"`, ..., or `"output"`.
        kind: `"gradient"`, `"weight"` or `"activation"`.
    """

    layer: str
    tensor: str
    kind: str


def bin_counts(x: tf.Tensor) -> tf.Tensor:
    """Return how many elements have which sign and exponent, shape `(512,)`."""
    bits = tf.bitcast(tf.reshape(tf.cast(x, tf.float32), [-1]), tf.uint32)
    number = tf.cast(tf.bitwise.right_shift(bits, tf.constant(23, tf.uint32)), tf.int32)
    if under_xla():
        return tf.math.unsorted_segment_sum(tf.ones_like(number), number, BINS)
    return tf.math.bincount(number, minlength=BINS, maxlength=BINS)


def no_counts(n: int) -> tf.Tensor:
    """Return the counts of n tensors without elements."""
    return tf.zeros((n, BINS), tf.int32)


class HistogramBuffer:
    """Keeps the counts of some steps on a device until they are read.

    Args:
        subjects: Number of histograms a step.
        period: A step whose number is a multiple of it has histograms.
        per_execution: Number of steps between two chances to read.
        in_fit: Whether there are such chances before the end.
    """

    def __init__(self, subjects: int, period: int, per_execution: int, in_fit: bool = True) -> None:
        self.period = period
        self.capacity = max(_ROWS if in_fit else _MANY_ROWS, per_execution // period + 2)
        self._ring = Ring(
            self.capacity, subjects, BINS, dtype=np.int32, what="steps with histograms"
        )

    def due(self, step: tf.Tensor) -> tf.Tensor:
        """Say, inside the step, whether it has histograms."""
        return tf.equal(tf.math.floormod(step, self.period), 0)

    def write(self, step: tf.Tensor, counts: tf.Tensor) -> None:
        """Write the counts of a step, shape `(subjects, 512)`."""
        self._ring.write(step, counts)

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the counts written since the last call, and the steps that they belong to.

        Of more than there is place for only the last are left, and a warning says so.
        """
        counts, steps = self._ring.read()
        return counts.astype(np.int64), steps


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
        Histogram(step, epoch, s.layer, s.tensor, s.kind, *_edges_and_counts(row))
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
