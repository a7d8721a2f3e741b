"""Central differences: derivatives computed without rules of differentiation."""

from collections.abc import Sequence

import numpy as np

from keras_course_ext.gradient_check.function import Function
from keras_course_ext.gradient_check.precision import Precision

# Four points: their truncation error is of order h⁴, that of two points of order h².
_WEIGHTS = {-2: 1, -1: -8, 1: 8, 2: -1}


class Differences:
    """Differences of Σ u · f when one input moves.

    Args:
        function: f.
        u: The weights of its outputs.
        which: Number of the input that moves.
        precision: The lowest precision in the function.
    """

    def __init__(self, function: Function, u: list[np.ndarray], which: int, precision: Precision):
        self._function = function
        self._u = [part.astype(np.float64) for part in u]
        self._which = which
        self._precision = precision
        self._x = function.inputs[which].value
        self._steps = precision.step * np.maximum(1.0, np.abs(self._x)).astype(self._x.dtype)

    def derivative(self, direction: tuple[int, ...] | np.ndarray) -> tuple[float, float]:
        """The derivative along one element or an array of signs, and its error by rounding."""
        h = self._length(direction)
        outputs = {k: self._outputs(direction, k) for k in _WEIGHTS}
        total = rounding = 0.0
        for i, u in enumerate(self._u):
            total += np.sum(u * sum(w * outputs[k][i] for k, w in _WEIGHTS.items()))
            moved = np.any([outputs[k][i] != outputs[1][i] for k in _WEIGHTS], axis=0)
            rounding += np.sum(np.abs(u * outputs[1][i]), where=moved)
        # The weights sum to 18 in absolute value; some operations in f round once each.
        return total / (12 * h), 4 * self._precision.epsilon * rounding * 18 / (12 * h)

    def projected(self, gradient: np.ndarray, direction: np.ndarray) -> float:
        """The derivative along `direction` that follows from `gradient`."""
        return float(np.sum(gradient * direction * self._steps) / self._length(direction))

    def one_sided(self, place: tuple[int, ...], fraction: float) -> tuple[float, float]:
        """The slopes to the left and to the right of x, over a fraction of the step."""
        h = self._length(place) * fraction
        left, here, right = (self._outputs(place, k * fraction) for k in (-1, 0, 1))
        pairs = list(zip(self._u, left, here, right, strict=True))
        return (
            sum(float(np.sum(u * (b - a))) for u, a, b, _ in pairs) / h,
            sum(float(np.sum(u * (c - b))) for u, _, b, c in pairs) / h,
        )

    def reach(self, place: tuple[int, ...]) -> float:
        """The step h at x."""
        return 2 * self._length(place)

    def _length(self, direction: tuple[int, ...] | np.ndarray) -> float:
        if isinstance(direction, np.ndarray):
            return float(np.linalg.norm((direction * self._steps).ravel()))
        return float(self._steps[direction])

    def _outputs(
        self, direction: tuple[int, ...] | np.ndarray, steps: float
    ) -> Sequence[np.ndarray]:
        x = self._x.copy()
        if isinstance(direction, np.ndarray):
            x += (steps * direction * self._steps).astype(x.dtype)
        else:
            x[direction] += steps * self._steps[direction]
        arrays = [i.value for i in self._function.inputs]
        arrays[self._which] = x
        return [y.astype(np.float64) for y in self._function.values(arrays)]
