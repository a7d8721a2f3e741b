"""What is recorded of a weight and of a layer's output, computed inside the training step."""

from collections.abc import Sequence, Set
from typing import Any

import numpy as np
import tensorflow as tf

# Of a trainable weight W with n elements and gradient g = ∂L/∂W, before clipping:
WEIGHT_STATISTICS = (
    "grad_norm",  # ‖g‖₂
    "grad_mean_abs",  # 1/n Σ |gᵢ|
    "grad_max_abs",  # max |gᵢ|
    "grad_zero_share",  # share of elements that are exactly 0
    "grad_non_finite",  # number of elements that are NaN or infinite
    "weight_norm",  # ‖W‖₂ before the step
    "update_ratio",  # ‖W' − W‖₂ / ‖W‖₂ of the step truly taken
)
# Of a layer's output A, over all of its elements:
OUTPUT_STATISTICS = (
    "grad_norm",  # ‖∂L/∂A‖₂
    "mean",
    "std",
    "zero_share",  # share of elements that are exactly 0
    "saturated_share",  # share of elements at which |f'| is under 1 % of its maximum
    "dead_units",  # number of units that were 0 for every sample since the last reading
)
# Of the whole model; computed from the others.
MODEL_STATISTICS = (
    "grad_norm",  # ‖g‖₂ over all weights
    "signal_decay",  # factor by which ‖∂L/∂A‖ changes per layer on its way back
    "clipped_share",  # share of the weights whose gradient the optimizer clips
    "skipped_steps",  # steps that loss scaling skipped since the last reading
    "grad_noise",  # standard deviation of ‖g‖₂ over its mean, in the window
)

# What stands in a row of the buffer for an output; `combined` makes the statistics of it.
OUTPUT_SUMS = ("norm", "count", "sum", "squares", "zeros", "saturated")


def weight_columns(
    gradients: Sequence[tf.Tensor],
    sizes: Sequence[int],
    norms: tf.Tensor,
    scale: tf.Tensor,
    wanted: Set[str],
) -> list[tf.Tensor]:
    """Return the statistics of some gradients, as columns with one entry a weight.

    Args:
        gradients: Their elements, those that are certainly 0 possibly left out.
        sizes: Numbers of elements with them.
        norms: ‖g‖₂, unscaled.
        scale: The factor by which the gradients are scaled.
        wanted: Names out of `WEIGHT_STATISTICS`.

    Returns:
        The norms, and what else is wanted up to `"grad_non_finite"`, in the order of
        `WEIGHT_STATISTICS`.
    """
    columns = [norms]
    n = tf.constant(sizes, tf.float32)
    gradients = [tf.cast(g, tf.float32) for g in gradients]
    absolute = [tf.abs(g) for g in gradients] if wanted & {"grad_mean_abs", "grad_max_abs"} else []
    if "grad_mean_abs" in wanted:
        columns.append(tf.stack([tf.reduce_sum(g) for g in absolute]) / n / scale)
    if "grad_max_abs" in wanted:
        columns.append(tf.stack([tf.reduce_max(g) for g in absolute]) / scale)
    if "grad_zero_share" in wanted:
        other = tf.stack([_count(tf.not_equal(g, 0.0)) for g in gradients])
        columns.append((n - other) / n)
    if "grad_non_finite" in wanted:
        counts = tf.cond(
            tf.reduce_all(tf.math.is_finite(norms)),
            lambda: tf.zeros(len(gradients)),
            lambda: tf.stack([_count(~tf.math.is_finite(g)) for g in gradients]),
        )
        columns.append(counts)
    return columns


def output_row(
    a: tf.Tensor, saturated: tf.Tensor | None, norm: tf.Tensor, wanted: Set[str]
) -> list[tf.Tensor]:
    """Return `OUTPUT_SUMS` of one output; NaN stands for what is not wanted or not known.

    Args:
        a: The output A.
        saturated: At which of its elements the activation is saturated, or None.
        norm: ‖∂L/∂A‖₂.
        wanted: Names out of `OUTPUT_STATISTICS`.
    """
    a = tf.cast(a, tf.float32)
    absent = tf.constant(np.nan)
    count = tf.cast(tf.size(a), tf.float32)
    total = squares = zeros = hit = absent
    if "mean" in wanted or "std" in wanted:
        total = tf.reduce_sum(a)
        if "std" in wanted:
            squares = 2.0 * tf.nn.l2_loss(a - total / count)
    if "zero_share" in wanted:
        zeros = _count(tf.equal(a, 0.0))
    if saturated is not None and "saturated_share" in wanted:
        hit = _count(saturated)
    return [norm, count, total, squares, zeros, hit]


def combined(rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return the statistics of an output from the sums of the replicas.

    Args:
        rows: Shape `(replicas, steps, len(OUTPUT_SUMS))`.

    Returns:
        By name out of `OUTPUT_STATISTICS`, arrays of shape `(steps,)`.
    """
    norm, count, total, squares, zeros, saturated = np.moveaxis(rows.astype(np.float64), -1, 0)
    n = count.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = total.sum(axis=0) / n
        # The replicas' means differ from the common one, and their squares are about their own.
        between = (count * (total / count - mean) ** 2).sum(axis=0)
        return {
            "grad_norm": np.sqrt((norm**2).sum(axis=0)),
            "mean": mean,
            "std": np.sqrt((squares.sum(axis=0) + between) / n),
            "zero_share": zeros.sum(axis=0) / n,
            "saturated_share": saturated.sum(axis=0) / n,
        }


def live_units(outputs: Sequence[Any]) -> tf.Tensor:
    """Return which units, along the last axis, were not 0 for some sample, as 0 and 1."""
    return tf.reduce_max(
        tf.stack(
            [
                tf.reduce_max(
                    tf.cast(tf.not_equal(tf.reshape(a, (-1, a.shape[-1])), 0), tf.float32), axis=0
                )
                for a in outputs
            ]
        ),
        axis=0,
    )


def _count(condition: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(condition, tf.float32))
