"""The comparisons of a gradient check, made one input after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from keras_course_ext.gradient_check.differences import Differences
from keras_course_ext.gradient_check.function import Function
from keras_course_ext.gradient_check.hint import hint
from keras_course_ext.gradient_check.inputs import Input
from keras_course_ext.gradient_check.precision import FLOAT32, Precision
from keras_course_ext.gradient_check.report import Comparison, GradcheckError

_DIFFERENCES = "central differences"
_NONE = (
    "the gradient is None, which counts as 0: the output does not depend on this input, or a NumPy "
    "function or `tf.stop_gradient` lies between"
)


@dataclass
class Comparing:
    """How gradients are compared: with which tolerances, at how many elements."""

    precision: Precision
    rtol: float
    atol: float
    twin_rtol: float
    samples: int
    rng: np.random.Generator
    notes: list[str] = field(default_factory=list)

    def compare(
        self, function: Function, outputs: list[np.ndarray], twin: Function | None, order: int
    ) -> list[Comparison]:
        """All comparisons up to `order`; the second order only if the first is right."""
        if self.precision is FLOAT32:
            self.notes.append(
                "Something here is float32, where differences have few digits: pass float64, and "
                "make layers with dtype='float64', for a sharp check."
            )
        u = self._weights(outputs)
        rows = [] if twin is None else self._values(outputs, twin)
        rows += self._gradients(function, u, twin)
        if order == 1 or not all(row.ok for row in rows):
            return rows
        second = function.derivative(u)
        u2 = self._weights([i.value for i in function.inputs])
        second_rows = self._gradients(second, u2, twin and twin.derivative(u))
        return rows + [replace(r, input=f"second order: {r.input}") for r in second_rows]

    def _weights(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        return [np.array(self.rng.uniform(0.5, 1.5, y.shape), y.dtype) for y in outputs]

    def _values(self, outputs: list[np.ndarray], twin: Function) -> list[Comparison]:
        expected = twin.values([i.value for i in twin.inputs])
        shapes, twin_shapes = ([y.shape for y in ys] for ys in (outputs, expected))
        if shapes != twin_shapes:
            raise GradcheckError(
                f"The function's outputs have the shapes {shapes}, the twin's {twin_shapes}."
            )
        return [
            self._against_twin(f"output {n}", "the twin's value", y, expected[n])
            for n, y in enumerate(outputs)
            if y.size
        ]

    def _gradients(
        self, function: Function, u: list[np.ndarray], twin: Function | None
    ) -> list[Comparison]:
        arrays = [i.value for i in function.inputs]
        rows = []
        found = function.gradients(arrays, u)
        twins = found if twin is None else twin.gradients(arrays, u)
        for which, (i, g, g_twin) in enumerate(zip(function.inputs, found, twins, strict=True)):
            if not i.value.size:
                self.notes.append(f"{i.label} has no elements: nothing to check.")
                continue
            gradient = _of_shape(i, g)
            new = self._against_differences(
                i.label, gradient, Differences(function, u, which, self.precision)
            )
            if twin is not None and i.variable is not None and g_twin is None:
                self.notes.append(f"The twin doesn't read {i.label}: not compared with it.")
            elif twin is not None:
                expected = _of_shape(i, g_twin)
                new += [self._against_twin(i.label, "autodiff of the twin", gradient, expected)]
            rows += [replace(row, note=_NONE) for row in new] if g is None else new
        return rows

    def _against_twin(
        self, label: str, reference: str, found: np.ndarray, expected: np.ndarray
    ) -> Comparison:
        scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
        places = list(np.ndindex(found.shape))
        allowed = [self.twin_rtol * scale] * len(places)
        return _worst(label, reference, places, found, expected.ravel().tolist(), allowed)

    def _against_differences(
        self, label: str, gradient: np.ndarray, differences: Differences
    ) -> list[Comparison]:
        n = gradient.size
        drawn = range(n)
        if n > self.samples:
            drawn = np.sort(self.rng.choice(n, self.samples, replace=False))
        places = [tuple(map(int, np.unravel_index(k, gradient.shape))) for k in drawn]
        slopes = [differences.derivative(place) for place in places]
        allowed = [self._allowed(*slope) for slope in slopes]
        expected = [slope for slope, _ in slopes]
        row = _worst(label, _DIFFERENCES, places, gradient, expected, allowed)
        rows = [row if row.ok else replace(row, note=hint(row, differences))]
        if len(places) < n:
            signs = self.rng.choice([-1.0, 1.0], gradient.shape)
            slope, rounding = differences.derivative(signs)
            found, far = differences.projected(gradient, signs), self._allowed(slope, rounding)
            rows.append(Comparison(label, _DIFFERENCES, None, found, slope, far, n, n))
        return rows

    def _allowed(self, slope: float, rounding: float) -> float:
        return self.atol + self.rtol * abs(slope) + rounding


def _of_shape(i: Input, gradient: np.ndarray | None) -> np.ndarray:
    if gradient is None:
        return np.zeros(i.value.shape)
    if gradient.shape != i.value.shape:
        raise GradcheckError(
            f"The gradient of {i.label} has shape {gradient.shape}, but must have that of the "
            f"input, {i.value.shape}. Where the function broadcasts or flattens, sum or reshape "
            "the gradient back."
        )
    return gradient.astype(np.float64)


def _worst(
    label: str,
    reference: str,
    places: list[tuple[int, ...]],
    found: np.ndarray,
    expected: Sequence[float],
    allowed: list[float],
) -> Comparison:
    count, size = len(places), found.size
    rows = [
        Comparison(label, reference, place, float(found[place]), float(e), a, count, size)
        for place, e, a in zip(places, expected, allowed, strict=True)
    ]
    return max(rows, key=lambda row: row.ratio)
