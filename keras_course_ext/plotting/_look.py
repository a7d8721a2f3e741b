"""The style of the plots: colours for colour-blind readers, and line styles without colour."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_course_ext.plotting import _matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito, Color Universal Design (2008), except their yellow, which is too light on white.
BLACK = "#000000"
BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
# The same two, dark enough for small text.
INK_BLUE = "#004C7F"
INK_VERMILLION = "#C25200"
_COLORS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK)
_DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 2)),
    (0, (6, 1.5, 1, 1.5)),
    (0, (1.5, 1.5)),
    (0, (8, 2, 2, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (10, 3)),
)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
# Light enough for lines and points on them; the first is darker than the last in greyscale, too.
TINTS = ("#9CC3DF", "#FFFFFF", "#FBDFAE")
GRID = "#3B5B73"
_CORNERS = ("upper right", "upper left", "lower left", "lower right")


def series(i: int) -> dict[str, Any]:
    """Return colour, dashes and marker of the i-th line; all differ in greyscale, too."""
    # A second round has the same colours with other dashes and markers.
    shift = i // len(_COLORS)
    return {
        "color": _COLORS[i % len(_COLORS)],
        "linestyle": _DASHES[(i + shift) % len(_DASHES)],
        "marker": _MARKERS[(i + 2 * shift) % len(_MARKERS)],
    }


def axes(ax: "Axes | None", width: float = 7.0, height: float = 5.0) -> "Axes":
    """Return the Axes, or those of a new figure."""
    if ax is None:
        _, ax = _matplotlib.pyplot().subplots(figsize=(width, height), layout="constrained")
    assert ax is not None
    return ax


def legend(ax: "Axes", curves: Sequence[np.ndarray]) -> None:
    """Draw the legend in the corner of the Axes where it covers the least.

    Args:
        ax: The Axes, their limits set.
        curves: What the legend should not cover, in data coordinates, each of shape `(n, 2)`. Their
            first points have the largest weight.
    """
    made = ax.legend(loc=_CORNERS[0], fontsize="small", framealpha=0.92, handlelength=2.6)
    size = _size_of([text.get_text() for text in made.get_texts()]) / _inches(ax)
    low = np.array([ax.get_xlim()[0], ax.get_ylim()[0]])
    high = np.array([ax.get_xlim()[1], ax.get_ylim()[1]])
    at = np.concatenate([_between((curve - low) / (high - low)) for curve in curves])
    first = np.array([(curve[0] - low) / (high - low) for curve in curves])
    covered = []
    for corner in _CORNERS:
        inside = _is_in(at, corner, size).sum(), _is_in(first, corner, size).sum()
        covered.append(inside[0] + len(at) * inside[1])
    made.set_loc(_CORNERS[int(np.argmin(covered))])


def _inches(ax: "Axes") -> np.ndarray:
    return np.array(ax.get_window_extent().size) / ax.figure.dpi


def _size_of(labels: Sequence[str]) -> np.ndarray:
    """Return the approximate size of a legend in inches, with its distance from the edge."""
    em = 8.5 / 72
    # An estimate: text can be measured only after its fonts are set. Hangul is wider than Latin.
    widths = [sum(0.6 if letter < "\u1100" else 1.0 for letter in label) for label in labels]
    return em * np.array([max(widths, default=0.0) + 5.0, 1.45 * len(labels) + 1.3])


def _between(points: np.ndarray) -> np.ndarray:
    """Return the points, and interpolated ones between them."""
    parts = np.linspace(0, 1, 9)[:-1, None, None]
    way = points[:-1] + parts * (points[1:] - points[:-1])
    return np.concatenate([way.reshape(-1, 2), points[-1:]])


def _is_in(at: np.ndarray, corner: str, size: np.ndarray) -> Any:
    """Return which points, in Axes coordinates, lie in a corner of that size."""
    from_edge = np.stack(
        [
            1 - at[:, 0] if "right" in corner else at[:, 0],
            1 - at[:, 1] if "upper" in corner else at[:, 1],
        ],
        axis=1,
    )
    return np.all((from_edge >= 0) & (from_edge <= size), axis=1)


def legend_on_top(ax: "Axes") -> None:
    """Draw the legend in two columns at the upper edge, where the limits leave room for it."""
    ax.legend(loc="upper center", ncols=2, fontsize="small", framealpha=0.92, columnspacing=1.2)


def window(limits: Any, function: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return `((left, right), (bottom, top))` of `limits`, which may be one pair for both axes.

    Raises:
        ValueError: If they have another form, are not finite or not ascending.
    """
    try:
        pairs: Any = np.array(limits, dtype=np.float64)
    except (TypeError, ValueError):
        pairs = np.zeros(0)
    if pairs.shape == (2,):
        pairs = np.stack([pairs, pairs])
    if pairs.shape != (2, 2) or not np.isfinite(pairs).all() or (pairs[:, 0] >= pairs[:, 1]).any():
        raise ValueError(
            f"`limits` of {function} must be ((left, right), (bottom, top)), or (low, high) for "
            f"both axes, finite and ascending. Received: limits={limits!r}."
        )
    (left, right), (bottom, top) = pairs.tolist()
    return (left, right), (bottom, top)


def pair(limits: Any, function: str) -> tuple[float, float]:
    """Return `(low, high)` of `limits`.

    Raises:
        ValueError: If they have another form, are not finite or not ascending.
    """
    try:
        values: Any = np.array(limits, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.zeros(0)
    if values.shape != (2,) or not np.isfinite(values).all() or values[0] >= values[1]:
        raise ValueError(
            f"`limits` of {function} must be (low, high), finite and ascending. "
            f"Received: limits={limits!r}."
        )
    return float(values[0]), float(values[1])
