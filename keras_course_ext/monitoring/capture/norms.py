"""L2 norms of many tensors at once, accurate over the whole range of float32."""

from collections.abc import Sequence

import tensorflow as tf

from keras_course_ext._tracing import on_gpu, under_xla
from keras_course_ext.monitoring.capture.graph import branch
from keras_course_ext.monitoring.capture.reductions import HALF_SQUARES, NON_FINITE, reduced

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
    return norms_and_non_finite(tensors)[0]


def unconditional_norms(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return ‖x‖₂ of each tensor from sums of squares in float64, which hold every float32's.

    Args:
        tensors: Dense tensors of any floating dtype and shape.

    Returns:
        A float32 tensor of shape `(len(tensors),)`.
    """
    half = reduced(tensors, {HALF_SQUARES}, dtype=tf.float64)[HALF_SQUARES]
    return tf.cast(tf.sqrt(2.0 * half), tf.float32)


def norms_and_non_finite(
    tensors: Sequence[tf.Tensor], counted: int = 0, half: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return ‖x‖₂ of each tensor, and how many of its elements are not finite.

    Gradients of a deep sigmoid network can be so small that their squares are zero in float32, and
    exploding ones so large that their squares are infinite, while the norm itself is representable.
    When a sum of squares comes out near either end of the range, all norms are computed again in
    float64; otherwise that branch costs nothing. Elements are counted only if a norm is not finite.

    Under XLA the norms are computed in float64 at once. For the condition it would write whole
    tensors to memory that it otherwise never writes, 25 % of a step of a transformer block, and
    it compiles both branches, which took longer than the training step itself. So they are on a
    GPU, where the condition would wait until the device has computed all of the step.

    Args:
        tensors: Dense tensors of any floating dtype and shape.
        counted: Of how many tensors, from the first one on, elements are counted; default none.
        half: Σᵢ xᵢ² / 2 of each in float32, if it is known already; not used in float64.

    Returns:
        Two float32 tensors, of shape `(len(tensors),)` and `(counted,)`.
    """
    if not tensors:
        return tf.zeros(0), tf.zeros(0)
    if in_float64_at_once(tensors):
        return _in_float64(tensors, counted)
    if half is None:
        half = reduced(tensors, {HALF_SQUARES})[HALF_SQUARES]
    safe = tf.reduce_all((half > _SMALLEST_SAFE) & (half < _LARGEST_SAFE))
    return branch(
        safe,
        lambda: (tf.sqrt(2.0 * half), tf.zeros(counted)),
        lambda: _in_float64(tensors, counted),
    )


def in_float64_at_once(tensors: Sequence[tf.Tensor]) -> bool:
    """Say whether `norms_and_non_finite` computes norms in float64 without a condition."""
    return under_xla() or any(map(on_gpu, tensors))


def _in_float64(tensors: Sequence[tf.Tensor], counted: int) -> tuple[tf.Tensor, tf.Tensor]:
    norms = unconditional_norms(tensors)
    if not counted:
        return norms, tf.zeros(0)
    if not under_xla() and any(map(on_gpu, tensors)):
        return norms, non_finite_counts(tensors[:counted])
    return norms, branch(
        tf.reduce_all(tf.math.is_finite(norms[:counted])),
        lambda: tf.zeros(counted),
        lambda: non_finite_counts(tensors[:counted]),
    )


def non_finite_counts(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return how many elements of each tensor are not finite, as one float32 vector."""
    # In float32 a float64 of 1e200 would be infinite.
    return tf.cast(reduced(tensors, {NON_FINITE}, dtype=tf.float64)[NON_FINITE], tf.float32)
