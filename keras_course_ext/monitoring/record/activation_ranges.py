"""The values that an activation function can take, and targets that lie outside of them."""

import numpy as np

_INFINITY = np.inf

RANGES: dict[str, tuple[float, float]] = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "sparsemax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, _INFINITY),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, _INFINITY),
    "exponential": (0.0, _INFINITY),
    "elu": (-1.0, _INFINITY),
    "selu": (-1.7581, _INFINITY),
    "gelu": (-0.17, _INFINITY),
    "silu": (-0.2785, _INFINITY),
    "mish": (-0.3089, _INFINITY),
    "hard_silu": (-0.375, _INFINITY),
    "log_softmax": (-_INFINITY, 0.0),
    "log_sigmoid": (-_INFINITY, 0.0),
    "linear": (-_INFINITY, _INFINITY),
    "leaky_relu": (-_INFINITY, _INFINITY),
}
"""Infimum and supremum, by the name of the function."""

SUMS_TO_ONE = ("softmax", "sparsemax")


def out_of_reach(activation: str | None, y: np.ndarray) -> float | None:
    """Return the share of the targets' variance that an activation cannot reach.

    mean (y − nearest reachable y)² / variance of y beside the means of its columns

    Args:
        activation: Name of the function.
        y: Targets, shape `(samples, ...)`.

    Returns:
        0 if all are within reach; above 1 if even the mean is not. None if it is unknown.
    """
    if activation not in RANGES or not y.size:
        return None
    low, high = RANGES[activation]
    rows = np.asarray(y, np.float64).reshape(-1, y.shape[-1] if y.ndim > 1 else 1)
    rows = rows[np.isfinite(rows).all(axis=-1)]
    if not len(rows):
        return None
    missed = (rows - np.clip(rows, low, high)) ** 2
    if activation in SUMS_TO_ONE:
        # The distance from the plane on which the elements of a row add up to 1.
        off = (rows.sum(axis=-1, keepdims=True) - 1.0) / rows.shape[-1]
        missed = np.maximum(missed.mean(axis=-1, keepdims=True), off**2)
    variance = float(rows.var(axis=0).mean())
    lost = float(missed.mean())
    if lost == 0.0:
        return 0.0
    return lost / variance if variance > 0 else float(np.finfo(np.float32).max)
