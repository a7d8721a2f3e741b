"""The paths of optimizers over a surface: computed, labelled, and cut at the limits of the plot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_course_ext import optimizers as _optimizers
from keras_course_ext.plotting._look import window

# A path may leave the plot and return; at this distance, in plot sizes, it is taken to diverge.
_FAR = 100.0
_MARGIN = 0.12


@dataclass(frozen=True)
class Path:
    """The path of an optimizer.

    Attributes:
        label: Its name.
        points: The points, `(n, 2)`: all, or those up to the first after which none is visible.
        left: The step from which all points are NaN, infinite or outside the limits; None if there
            is none.
    """

    label: str
    points: np.ndarray
    left: int | None


def run(
    surface: Any, optimizers: Any, start: Any, steps: int, limits: Any, function: str
) -> tuple[list[Path], tuple[tuple[float, float], tuple[float, float]]]:
    """Run every optimizer from the start, and return the paths and the limits of the plot.

    Raises:
        TypeError: If one is not an optimizer of this package.
        ValueError: If there are none, or `start` or `limits` is invalid.
    """
    named = _named(optimizers, function)
    start = _start(start, function)

    def gradient(w: np.ndarray) -> np.ndarray:
        return np.array(surface.gradient(w[0], w[1]), dtype=np.float64)

    with np.errstate(all="ignore"):
        paths = {
            label: _optimizers.trajectory(optimizer, gradient, start, steps)
            for label, optimizer in named.items()
        }
    box = (
        _around(list(paths.values()), start, getattr(surface, "minimum", None))
        if limits is None
        else window(limits, function)
    )
    return [_cut(label, points, box) for label, points in paths.items()], box


def _cut(label: str, points: np.ndarray, box: Any) -> Path:
    (left, right), (bottom, top) = box
    center = np.array([left + right, bottom + top]) / 2
    size = np.array([right - left, top - bottom])
    with np.errstate(all="ignore"):
        away = np.abs(points - center) / size
    lost = ~(away < _FAR).all(axis=1)
    if not (lost.any() or (away[-1] > 0.5).any()):
        return Path(label, points, None)
    last = len(points) if not lost.any() else int(np.argmax(lost))
    inside = np.flatnonzero((away[:last] <= 0.5).all(axis=1))
    first = int(inside[-1]) + 1 if inside.size else 0
    # Including the step that leaves the limits, if its end is finite.
    shown = points[: first + 1]
    return Path(label, shown[np.isfinite(shown).all(axis=1)], first)


def _around(paths: list[np.ndarray], start: np.ndarray, minimum: Any) -> Any:
    """Return limits around the start, the minimum and the paths that do not diverge."""
    known = [start] if minimum is None else [start, np.asarray(minimum, dtype=np.float64)]
    low, high = np.min(known, axis=0), np.max(known, axis=0)
    extent = np.maximum(high - low, 0.5 * np.max(high - low))
    extent = np.where(extent > 0, extent, np.maximum(np.abs(start), 1.0))
    middle = (low + high) / 2
    for points in paths:
        with np.errstate(all="ignore"):
            away = np.abs(points - middle) / extent
        # A path that stays near is shown completely, another one only around the start.
        near = (away <= 0.6).all(axis=1) | (away <= 1.5).all()
        low = np.minimum(low, points[near].min(axis=0, initial=np.inf))
        high = np.maximum(high, points[near].max(axis=0, initial=-np.inf))
    extent = np.maximum(high - low, extent)
    middle = (low + high) / 2
    low, high = middle - (0.5 + _MARGIN) * extent, middle + (0.5 + _MARGIN) * extent
    return (low[0], high[0]), (low[1], high[1])


def _named(optimizers: Any, function: str) -> dict[str, Any]:
    """Return the optimizers by their labels."""
    if isinstance(optimizers, Mapping):
        named = {str(label): _optimizer(one, function) for label, one in optimizers.items()}
    else:
        single = isinstance(optimizers, str) or not isinstance(optimizers, Iterable)
        found = [_optimizer(one, function) for one in ([optimizers] if single else optimizers)]
        kinds = [type(one).__name__ for one in found]
        named = {}
        for one, kind in zip(found, kinds, strict=True):
            label = kind if kinds.count(kind) == 1 else f"{kind}, η = {one.learning_rate_at(0):g}"
            times = sum(other == label or other.startswith(f"{label} (") for other in named)
            named[f"{label} ({times + 1})" if times else label] = one
    if not named:
        raise ValueError(f"`optimizers` of {function} must hold at least one. Received: none.")
    return named


def _optimizer(optimizer: Any, function: str) -> Any:
    if isinstance(optimizer, str):
        return _optimizers.get(optimizer)
    if not isinstance(optimizer, _optimizers.RuleOptimizer):
        kind = type(optimizer).__name__
        ours = f"kce.optimizers.{kind if hasattr(_optimizers, kind) else 'Adam'}()"
        raise TypeError(
            f"`{function}` runs the rules of this package's optimizers. Received: {optimizer!r}. "
            f"Write `{ours}`."
        )
    return optimizer


def _start(start: Any, function: str) -> np.ndarray:
    try:
        point = np.array(start, dtype=np.float64)
    except (TypeError, ValueError):
        point = np.zeros(0)
    if point.shape != (2,) or not np.isfinite(point).all():
        raise ValueError(
            f"`start` of {function} must be a point (x, y) of two finite numbers. "
            f"Received: start={start!r}."
        )
    return point
