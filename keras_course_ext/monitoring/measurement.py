"""The statistics of a step's tensors, computed inside of it."""

from collections.abc import Sequence, Set

import numpy as np
import tensorflow as tf

from keras_course_ext._tracing import under_xla
from keras_course_ext.monitoring.norms import norms_and_non_finite, norms_in_passing
from keras_course_ext.monitoring.reductions import (
    ABS_MAX,
    ABS_SUM,
    NONZERO,
    SQUARES,
    SUM,
    half_of_squares,
    is_rectified,
    pieces,
    reduced,
    samples,
    total,
)
from keras_course_ext.monitoring.saturation import Margin, relu_margin

_OF_GRADIENT = {
    "grad_mean_abs": ABS_SUM,
    "grad_max_abs": ABS_MAX,
    "grad_zero_share": NONZERO,
}


def gradient_columns(
    gradients: Sequence[tf.Tensor],
    sizes: Sequence[int],
    signals: Sequence[tf.Tensor],
    scale: tf.Tensor | None,
    wanted: Set[str],
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Return the statistics of the weights' gradients, and the norms of what flows back.

    Args:
        gradients: ∂L/∂W of each weight, elements that are certainly 0 possibly left out.
        sizes: Their numbers of elements with those.
        signals: ∂L/∂A of each output.
        scale: The factor by which all of them are scaled; None for 1.
        wanted: Names out of `WEIGHT_STATISTICS`.

    Returns:
        Columns with one entry a weight: the norms, and what else is wanted up to
        `"grad_non_finite"`, in the order of `WEIGHT_STATISTICS`; and ‖∂L/∂A‖ of each signal.
    """
    sums = reduced(gradients, {SQUARES} | {s for w, s in _OF_GRADIENT.items() if w in wanted})
    if under_xla():
        of_signals = norms_in_passing(signals)
        norms, non_finite = norms_and_non_finite(gradients, sums[SQUARES])
    else:
        half = tf.concat([sums[SQUARES], reduced(signals, {SQUARES})[SQUARES]], axis=0)
        norms, non_finite = norms_and_non_finite([*gradients, *signals], half)
        norms, of_signals = norms[: len(sizes)], norms[len(sizes) :]
    n = tf.constant(sizes, tf.float32)
    columns = [_unscaled(norms, scale)]
    if "grad_mean_abs" in wanted:
        columns.append(_unscaled(sums[ABS_SUM] / n, scale))
    if "grad_max_abs" in wanted:
        columns.append(_unscaled(sums[ABS_MAX], scale))
    if "grad_zero_share" in wanted:
        columns.append((n - sums[NONZERO]) / n)
    if "grad_non_finite" in wanted:
        columns.append(non_finite[: len(sizes)])
    return columns, _unscaled(of_signals, scale)


def output_columns(
    outputs: Sequence[tf.Tensor],
    saturation: Sequence[tuple[tf.Tensor, Margin] | tuple[None, None]],
    nonzero: Sequence[tf.Tensor | None],
    wanted: Set[str],
) -> list[tf.Tensor]:
    """Return `OUTPUT_SUMS` of some outputs but the norm; NaN for what is not wanted or not known.

    Args:
        outputs: The outputs A.
        saturation: For each, what to look at and its margin; see `Saturation.of`.
        nonzero: For each, how many of its elements are not 0, if that is known already.
        wanted: Names out of `OUTPUT_STATISTICS`.

    Returns:
        Columns with one entry an output.
    """
    absent = tf.fill([len(outputs)], np.float32(np.nan))
    count = tf.stack([tf.cast(tf.size(a), tf.float32) for a in outputs])
    total = squares = zeros = hit = absent
    if wanted & {"mean", "std"}:
        total = reduced(outputs, {SUM})[SUM]
    if "std" in wanted:
        squares = 2.0 * reduced(outputs, {SQUARES}, about=total / count)[SQUARES]
    if "zero_share" in wanted:
        zeros = count - tf.stack(_completed(nonzero, outputs))
    if "saturated_share" in wanted:
        sizes = tf.unstack(count)
        hit = tf.stack(list(map(_saturated_of, saturation, sizes, nonzero)))
    return [count, total, squares, zeros, hit]


def _completed(
    nonzero: Sequence[tf.Tensor | None], outputs: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    """Count what is not 0 where that is not known yet."""
    unknown = [a for a, n in zip(outputs, nonzero, strict=True) if n is None]
    counted = iter(tf.unstack(reduced(unknown, {NONZERO})[NONZERO]) if unknown else [])
    return [next(counted) if n is None else n for n in nonzero]


def nonzero_units(outputs: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return, for each unit along the last axis, for how many samples it was not 0."""
    counts = [_nonzero_columns(part, is_rectified(a)) for a in outputs for part in samples(a)]
    return counts[0] if len(counts) == 1 else tf.add_n(counts)


def _nonzero_columns(x: tf.Tensor, rectified: bool) -> tf.Tensor:
    signs = tf.sign(tf.cast(x, tf.float32))
    counts = tf.reduce_sum(signs if rectified else tf.abs(signs), axis=0)
    if x.shape.rank == 2:
        return counts
    return tf.reduce_sum(tf.reshape(counts, [-1, x.shape[-1]]), axis=0)


def _saturated_of(
    what: tuple[tf.Tensor, Margin] | tuple[None, None], size: tf.Tensor, nonzero: tf.Tensor | None
) -> tf.Tensor:
    x, margin = what
    if x is None or margin is None:
        return tf.constant(np.nan, tf.float32)
    if margin is relu_margin and nonzero is not None:
        return size - nonzero
    return _saturated(x, margin)


def _saturated(x: tf.Tensor, margin: Margin) -> tf.Tensor:
    """Count the elements whose margin is not above 0."""
    counts = []
    for piece in pieces(x):
        sign = tf.sign(margin(tf.cast(piece, tf.float32)))
        # Of −1, 0 and 1: Σ s² + Σ s is twice the number of ones.
        above = half_of_squares(sign) + 0.5 * total(sign)
        counts.append(tf.cast(tf.size(sign), tf.float32) - above)
    return counts[0] if len(counts) == 1 else tf.add_n(counts)


def _unscaled(x: tf.Tensor, scale: tf.Tensor | None) -> tf.Tensor:
    return x if scale is None else x / scale
