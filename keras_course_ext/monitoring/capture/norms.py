"""L2 norms of many tensors at once, accurate over the whole range of float32."""

from collections.abc import Sequence

import tensorflow as tf

from keras_course_ext.monitoring.capture.graph import branch
from keras_course_ext.monitoring.capture.reductions import HALF_SQUARES, reduced

# Between these bounds a sum of squares has lost less than 1e-7 of itself to squares that
# underflow (an element under 1e-19 squares to less than float32 can hold) and has not overflowed.
_SMALLEST_SAFE = 1e-24
_LARGEST_SAFE = 1e37


def l2_norms(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return ‖x‖₂ = √(Σᵢ xᵢ²) of each tensor, as one float32 vector.

    Args:
        tensors: Dense tensors of any floating dtype and shape.

    Returns:
        A float32 tensor of shape `(len(tensors),)`.
    """
    return norms_and_non_finite(tensors, reduced(tensors, {HALF_SQUARES})[HALF_SQUARES])[0]


def unconditional_norms(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return ‖x‖₂ of each tensor from sums of squares in float64, without a condition.

    float64 holds the square of every float32. For the condition of `norms_and_non_finite` XLA
    would write whole tensors to memory that it otherwise never writes, 25 % of a step of a
    transformer block; in a plain graph the condition is the cheaper of the two.

    Args:
        tensors: Dense tensors of any floating dtype and shape.

    Returns:
        A float32 tensor of shape `(len(tensors),)`.
    """
    half = reduced(tensors, {HALF_SQUARES}, dtype=tf.float64)[HALF_SQUARES]
    return tf.cast(tf.sqrt(2.0 * half), tf.float32)


def norms_and_non_finite(
    tensors: Sequence[tf.Tensor], half: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return ‖x‖₂ of each tensor, and how many of its elements are not finite.

    Gradients of a deep sigmoid network can be so small that their squares are zero in float32, and
    exploding ones so large that their squares are infinite, while the norm itself is representable.
    When a sum of squares comes out near either end of the range, all norms are computed again as
    m ‖x / m‖ with m = max |xᵢ|; otherwise that branch costs nothing.

    Args:
        tensors: Dense tensors of any floating dtype and shape.
        half: Σᵢ xᵢ² / 2 of each.

    Returns:
        Two float32 tensors of shape `(len(tensors),)`.
    """
    if not tensors:
        return tf.zeros(0), tf.zeros(0)
    safe = tf.reduce_all((half > _SMALLEST_SAFE) & (half < _LARGEST_SAFE))
    return branch(
        safe,
        lambda: (tf.sqrt(2.0 * half), tf.zeros(len(tensors))),
        lambda: (
            tf.stack([_scaled_norm(tf.cast(x, tf.float32)) for x in tensors]),
            tf.stack([_non_finite(x) for x in tensors]),
        ),
    )


def _scaled_norm(x: tf.Tensor) -> tf.Tensor:
    m = tf.reduce_max(tf.abs(x))
    m = tf.where((m > 0) & tf.math.is_finite(m), m, 1.0)
    return m * tf.sqrt(2.0 * tf.nn.l2_loss(x / m))


def _non_finite(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(~tf.math.is_finite(x), tf.float32))
