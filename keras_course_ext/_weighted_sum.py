"""A note of the weighted sum z on the output of a step, for the perceptron criterion.

The criterion is a loss of z, which cannot be computed from the output of a step. It reads z from
an attribute of the output, as Keras's crossentropies read the logits. The attribute is not
`_keras_logits`: z is not the logit of a probability, and Keras's losses must not use it as one.
"""

from typing import Any

import tensorflow as tf


def remember_weighted_sum(y: tf.Tensor, z: Any) -> tf.Tensor:
    """Note on `y` that it is the step of `z`; return `y`."""
    y._keras_course_ext_weighted_sum = z
    return y


def noted_weighted_sum(y: Any) -> Any:
    """The weighted sum noted on `y`, or None."""
    return getattr(y, "_keras_course_ext_weighted_sum", None)
