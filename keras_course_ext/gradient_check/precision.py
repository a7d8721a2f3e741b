"""The steps and tolerances of a gradient check in a floating-point format."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Precision:
    """The epsilon of a format, the step h of differences, and their default tolerances."""

    name: str
    epsilon: float
    step: float
    tolerance: float
    twin_tolerance: float


FLOAT64 = Precision("float64", 2.0**-52, 2e-5, 1e-8, 1e-12)
FLOAT32 = Precision("float32", 2.0**-23, 1e-2, 1e-3, 1e-5)


def precision_of(arrays: Iterable[np.ndarray]) -> Precision:
    """The lowest precision among `arrays`: a layer of float32 computes so from float64 inputs."""
    return FLOAT32 if any(x.dtype == np.float32 for x in arrays) else FLOAT64
