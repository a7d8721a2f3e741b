"""What is measured of a tensor inside a step, and how several devices' measurements are joined.

A row of the record holds such sums; `statistics.py` computes the statistics from them on the host.
The name of a sum is `"<tensor>.<reduction>"`, where the tensor is

* of a weight `"gradient"` ∂L/∂W before clipping, `"weight"` W before the update, or `"update"`
  W' − W;
* of a layer's output `"output"` A, or `"signal"` ∂L/∂A.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

NOT_MEASURED = float(np.finfo(np.float32).min)
"""Stands in a row for a sum of a step at which it was not measured."""

ABSENT = -3e38
"""Stands in a row for a sum of a tensor that the step did not have: no gradient, no call."""

LIVE = "output.live"
"""Not part of a row: for each unit, for how many samples of an epoch it was not 0."""


class Reduction(NamedTuple):
    """One number of all elements x₁ ... xₙ of a tensor.

    Attributes:
        of: Computes it from a NumPy array, in float64.
        join: Joins the numbers of several devices, each of a part of the batch; from shape
            `(devices, steps)` to shape `(steps,)`.
        scales: Whether it scales with the elements, and so with the loss scale.
    """

    of: Callable[[np.ndarray], float]
    join: Callable[[np.ndarray], np.ndarray]
    scales: bool


def _norm(x: np.ndarray) -> float:
    with np.errstate(invalid="ignore", over="ignore"):
        return float(np.sqrt(np.sum(x * x)))


def _total(x: np.ndarray) -> np.ndarray:
    return x.sum(axis=0)


REDUCTIONS: Mapping[str, Reduction] = {
    "norm": Reduction(_norm, lambda x: np.sqrt((x * x).sum(axis=0)), scales=True),  # √Σ xᵢ²
    "abs_sum": Reduction(lambda x: float(np.abs(x).sum()), _total, scales=True),  # Σ |xᵢ|
    "abs_max": Reduction(  # max |xᵢ|
        lambda x: float(np.abs(x).max(initial=0.0)), lambda x: x.max(axis=0), scales=True
    ),
    "nonzero": Reduction(lambda x: float((x != 0).sum()), _total, scales=False),
    "non_finite": Reduction(lambda x: float((~np.isfinite(x)).sum()), _total, scales=False),
    "count": Reduction(lambda x: float(x.size), _total, scales=False),
    "sum": Reduction(lambda x: float(x.sum()), _total, scales=True),  # Σ xᵢ
    "squares": Reduction(  # Σ (xᵢ − mean)²
        lambda x: float(((x - x.mean()) ** 2).sum()), _total, scales=False
    ),
    "saturated": Reduction(lambda x: np.nan, _total, scales=False),  # depends on the activation
}
"""By name. `capture/sums.py` computes the same from TensorFlow's tensors."""


def is_missing(x: np.ndarray) -> np.ndarray:
    """Say where a sum was not measured, or its tensor did not exist."""
    return (x == np.float32(NOT_MEASURED)) | (x == np.float32(ABSENT))


def joined(sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the sums of an output, joined over the devices that computed parts of the batch.

    Where a step was recorded on one device only, because something was not finite there, the
    other devices have no value and are left out.

    Args:
        sums: By name, float32 arrays of shape `(devices, steps, ...)`.

    Returns:
        By name, float64 arrays of shape `(steps, ...)`; `NOT_MEASURED` or `ABSENT` where no device
        has a value.
    """
    missing = {name: is_missing(x) for name, x in sums.items()}
    known = {name: np.where(missing[name], 0.0, x.astype(np.float64)) for name, x in sums.items()}
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found = {name: REDUCTIONS[name.split(".")[1]].join(x) for name, x in known.items()}
        if "output.squares" in known:
            # Each device's squares are about its own mean, which differs from the common one.
            n, total = known["output.count"], known["output.sum"]
            mean = found["output.sum"] / found["output.count"]
            found["output.squares"] += (n * (total / np.maximum(n, 1) - mean) ** 2).sum(axis=0)
    for name, x in sums.items():
        found[name] = np.where(missing[name].all(axis=0), x.max(axis=0), found[name])
    return found
