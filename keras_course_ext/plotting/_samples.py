"""Samples of two classes in the plane."""

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_course_ext.plotting import _look
from keras_course_ext.plotting._language import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GRID = 301
# Dark circles and light squares, on the tints of the same colours.
_STYLES: tuple[dict[str, Any], ...] = (
    {"marker": "o", "markerfacecolor": _look.BLUE},
    {"marker": "s", "markerfacecolor": _look.ORANGE},
)


def checked(x: Any, y: Any, function: str) -> tuple[np.ndarray, np.ndarray]:
    """Return x as `(n, 2)` and y as `(n,)`, in float64.

    Raises:
        ValueError: If they have other shapes, x is not finite, or y has more than two values.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != 2 or not len(x):
        raise ValueError(
            f"`x` of {function} must be of shape (n, 2), points of a plane. "
            f"Received: shape {x.shape}."
        )
    if y.shape not in ((len(x),), (len(x), 1)):
        raise ValueError(
            f"`y` of {function} must hold a class for each of the {len(x)} points, in shape "
            f"({len(x)},) or ({len(x)}, 1). Received: shape {y.shape}."
        )
    if not np.isfinite(x).all():
        raise ValueError(f"`x` of {function} must be finite. Received: NaN or infinity in it.")
    y = y.ravel()
    if len(np.unique(y)) > 2:
        raise ValueError(
            f"`y` of {function} must be of two classes, such as 0 and 1. Received: "
            f"{len(np.unique(y))} different values. Write `y == k` for class k against all others."
        )
    return x, y


def positives(y: np.ndarray, threshold: float) -> np.ndarray:
    """Return which samples are of the upper class; a single class is compared with `threshold`."""
    classes = np.unique(y)
    return y > (classes.mean() if len(classes) == 2 else threshold)


def around(
    x: np.ndarray, margin: float = 0.35, above: float = 0.35
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return limits that leave room around the points, and above them for a legend."""
    low, high = x.min(axis=0), x.max(axis=0)
    extent = np.maximum(high - low, 0.5 * np.max(high - low))
    extent = np.where(extent > 0, extent, 1.0)
    low, high = low - margin * extent, high + np.array([margin, above]) * extent
    return (low[0], high[0]), (low[1], high[1])


def regions(
    ax: "Axes", x: np.ndarray, y: np.ndarray, outputs: np.ndarray, threshold: float
) -> bool:
    """Colour the plane by the outputs, and draw the contour where they equal the threshold.

    Args:
        ax: The Axes.
        x: Shape `(columns,)`, ascending.
        y: Shape `(rows,)`, ascending.
        outputs: Shape `(rows, columns)`.
        threshold: The output that separates the classes.

    Returns:
        Whether there is such a contour.
    """
    above = np.ma.masked_invalid(outputs - threshold)
    # Not the largest, so that a few extreme outputs do not leave all others white.
    far = np.percentile(np.abs(above.compressed()), 80) if above.count() else 0.0
    if far > 0:
        levels = far * np.linspace(-1, 1, 12)
        tints = _tints(len(levels) + 1)
        ax.contourf(x, y, above, levels, colors=tints, extend="both", zorder=0)
    crossed = bool(above.count()) and float(above.min()) < 0 < float(above.max())
    if crossed:
        ax.contour(x, y, above, [0.0], colors=_look.BLACK, linewidths=2.2, zorder=2)
    return crossed


def grid(box: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return grid values x₁ and x₂ in a box, and all grid points, `(len(x₂) · len(x₁), 2)`."""
    across, up = (np.linspace(low, high, _GRID) for low, high in box)
    return across, up, np.stack([values.ravel() for values in np.meshgrid(across, up)], axis=1)


def draw(
    ax: "Axes", x: np.ndarray, upper: np.ndarray, names: tuple[Any, ...], language: Language
) -> None:
    """Draw the samples: the upper class as light squares, the lower as dark circles."""
    for one, style in zip((False, True), _STYLES, strict=True):
        of_class = x[upper == one]
        if len(of_class):
            name = f"{names[int(one)]:g}"
            ax.plot(
                *of_class.T,
                ls="",
                ms=_size(x),
                mec="black",
                mew=1.0,
                label=language(f"class {name}", f"결괏값 {name}"),
                zorder=5,
                **style,
            )


def cross(ax: "Axes", x: np.ndarray, wrong: np.ndarray, label: str) -> None:
    """Cross out the misclassified samples."""
    if wrong.any():
        size = 1.4 * _size(x)
        ax.plot(*x[wrong].T, "x", color=_look.BLACK, ms=size, mew=2, label=label, zorder=6)


def _size(x: np.ndarray) -> float:
    return 9.0 if len(x) <= 40 else 5.0


def names(y: np.ndarray) -> tuple[Any, ...]:
    """Return the lower and the upper class."""
    classes = np.unique(y)
    return classes[0], classes[-1]


def _tints(count: int) -> list[Any]:
    from matplotlib.colors import LinearSegmentedColormap

    tint = LinearSegmentedColormap.from_list("tints", _look.TINTS)
    return [tint(value) for value in np.linspace(0, 1, count)]
