"""Counts of a tensor's elements by sign and exponent, inside the step."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_course_ext._tracing import under_xla
from keras_course_ext.monitoring.capture.graph import source
from keras_course_ext.monitoring.record.histograms import BINS


def bin_counts(x: tf.Tensor) -> tf.Tensor:
    """Return how many elements have which sign and exponent, shape `(512,)`."""
    bits = tf.bitcast(tf.reshape(tf.cast(x, tf.float32), [-1]), tf.uint32)
    number = tf.cast(tf.bitwise.right_shift(bits, tf.constant(23, tf.uint32)), tf.int32)
    if under_xla():
        return tf.math.unsorted_segment_sum(tf.ones_like(number), number, BINS)
    return tf.math.bincount(number, minlength=BINS, maxlength=BINS)


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
