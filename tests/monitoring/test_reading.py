"""How a tensor is read, so that what else is computed from it keeps its bits."""

import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext.monitoring.capture.gradients import readable

# By name: how x is made of a, b and c, and whether it is read itself; None: it cannot be read.
TENSORS = {
    "product": (lambda a, b, c: a * b, False),
    "product of a product": (lambda a, b, c: a * (b * c), False),
    "quotient": (lambda a, b, c: a / b, True),
    "sum of two": (lambda a, b, c: tf.add_n([a, b]), False),
    "sum of three": (lambda a, b, c: tf.add_n([a, b, c]), True),
    "sum of three in a sum": (lambda a, b, c: _summed_on(tf.add_n([a, b, c]), a), None),
}


def _summed_on(x, more):
    tf.add_n([more, x])
    return x


@pytest.mark.parametrize("name", TENSORS)
def test_what_is_read(name):
    make, itself = TENSORS[name]
    same = []

    @tf.function(autograph=False)
    def read(a, b, c):
        x = make(a, b, c)
        found = readable(x)
        same.append(None if found is None else found is x)
        return x, tf.cast(x if found is None else found, tf.float32)

    rng = np.random.default_rng(0)
    x, found = read(*(tf.constant(rng.normal(size=5), tf.float32) for _ in range(3)))
    assert same == [itself]
    np.testing.assert_allclose(found, x, rtol=1e-6)


def test_an_eager_tensor_is_read_itself():
    x = tf.add_n([tf.ones(2)] * 2)
    assert readable(x) is x


@pytest.mark.parametrize(("rows", "itself"), [(None, False), (1, True)])
def test_a_sum_over_the_axes_of_a_broadcast(rows, itself):
    same = []

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([n, 5]) for n in (rows, None)])
    def read(a, b):
        with tf.GradientTape() as tape:
            tape.watch(a)
            y = tf.exp(a * b)
        da = tape.gradient(y, a)
        found = readable(da)
        same.append(found is da)
        return da, tf.cast(found, tf.float32)

    b = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    da, found = read(b[:rows], b)
    assert same == [itself]
    np.testing.assert_allclose(found, da, rtol=1e-6)
