"""Histograms in the step count as NumPy does, over powers of 2 and, near 1, eighths of them."""

import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext.monitoring import Histogram
from keras_course_ext.monitoring.capture.histograms import bin_counts
from keras_course_ext.monitoring.record.histograms import BINS, by_level, decoded, levels
from keras_course_ext.monitoring.record.layout import Subject
from keras_course_ext.monitoring.record.schema import TensorId

EIGHTHS = [1.125, 1.25, 1.375, 1.5, 1.625, 1.75, 1.875]


def values():
    rng = np.random.default_rng(0)
    edges = [2.0**e for e in range(-5, 4)] + EIGHTHS + [0.125, 0.9375, 0.0, -0.0]
    several = rng.normal(size=500) * 10.0 ** rng.uniform(-1.2, 0.6, 500)
    return np.float32([*several, *edges, *(-e for e in edges), np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("kind", ["activation", "weight"])
def test_bins_are_those_of_numpy(jit, kind):
    x = values()
    counts = tf.function(bin_counts, jit_compile=jit)(tf.constant(x)).numpy()
    assert counts.shape == (BINS,)
    (h,) = decoded(counts[None], 7, 1, [Subject(TensorId("a", "output", "output"), kind)])
    finite = x[np.isfinite(x)]
    # The upper edge of a bin above 0 is not in it, below 0 the lower one is not.
    positive = np.histogram(finite[finite > 0], np.append(h.edges[h.edges > 0], np.inf))[0][:-1]
    negative = np.histogram(-finite[finite < 0], np.append(-h.edges[h.edges < 0][::-1], np.inf))[0]
    middle = len(positive)
    np.testing.assert_array_equal(h.counts[middle + 1 :], positive)
    np.testing.assert_array_equal(h.counts[:middle][::-1], negative[:-1])
    assert h.counts[middle] == 4
    assert h.counts.sum() == len(finite)
    fine = {e for e in h.edges.tolist() if e > 0 and np.log2(e) % 1}
    octaves = [0.125, 0.25, 0.5, 1.0] if kind == "activation" else []
    assert fine == {o * e for o in octaves for e in EIGHTHS}


def test_levels_are_common_to_old_and_new_histograms():
    def of(edges, counts):
        return Histogram(0, 0, "a", "output", "activation", np.array(edges), np.array(counts))

    new = of([-1.0, -0.75, -0.5, 0.5, 0.75, 1.0], [1, 2, 4, 8, 16])
    old = of([-4.0, -2, -1, 1, 2, 4], [0, 1, 5, 1, 3])
    edges = levels([new, old], 16)
    assert edges.tolist() == [0.5, 0.75, 1, 2, 4]
    assert by_level(new, edges).tolist() == [0, 0, 1, 2, 4, 8, 16, 0, 0]
    assert by_level(old, edges).tolist() == [0, 1, 0, 0, 5, 0, 0, 1, 3]
    # Three octaves of five: what is smaller counts with 0.
    small = of([-8.0, -0.25, 0.25, 8.0], [1, 0, 0])
    assert levels([new, small], 3).tolist() == [1, 2, 4, 8]
    assert by_level(new, levels([new, small], 3)).tolist() == [0, 0, 0, 31, 0, 0, 0]
    assert levels([of([-1.0, 1.0], [3])], 16).tolist() == [0.5, 1.0]
