"""Sums and maxima of many tensors at once, computed piece by piece.

TensorFlow splits the reduction of a large tensor among its threads, and waking them takes longer
than the sum itself: 60 µs for 1 MB, where one thread needs 16 µs. A piece of 400,000 bytes is
reduced by one thread and stays in its cache, with what is derived from it (|x|, sign x).
"""

import functools
from collections.abc import Callable, Sequence, Set
from typing import Any

import tensorflow as tf

from keras_course_ext._tracing import on_gpu, under_xla
from keras_course_ext.monitoring.capture.graph import source

_PIECE = 98_304  # elements
_MOST_PIECES = 32
_LARGE = 16_384
_TYPICAL_BATCH = 32
_PACKED = 16_384
_PACKED_UNDER_XLA = 1024
_WORTH_FOLDING = 4096
_FOLDS = 3
_ALIGNED = 16  # a slice that begins and ends at a multiple of 16 elements is not copied

_RECTIFIED = {"Relu", "Relu6"}

HALF_SQUARES, ABS_SUM, ABS_MAX = "half_squares", "abs_sum", "abs_max"
NONZERO, NON_FINITE, SUM = "nonzero", "non_finite", "sum"


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
            number of elements that are not 0 (NaN if one is NaN), `NON_FINITE` the number of those
            that are not finite and `SUM` Σ xᵢ.
        about: A number for each tensor that is subtracted from its elements first; default none.
        dtype: Dtype in which the elements are summed; default `tf.float32`.

    Returns:
        By name, tensors of that dtype and of shape `(len(tensors),)`.
    """
    places, distinct = _distinct(tensors)
    if not distinct:
        return {name: tf.zeros(0, dtype) for name in wanted}
    single: dict[str, list[tf.Tensor]] = {name: [] for name in wanted}
    packed: dict[str, list[tf.Tensor]] = {name: [] for name in wanted}
    owners_of_single: list[int] = []
    owners_of_packed: list[int] = []
    shifts = None if about is None else tf.unstack(about)
    for numbers in _packs([tensors[i] for i in distinct]):
        members = [distinct[n] for n in numbers]
        if len(numbers) == 1:
            shift = None if shifts is None else shifts[members[0]]
            for piece in pieces(tensors[members[0]]):
                owners_of_single += numbers
                x = tf.cast(piece, dtype)
                _reduce(x if shift is None else x - shift, single, rows=False)
        else:
            owners_of_packed += numbers
            together = [tensors[i] for i in members]
            offsets = None if about is None else tf.gather(about, members)
            x = tf.reshape(tf.cast(tf.stack(together), dtype), [len(members), -1])
            x = x if offsets is None else x - offsets[:, None]
            _reduce(x, packed, rows=True)
    owners = owners_of_single + owners_of_packed
    sums = {}
    for name in wanted:
        parts = [tf.stack(single[name])] if owners_of_single else []
        parts += packed[name]
        x = parts[0] if len(parts) == 1 else tf.concat(parts, axis=0)
        sums[name] = _joined(name, x, owners, len(distinct))
    if len(distinct) == len(tensors):
        return sums
    return {name: tf.gather(x, places) for name, x in sums.items()}


def _packs(tensors: Sequence[tf.Tensor]) -> list[list[int]]:
    """Find small tensors of one shape, which are reduced together, as the rows of one matrix.

    Every operation costs half a millisecond when it is traced, and a microsecond in each step; XLA
    needs ten milliseconds to compile one. Under XLA only small ones are joined, because it makes
    one loop of the copy and the sum.

    Returns:
        Numbers of the tensors of each matrix, of several pieces in all; of one tensor if it is
        large or there is none of its shape.
    """
    most = _PACKED_UNDER_XLA if under_xla() else _PACKED
    same: dict[Any, list[int]] = {}
    sizes = [x.shape.num_elements() for x in tensors]
    for i, (x, n) in enumerate(zip(tensors, sizes, strict=True)):
        small = n is not None and 0 < n <= most
        same.setdefault((x.dtype, tuple(x.shape)) if small else i, []).append(i)
    packs = []
    for numbers in same.values():
        rows = max(1, _PIECE // (sizes[numbers[0]] or 1))
        packs += [numbers[at : at + rows] for at in range(0, len(numbers), rows)]
    return packs


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


def _stays_whole(x: tf.Tensor) -> bool:
    # A GPU reduces a tensor of any size in one launch, which costs more than the sum itself.
    return tf.executing_eagerly() or under_xla() or on_gpu(x)


def pieces(x: tf.Tensor) -> list[tf.Tensor]:
    """Return the elements of x as a few flat views; x itself if it is small, or on a GPU."""
    if _stays_whole(x):
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
    """Return the samples of a batch as a few views; itself if it is small, or on a GPU."""
    if _stays_whole(x):
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


def _reduce(x: tf.Tensor, found: dict[str, list[tf.Tensor]], rows: bool) -> None:
    """Reduce all of x, or each of its rows."""
    if HALF_SQUARES in found:
        found[HALF_SQUARES].append(half_of_squares(x, rows))
    if SUM in found:
        found[SUM].append(total(x, rows))
    if NONZERO in found:
        # Comparing gives booleans, whose sum takes three times as long.
        found[NONZERO].append(half_of_squares(tf.sign(x), rows))
    if NON_FINITE in found:
        finite = tf.cast(tf.math.is_finite(x), x.dtype)
        found[NON_FINITE].append(total(1.0 - finite, rows))
    if ABS_SUM in found or ABS_MAX in found:
        absolute = tf.abs(x)
        if ABS_SUM in found:
            found[ABS_SUM].append(total(absolute, rows))
        if ABS_MAX in found:
            found[ABS_MAX].append(_folded(absolute, _largest, tf.reduce_max, rows))


def half_of_squares(x: tf.Tensor, rows: bool = False) -> tf.Tensor:
    """Return Σ xᵢ² / 2 of all of x, or of each of its rows."""
    if rows or under_xla():
        return 0.5 * _folded(x * x, tf.add_n, tf.reduce_sum, rows)
    return tf.nn.l2_loss(x)


def total(x: tf.Tensor, rows: bool = False) -> tf.Tensor:
    """Return Σ xᵢ of all of x, or of each of its rows."""
    return _folded(x, tf.add_n, tf.reduce_sum, rows)


def _folded(x: tf.Tensor, join: Callable, reduce: Callable, rows: bool) -> tf.Tensor:
    """Reduce all of x, or each of its rows; under XLA after folding it three times, half upon half.

    XLA's loop on a CPU adds one element after the other, and each addition waits for the one
    before. Behind three elementwise operations on halves it adds eight at a time, in a quarter of
    the time. Cut into eighths at once it compiles faster, but a step of a transformer block with
    all statistics then takes 1.55 of the plain step and not 1.16.

    Args:
        x: The tensor.
        join: Joins two halves elementwise.
        reduce: `tf.reduce_sum`, or `tf.reduce_max` of elements that are not below 0.
        rows: Whether to reduce each row of a matrix; they are short.
    """
    if rows:
        return reduce(x, axis=1)
    known = x.shape.num_elements()
    per_sample = x.shape[1:].num_elements() if x.shape.rank else None
    if (known or (per_sample or 0) * _TYPICAL_BATCH) < _WORTH_FOLDING or not under_xla():
        return reduce(x)
    if known is not None:
        long_rows = known // x.shape[-1] < 2**_FOLDS
        x = tf.reshape(x, [-1] if long_rows else [-1, x.shape[-1]])
    odd = []
    for _ in range(_FOLDS):
        # A constant when XLA compiles, even if the batch size is unknown to the graph.
        n: Any = x.shape[0] if x.shape[0] is not None else tf.shape(x)[0]
        half = n // 2
        if not isinstance(n, int) or n % 2:
            odd.append(reduce(x[2 * half :]))
        x = join([x[:half], x[half : 2 * half]])
    return reduce(tf.stack([reduce(x), *odd])) if odd else reduce(x)


def _largest(parts: Sequence[tf.Tensor]) -> tf.Tensor:
    return functools.reduce(tf.maximum, parts)


def _joined(name: str, x: tf.Tensor, owners: list[int], n: int) -> tf.Tensor:
    if name == NONZERO:
        x *= 2.0
    if len(owners) > n:
        join = tf.math.unsorted_segment_max if name == ABS_MAX else tf.math.unsorted_segment_sum
        return join(x, tf.constant(owners), n)
    if owners == list(range(n)):
        return x
    return tf.gather(x, [owners.index(i) for i in range(n)])
