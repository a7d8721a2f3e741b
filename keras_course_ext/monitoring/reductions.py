"""Sums and maxima of many tensors at once, taken piece by piece.

TensorFlow shares a reduction of a large tensor out to its threads, and waking them takes longer
than the sum itself: 60 µs for a million bytes, of which one thread needs 16. A quarter of a million
bytes stay in one thread and in its cache, what is derived from them (|x|, sign x) too.
"""

from collections.abc import Sequence, Set

import tensorflow as tf

from keras_course_ext._tracing import under_xla

_PIECE = 65_536  # elements
_MOST_PIECES = 32
_LARGE = 16_384
_TYPICAL_BATCH = 32
_ALIGNED = 16  # a slice that begins and ends at a multiple of so many elements is not copied

SQUARES, ABS_SUM, ABS_MAX, NONZERO, SUM = "squares", "abs_sum", "abs_max", "nonzero", "sum"


def reduced(
    tensors: Sequence[tf.Tensor], wanted: Set[str], about: tf.Tensor | None = None
) -> dict[str, tf.Tensor]:
    """Return some reductions of each tensor over all of its elements.

    Args:
        tensors: Dense tensors of any floating dtype and shape.
        wanted: Out of `SQUARES` Σ xᵢ² / 2, `ABS_SUM` Σ |xᵢ|, `ABS_MAX` max |xᵢ|, `NONZERO` the
            number of elements that are not 0 (NaN if one is NaN) and `SUM` Σ xᵢ.
        about: A number for each tensor that is subtracted from its elements first; default none.

    Returns:
        By name, float32 tensors of shape `(len(tensors),)`.
    """
    owners: list[int] = []
    found: dict[str, list[tf.Tensor]] = {name: [] for name in wanted}
    for i, x in enumerate(tensors):
        for piece in pieces(x):
            owners.append(i)
            x32 = tf.cast(piece, tf.float32)
            _reduce(x32 if about is None else x32 - about[i], found)
    return {name: _joined(name, parts, owners, len(tensors)) for name, parts in found.items()}


def is_large(x: tf.Tensor) -> bool:
    """Say whether it costs something to keep x, in a plain graph, longer than it is needed."""
    if tf.executing_eagerly() or under_xla():
        return False
    n = x.shape.num_elements()
    if n is None:
        per_sample = x.shape[1:].num_elements()
        n = _LARGE if per_sample is None else per_sample * _TYPICAL_BATCH
    return n >= _LARGE


def pieces(x: tf.Tensor) -> list[tf.Tensor]:
    """Return the elements of x in a few views of it, each flat, or x itself if it is small."""
    if tf.executing_eagerly() or under_xla():
        return [x]
    n = x.shape.num_elements()
    if n is not None:
        parts = min(-(-n // _PIECE), _MOST_PIECES)
        if parts <= 1:
            return [x]
        flat = tf.reshape(x, [-1])
        length = -(-n // (parts * _ALIGNED)) * _ALIGNED
        return [flat[at : at + length] for at in range(0, n, length)]
    per_sample = x.shape[1:].num_elements()
    if per_sample is None:
        return [x]
    # Only the size of the batch is open.
    parts = min(-(-per_sample * _TYPICAL_BATCH // _PIECE), _MOST_PIECES)
    if parts <= 1:
        return [x]
    batch = tf.shape(x)[0]
    bounds = [batch * i // parts for i in range(parts)]
    return [x[a:b] for a, b in zip(bounds, [*bounds[1:], batch], strict=True)]


def _reduce(x: tf.Tensor, found: dict[str, list[tf.Tensor]]) -> None:
    if SQUARES in found:
        found[SQUARES].append(tf.nn.l2_loss(x))
    if SUM in found:
        found[SUM].append(tf.reduce_sum(x))
    if NONZERO in found:
        # A comparison gives booleans, and summing those takes three times as long.
        found[NONZERO].append(2.0 * tf.nn.l2_loss(tf.sign(x)))
    if ABS_SUM in found or ABS_MAX in found:
        absolute = tf.abs(x)
        if ABS_SUM in found:
            found[ABS_SUM].append(tf.reduce_sum(absolute))
        if ABS_MAX in found:
            found[ABS_MAX].append(tf.reduce_max(absolute))


def _joined(name: str, parts: list[tf.Tensor], owners: list[int], n: int) -> tf.Tensor:
    if not parts:
        return tf.zeros(n)
    stacked = tf.stack(parts)
    if len(parts) == n:
        return stacked
    join = tf.math.unsorted_segment_max if name == ABS_MAX else tf.math.unsorted_segment_sum
    return join(stacked, tf.constant(owners), n)
