"""Which derivative of `ops` belongs to an activation function that a model has applied."""

import numpy as np
import tensorflow as tf

from keras_course_ext.ops.activations.derivatives import DERIVATIVES, Derivative

_EPSILON = {tf.float64: 2.0**-52, tf.float32: 2.0**-23, tf.float16: 2.0**-10}


def derivative(name: str | None, z: tf.Tensor, a: tf.Tensor) -> Derivative | None:
    """The derivative of the activation function that computed `a` from `z`, if `ops` has it.

    The name alone does not decide: a layer may be called `relu` and have a negative slope. So the
    function of that name must reproduce `a`.
    """
    found = DERIVATIVES.get(name or "")
    if found is None or z.shape != a.shape or z.dtype != a.dtype:
        return None
    again = tf.cast(found.function(z), tf.float64).numpy()
    # Two implementations of one function round differently, by a few units in the last place.
    tolerance = 64 * _EPSILON.get(z.dtype, 2.0**-7)
    same = np.allclose(again, tf.cast(a, tf.float64).numpy(), tolerance, tolerance, equal_nan=True)
    return found if same else None
