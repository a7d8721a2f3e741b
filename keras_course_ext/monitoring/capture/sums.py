"""The sums of a step's tensors, computed inside it; `record/sums.py` says what each of them is."""

from collections.abc import Mapping, Sequence, Set

import tensorflow as tf

from keras_course_ext._tracing import under_xla
from keras_course_ext.monitoring.capture.norms import (
    in_float64_at_once,
    l2_norms,
    non_finite_counts,
    norms_and_non_finite,
)
from keras_course_ext.monitoring.capture.reductions import (
    HALF_SQUARES,
    NONZERO,
    SUM,
    half_of_squares,
    is_rectified,
    pieces,
    reduced,
    samples,
    total,
)
from keras_course_ext.monitoring.capture.saturation import Margin, Saturation
from keras_course_ext.monitoring.record.sums import ABSENT, REDUCTIONS

Outputs = Mapping[str, Sequence[tf.Tensor]]
"""The outputs of each layer by its name, one for each use."""

# Reductions that are not computed by `reduced`.
_OTHERS = {"norm", "non_finite", "count", "squares", "saturated"}


def gradient_sums(
    gradients: Sequence[tf.Tensor],
    signals: Sequence[tf.Tensor],
    scale: tf.Tensor | None,
    names: Sequence[str],
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Return sums of the weights' gradients, and the norms of the outputs' gradients.

    Args:
        gradients: ∂L/∂W of each weight; elements that are certainly 0 may be left out.
        signals: ∂L/∂A of each output.
        scale: The factor by which all of them are scaled; None for 1.
        names: Names of the sums of a gradient, such as `"gradient.abs_max"`.

    Returns:
        For each name a tensor of shape `(len(gradients),)`; and one of shape `(len(signals),)`.
    """
    wanted = _reductions(names)
    counted = len(gradients) if "non_finite" in wanted else 0
    if in_float64_at_once([*gradients, *signals]):
        half, found = None, _reduced(gradients, wanted)
    else:  # The squares are summed where a piece is read for the other sums.
        found = reduced(gradients, {HALF_SQUARES} | (wanted - _OTHERS))
        half = tf.concat([found[HALF_SQUARES], reduced(signals, {HALF_SQUARES})[HALF_SQUARES]], 0)
    norms, non_finite = norms_and_non_finite([*gradients, *signals], counted, half)
    norms, of_signals = norms[: len(gradients)], norms[len(gradients) :]
    found |= {"norm": norms, "non_finite": non_finite}
    columns = []
    for name in names:
        reduction = name.split(".")[1]
        x = found[reduction]
        columns.append(_unscaled(x, scale) if REDUCTIONS[reduction].scales else x)
    return columns, _unscaled(of_signals, scale)


def value_sums(tensors: Sequence[tf.Tensor], names: Sequence[str]) -> tf.Tensor:
    """Return sums of the weights or of their updates.

    Args:
        tensors: W, or W' − W up to its sign, of each weight.
        names: Names of the sums.

    Returns:
        A tensor of shape `(len(tensors), len(names))`.
    """
    wanted = _reductions(names)
    found = _reduced(tensors, wanted)
    if wanted & {"norm", "non_finite"}:
        counted = len(tensors) if "non_finite" in wanted else 0
        found["norm"], found["non_finite"] = norms_and_non_finite(tensors, counted)
    if not names or not tensors:
        return tf.zeros((len(tensors), len(names)))
    return tf.stack([found[name.split(".")[1]] for name in names], axis=1)


def output_sums(
    outputs: Sequence[tf.Tensor],
    inputs: Sequence[tf.Tensor | None],
    saturation: Sequence[Saturation],
    nonzero: Sequence[tf.Tensor | None],
    names: Sequence[str],
) -> tf.Tensor:
    """Return sums of some outputs.

    Args:
        outputs: The outputs A.
        inputs: For each, Z before the activation, where that was kept.
        saturation: For each, how to see that it is saturated.
        nonzero: For each, how many of its elements are not 0, if that is known already.
        names: Names of the sums.

    Returns:
        A tensor of shape `(len(outputs), len(names))`, `ABSENT` where the saturation is unknown.
    """
    wanted = _reductions(names)
    count = tf.cast(tf.stack([tf.size(a) for a in outputs]), tf.float32)
    found = _reduced(outputs, wanted - {NONZERO})
    found["count"] = count
    if "squares" in wanted:
        sums = found[SUM] if SUM in found else reduced(outputs, {SUM})[SUM]
        found["squares"] = 2.0 * reduced(outputs, {HALF_SQUARES}, about=sums / count)[HALF_SQUARES]
    if "norm" in wanted:
        found["norm"] = l2_norms(outputs)
    if "non_finite" in wanted:
        found["non_finite"] = non_finite_counts(outputs)
    if NONZERO in wanted:
        found[NONZERO] = tf.stack(_completed(nonzero, outputs))
    if "saturated" in wanted:
        found["saturated"] = tf.stack(
            [
                _saturated_of(how, how.of(a, z), n, known)
                for a, z, how, n, known in zip(
                    outputs, inputs, saturation, tf.unstack(count), nonzero, strict=True
                )
            ]
        )
    return tf.stack([found[name.split(".")[1]] for name in names], axis=1)


def nonzero_units(outputs: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return, for each unit along the last axis, for how many samples it was not 0."""
    counts = [_nonzero_columns(part, is_rectified(a)) for a in outputs for part in samples(a)]
    return counts[0] if len(counts) == 1 else tf.add_n(counts)


def _reductions(names: Sequence[str]) -> set[str]:
    return {name.split(".")[1] for name in names}


def _reduced(tensors: Sequence[tf.Tensor], wanted: Set[str]) -> dict[str, tf.Tensor]:
    """Return those of the reductions that `reduced` computes."""
    return reduced(tensors, wanted - _OTHERS) if wanted - _OTHERS else {}


def _unscaled(x: tf.Tensor, scale: tf.Tensor | None) -> tf.Tensor:
    return x if scale is None else x / scale


def _completed(
    nonzero: Sequence[tf.Tensor | None], outputs: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    """Count the elements that are not 0 where that is not known yet."""
    unknown = [a for a, n in zip(outputs, nonzero, strict=True) if n is None]
    counted = iter(tf.unstack(reduced(unknown, {NONZERO})[NONZERO]) if unknown else [])
    return [next(counted) if n is None else n for n in nonzero]


def _nonzero_columns(x: tf.Tensor, rectified: bool) -> tf.Tensor:
    signs = tf.sign(tf.cast(x, tf.float32))
    counts = tf.reduce_sum(signs if rectified else tf.abs(signs), axis=0)
    if x.shape.rank == 2:
        return counts
    return tf.reduce_sum(tf.reshape(counts, [-1, x.shape[-1]]), axis=0)


def _saturated_of(
    how: Saturation,
    what: tuple[tf.Tensor, Margin] | None,
    size: tf.Tensor,
    nonzero: tf.Tensor | None,
) -> tf.Tensor:
    if what is None:
        return tf.constant(ABSENT, tf.float32)
    if how.at_zeros and nonzero is not None:
        return size - nonzero
    return _saturated(*what)


def _saturated(x: tf.Tensor, margin: Margin) -> tf.Tensor:
    """Count the elements whose margin is not above 0."""
    counts = []
    for piece in pieces(x):
        sign = tf.sign(margin(tf.cast(piece, tf.float32)))
        # Of −1, 0 and 1: Σ s² + Σ s is twice the number of ones. XLA makes a loop of every sum.
        if under_xla():
            above = total(0.5 * (sign * sign + sign))
        else:
            above = half_of_squares(sign) + 0.5 * total(sign)
        counts.append(tf.cast(tf.size(sign), tf.float32) - above)
    return counts[0] if len(counts) == 1 else tf.add_n(counts)


def as_one(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return the elements of some tensors as one tensor."""
    if len(tensors) == 1:
        return tensors[0]
    return tf.concat([tf.reshape(a, [-1]) for a in tensors], axis=0)
