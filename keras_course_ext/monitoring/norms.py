"""L2 norms of many tensors at once, right over float32's whole range."""

from collections.abc import Sequence

import tensorflow as tf

# Between these bounds a sum of squares has lost less than 1e-7 of itself to squares that
# underflow (an element under 1e-19 squares to less than float32 can hold) and has not overflowed.
_SMALLEST_SAFE = 1e-24
_LARGEST_SAFE = 1e37


def l2_norms(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return ‖x‖₂ = √(Σᵢ xᵢ²) of each tensor, as one float32 vector.

    The gradients of a deep sigmoid network are so small that their squares are zero in float32,
    and exploding ones so large that their squares are infinite, though the norm itself is an
    ordinary number. When a plain sum of squares comes out near either end, all norms are taken
    again as m ‖x / m‖ with m = max |xᵢ|; otherwise that branch costs nothing.

    Args:
        tensors: Dense tensors of any floating dtype and shape, at least one.

    Returns:
        A float32 tensor of shape `(len(tensors),)`.
    """
    tensors = [tf.cast(x, tf.float32) for x in tensors]
    half = tf.stack([tf.nn.l2_loss(x) for x in tensors])  # Σ x² / 2
    safe = tf.reduce_all((half > _SMALLEST_SAFE) & (half < _LARGEST_SAFE))
    return tf.cond(
        safe,
        lambda: tf.sqrt(2.0 * half),
        lambda: tf.stack([_scaled_norm(x) for x in tensors]),
    )


def _scaled_norm(x: tf.Tensor) -> tf.Tensor:
    m = tf.reduce_max(tf.abs(x))
    m = tf.where((m > 0) & tf.math.is_finite(m), m, 1.0)
    return m * tf.sqrt(2.0 * tf.nn.l2_loss(x / m))
