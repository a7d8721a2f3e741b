"""Sums and maxima of many tensors at once, computed piece by piece.

TensorFlow splits the reduction of a large tensor among its threads, and waking them takes longer
than the sum itself: 60 µs for 1 MB, where one thread needs 16 µs. A piece of 400,000 bytes is
reduced by one thread and stays in its cache, with what is derived from it (|x|, sign x).
"""

from collections.abc import Callable, Sequence, Set
from typing import Any

import tensorflow as tf

from keras_course_ext._tracing import under_xla
from keras_course_ext.monitoring.capture.graph import source

_PIECE = 98_304  # elements
_MOST_PIECES = 32
_LARGE = 16_384
_TYPICAL_BATCH = 32
_WORTH_FOLDING = 4096
_FOLDS = 3
_ALIGNED = 16  # a slice that begins and ends at a multiple of 16 elements is not copied

_RECTIFIED = {"Relu", "Relu6"}

HALF_SQUARES, ABS_SUM, ABS_MAX = "half_squares", "abs_sum", "abs_max"
NONZERO, SUM = "nonzero", "sum"


def reduced(
    tensors: Sequence[tf.Tensor],
    wanted: Set[str],
    about: tf.Tensor | None = None,
    dtype: tf.DType = tf.float32,
) -> dict[str, tf.Tensor]:
    """Return some reductions of each tensor over all of its elements.

    Args:
        tensors: Dense tensors of any floating dtype and shape.
        wanted: Out of `HALF_SQUARES` Σ xᵢ² / 2, `ABS_SUM` Σ |xᵢ|, `ABS_MAX` max |xᵢ|, `NONZERO` the
            number of elements that are not 0 (NaN if one is NaN) and `SUM` Σ xᵢ.
        about: A number for each tensor that is subtracted from its elements first; default none.
        dtype: Dtype in which the elements are summed; default `tf.float32`.

    Returns:
        By name, tensors of that dtype and of shape `(len(tensors),)`.
    """
    owners: list[int] = []
    found: dict[str, list[tf.Tensor]] = {name: [] for name in wanted}
    places, distinct = _distinct(tensors)
    numbers = None if about is None else tf.unstack(about)
    for n, i in enumerate(distinct):
        for piece in pieces(tensors[i]):
            owners.append(n)
            x = tf.cast(piece, dtype)
            _reduce(x if numbers is None else x - numbers[i], found)
    if not distinct:
        return {name: tf.zeros(0, dtype) for name in found}
    sums = {name: _joined(name, parts, owners, len(distinct)) for name, parts in found.items()}
    if len(distinct) == len(tensors):
        return sums
    return {name: tf.gather(x, places) for name, x in sums.items()}


def _distinct(tensors: Sequence[tf.Tensor]) -> tuple[list[int], list[int]]:
    """Find tensors of the same elements, such as a layer's output and the flattened output.

    Returns:
        For each tensor, which of the distinct ones it is; and where those are.
    """
    number_of: dict[Any, int] = {}
    places, distinct = [], []
    for i, x in enumerate(tensors):
        name = source(x)
        if name not in number_of:
            number_of[name] = len(distinct)
            distinct.append(i)
        places.append(number_of[name])
    return places, distinct


def is_rectified(x: tf.Tensor) -> bool:
    """Say whether x is known to have no element under 0."""
    return not tf.executing_eagerly() and source(x).deref().op.type in _RECTIFIED


def is_large(x: tf.Tensor) -> bool:
    """Say whether x is too large to keep its memory longer than the step itself needs it."""
    if tf.executing_eagerly() or under_xla():
        return False
    n = x.shape.num_elements()
    if n is None:
        per_sample = x.shape[1:].num_elements()
        n = _LARGE if per_sample is None else per_sample * _TYPICAL_BATCH
    return n >= _LARGE


def pieces(x: tf.Tensor) -> list[tf.Tensor]:
    """Return the elements of x as a few flat views, or x itself if it is small."""
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
    return samples(x)


def samples(x: tf.Tensor) -> list[tf.Tensor]:
    """Return the samples of a batch as a few views, or the batch itself if it is small."""
    if tf.executing_eagerly() or under_xla():
        return [x]
    per_sample = x.shape[1:].num_elements()
    if per_sample is None:
        return [x]
    batch = x.shape[0]
    parts = min(-(-per_sample * (batch or _TYPICAL_BATCH) // _PIECE), _MOST_PIECES, batch or 2**16)
    if parts <= 1:
        return [x]
    n = batch or tf.shape(x)[0]
    bounds = [n * i // parts for i in range(parts)]
    return [x[a:b] for a, b in zip(bounds, [*bounds[1:], n], strict=True)]


def _reduce(x: tf.Tensor, found: dict[str, list[tf.Tensor]]) -> None:
    if HALF_SQUARES in found:
        found[HALF_SQUARES].append(half_of_squares(x))
    if SUM in found:
        found[SUM].append(total(x))
    if NONZERO in found:
        # Comparing gives booleans, whose sum takes three times as long.
        found[NONZERO].append(half_of_squares(tf.sign(x)))
    if ABS_SUM in found or ABS_MAX in found:
        absolute = tf.abs(x)
        if ABS_SUM in found:
            found[ABS_SUM].append(total(absolute))
        if ABS_MAX in found:
            found[ABS_MAX].append(_folded(absolute, tf.maximum, tf.reduce_max))


def half_of_squares(x: tf.Tensor) -> tf.Tensor:
    """Return Σ xᵢ² / 2."""
    return 0.5 * _folded(x * x, tf.add, tf.reduce_sum) if under_xla() else tf.nn.l2_loss(x)


def total(x: tf.Tensor) -> tf.Tensor:
    """Return Σ xᵢ."""
    return _folded(x, tf.add, tf.reduce_sum)


def _folded(x: tf.Tensor, join: Callable, reduce: Callable) -> tf.Tensor:
    """Reduce all of x; under XLA after folding it three times, half upon half.

    XLA's loop on a CPU adds one element after the other, and each addition waits for the one
    before. Behind three elementwise operations on halves it adds eight at a time, in a quarter of
    the time.
    """
    n = x.shape.num_elements()
    per_sample = x.shape[1:].num_elements() if x.shape.rank else None
    typical = n or (per_sample or 0) * _TYPICAL_BATCH
    if typical < _WORTH_FOLDING or not under_xla():
        return reduce(x)
    if n is not None:
        long_rows = n // x.shape[-1] < 2**_FOLDS
        x = tf.reshape(x, [-1] if long_rows else [-1, x.shape[-1]])
    odd = []
    for _ in range(_FOLDS):
        # A constant when XLA compiles, even if the batch size is unknown to the graph.
        rows: Any = x.shape[0] if x.shape[0] is not None else tf.shape(x)[0]
        half = rows // 2
        if not isinstance(rows, int) or rows % 2:
            odd.append(reduce(x[2 * half :]))
        x = join(x[:half], x[half : 2 * half])
    return reduce(tf.stack([reduce(x), *odd])) if odd else reduce(x)


def _joined(name: str, parts: list[tf.Tensor], owners: list[int], n: int) -> tf.Tensor:
    stacked = tf.stack(parts)
    if name == NONZERO:
        stacked *= 2.0
    if len(parts) == n:
        return stacked
    join = tf.math.unsorted_segment_max if name == ABS_MAX else tf.math.unsorted_segment_sum
    return join(stacked, tf.constant(owners), n)
