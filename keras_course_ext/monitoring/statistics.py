"""What is recorded of a weight and of a layer's output, and in which order."""

import numpy as np

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

# What stands in place of a statistic of a step at which it was not measured.
NOT_MEASURED = float(np.finfo(np.float32).min)

# What stands in a row of the buffer for an output; `combined` makes the statistics of it.
OUTPUT_SUMS = ("norm", "count", "sum", "squares", "zeros", "saturated")


def combined(rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return the statistics of an output from the sums of the replicas.

    Args:
        rows: Shape `(replicas, steps, len(OUTPUT_SUMS))`.

    Returns:
        By name out of `OUTPUT_STATISTICS`, arrays of shape `(steps,)`.
    """
    # Where something was not finite on one replica only, that one alone has measured it.
    unmeasured = rows == np.float32(NOT_MEASURED)
    late = unmeasured.all(axis=0)
    rows = np.where(unmeasured, 0.0, rows.astype(np.float64))
    norm, count, total, squares, zeros, saturated = np.moveaxis(rows, -1, 0)
    n = count.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = total.sum(axis=0) / n
        # The replicas' means differ from the common one, and their squares are about their own.
        between = (count * (total / np.maximum(count, 1) - mean) ** 2).sum(axis=0)
        found = {
            "grad_norm": np.sqrt((norm**2).sum(axis=0)),
            "mean": mean,
            "std": np.sqrt((squares.sum(axis=0) + between) / n),
            "zero_share": zeros.sum(axis=0) / n,
            "saturated_share": saturated.sum(axis=0) / n,
        }
    # What is measured of the gradient, and of the output.
    absent = {name: late[:, 0 if name == "grad_norm" else 1] for name in found}
    return {name: np.where(absent[name], NOT_MEASURED, x) for name, x in found.items()}
