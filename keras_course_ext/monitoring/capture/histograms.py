"""Counts of a tensor's elements by sign, exponent and, near 1, eighths, inside the step."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_course_ext._tracing import under_xla
from keras_course_ext.monitoring.capture.graph import source
from keras_course_ext.monitoring.record.histograms import BINS, EIGHTHS, EXPONENT_BINS, FINE


def bin_counts(x: tf.Tensor) -> tf.Tensor:
    """Return how many elements have which sign and exponent, and eighths, shape `(BINS,)`."""
    bits = tf.bitcast(tf.reshape(tf.cast(x, tf.float32), [-1]), tf.uint32)
    # Sign, exponent and the first three bits of the mantissa.
    number = tf.cast(tf.bitwise.right_shift(bits, tf.constant(20, tf.uint32)), tf.int32)
    bins = EXPONENT_BINS * EIGHTHS
    if under_xla():
        counts = tf.math.unsorted_segment_sum(tf.ones_like(number), number, bins)
    else:
        counts = tf.math.bincount(number, minlength=bins, maxlength=bins)
    counts = tf.reshape(counts, [2, EXPONENT_BINS // 2, EIGHTHS])
    fine = tf.reshape(counts[:, FINE[0] : FINE[1]], [-1])
    return tf.concat([tf.reshape(tf.reduce_sum(counts, -1), [-1]), fine], 0)


def counts_of(tensors: Sequence[tf.Tensor | None]) -> tf.Tensor:
    """Return the counts of each tensor, those of the same elements counted once; 0 for None."""
    known: dict[Any, tf.Tensor] = {}
    for x in tensors:
        if x is not None and source(x) not in known:
            known[source(x)] = bin_counts(x)
    absent = no_counts(1)[0]
    return tf.stack([absent if x is None else known[source(x)] for x in tensors])


def no_counts(n: int) -> tf.Tensor:
    """Return the counts of n tensors without elements."""
    return tf.zeros((n, BINS), tf.int32)
