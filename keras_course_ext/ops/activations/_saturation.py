"""Bounds for inputs beyond which a function's derivatives have rounded to constants."""

import tensorflow as tf


def clip(x: tf.Tensor, bound: float) -> tf.Tensor:
    """`x` with what lies outside [−bound, bound] moved to its ends, in one pass over memory.

    A derivative such as x · φ(x) vanishes at infinity, but computed there it is ∞ · 0, which is
    NaN. Where `bound` is so large that φ(bound) is 0 in every dtype, taking the clipped x instead
    changes no other value.
    """
    low, high = tf.constant(-bound, x.dtype), tf.constant(bound, x.dtype)
    return tf.raw_ops.ClipByValue(t=x, clip_value_min=low, clip_value_max=high)
