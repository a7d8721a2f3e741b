"""Compares a function's gradient with central differences and with autodiff of a plain twin."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf


class GradcheckError(AssertionError):
    """A gradient is wrong. The message holds the worst element, its place and both values."""


@dataclass(frozen=True)
class Deviation:
    """The largest deviation of one gradient from one reference, in units of what is allowed."""

    argument: int
    reference: str
    place: tuple[int, ...]
    found: float
    expected: float
    allowed: float

    @property
    def ratio(self) -> float:
        """|found - expected| / allowed; more than 1 is wrong."""
        difference = abs(self.found - self.expected)
        return difference / self.allowed if np.isfinite(difference) else np.inf

    def __str__(self) -> str:
        verdict = "ok   " if self.ratio <= 1 else "WRONG"
        return (
            f"{verdict} argument {self.argument}, element {self.place}: {self.found:.12g}, by "
            f"{self.reference} {self.expected:.12g} (off by {abs(self.found - self.expected):.2e}, "
            f"allowed {self.allowed:.2e})"
        )


def gradcheck(
    f: Callable[..., Any],
    *inputs: Any,
    twin: Callable[..., Any] | None = None,
    rtol: float = 1e-8,
    atol: float = 1e-8,
    twin_rtol: float = 1e-12,
    seed: int = 0,
) -> list[Deviation]:
    """Check the gradient of `f` at `inputs` in float64.

    The gradient is that of Σ u · f(x) for a fixed random u, so that every entry of the Jacobian
    takes part. It is compared element by element with central differences, and with
    `tf.GradientTape` on `twin`, whose values must equal those of `f` too.

    Args:
        f: Takes float64 tensors, returns one.
        *inputs: Arrays at which to check. None of them near a corner of `f`.
        twin: The same function written with TensorFlow's own ops. Defaults to no comparison.
        rtol: Allowed relative deviation from central differences.
        atol: Allowed absolute deviation from central differences.
        twin_rtol: Allowed deviation from `twin`, relative to the gradient's largest element.
        seed: Seed of u.

    Returns:
        The largest deviation per input and reference.

    Raises:
        GradcheckError: If one of them is more than allowed.
    """
    arrays = [np.array(x, dtype=np.float64) for x in inputs]
    y = np.asarray(f(*map(tf.constant, arrays)))
    u = np.random.default_rng(seed).uniform(0.5, 1.5, y.shape)
    gradients = _gradients(f, arrays, u)
    report = [
        _worst(i, "central differences", g, _central_differences(f, arrays, i, u), rtol, atol)
        for i, g in enumerate(gradients)
    ]
    if twin is not None:
        expected_y = np.asarray(twin(*map(tf.constant, arrays)))
        _raise_if_wrong([_worst(-1, "the twin's value", y, expected_y, twin_rtol, twin_rtol)])
        for i, (g, g_twin) in enumerate(zip(gradients, _gradients(twin, arrays, u), strict=True)):
            scale = max(1.0, float(np.max(np.abs(g_twin), initial=0.0)))
            report.append(_worst(i, "autodiff of the twin", g, g_twin, 0.0, twin_rtol * scale))
    _raise_if_wrong(report)
    return report


def _raise_if_wrong(report: Sequence[Deviation]) -> None:
    if any(not deviation.ratio <= 1 for deviation in report):
        raise GradcheckError("\n" + "\n".join(map(str, report)))


def _gradients(f: Callable[..., Any], arrays: list[np.ndarray], u: np.ndarray) -> list[np.ndarray]:
    tensors = [tf.constant(x) for x in arrays]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        total = tf.reduce_sum(u * f(*tensors))
    zero = tf.UnconnectedGradients.ZERO
    return [np.asarray(g) for g in tape.gradient(total, tensors, unconnected_gradients=zero)]


def _central_differences(
    f: Callable[..., Any], arrays: list[np.ndarray], which: int, u: np.ndarray
) -> np.ndarray:
    # Four points, with an error of h⁴ against 1/h from rounding, where two would have h².
    weights = {-2: 1, -1: -8, 1: 8, 2: -1}
    x = arrays[which]
    step = 2e-5 * np.maximum(1.0, np.abs(x))
    gradient = np.empty_like(x)
    for place in np.ndindex(x.shape):
        total = 0.0
        for steps, weight in weights.items():
            moved = x.copy()
            moved[place] += steps * step[place]
            arguments = [*arrays[:which], moved, *arrays[which + 1 :]]
            total += weight * np.sum(u * np.asarray(f(*map(tf.constant, arguments))))
        gradient[place] = total / (12 * step[place])
    return gradient


def _worst(
    argument: int,
    reference: str,
    found: np.ndarray,
    expected: np.ndarray,
    rtol: float,
    atol: float,
) -> Deviation:
    if found.shape != expected.shape:
        raise GradcheckError(
            f"argument {argument}: shape {found.shape}, by {reference} {expected.shape}"
        )
    deviations = []
    for place in np.ndindex(found.shape):
        f, e = float(found[place]), float(expected[place])
        deviations.append(Deviation(argument, reference, place, f, e, atol + rtol * abs(e)))
    return max(deviations, key=lambda d: d.ratio)
