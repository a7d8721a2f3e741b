"""The look that the pictures share: colours for every eye, and styles that need no colour."""

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_course_ext.plotting import _matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito, Color Universal Design (2008), but for their yellow, which is lost on white.
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
# Light enough for lines and points on them; the first is the darker one in greyscale too.
TINTS = ("#9CC3DF", "#FFFFFF", "#FBDFAE")
GRID = "#3B5B73"
_CORNERS = ("upper right", "upper left", "lower left", "lower right")


def series(i: int) -> dict[str, Any]:
    """Return colour, dashes and marker of the i-th of several lines: no two are alike in grey."""
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


def legend(ax: "Axes", points: np.ndarray) -> None:
    """Write the legend into the corner of the Axes that has the fewest of the points.

    Args:
        ax: The Axes, their limits set.
        points: What should stay in sight, in data coordinates, `(n, 2)`.
    """
    low = np.array([ax.get_xlim()[0], ax.get_ylim()[0]])
    high = np.array([ax.get_xlim()[1], ax.get_ylim()[1]])
    at = (points - low) / (high - low)
    right, top = at[:, 0] > 0.55, at[:, 1] > 0.5
    inside = ((at >= 0) & (at <= 1)).all(axis=1)
    counts = [
        (inside & corner).sum()
        for corner in (right & top, ~right & top, ~right & ~top, right & ~top)
    ]
    ax.legend(
        loc=_CORNERS[int(np.argmin(counts))], fontsize="small", framealpha=0.92, handlelength=2.6
    )


def legend_on_top(ax: "Axes") -> None:
    """Write the legend in two columns at the upper edge, where the limits leave room for it."""
    ax.legend(loc="upper center", ncols=2, fontsize="small", framealpha=0.92, columnspacing=1.2)


def window(limits: Any, function: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return `((left, right), (bottom, top))` of `limits`, which may be one pair for both axes.

    Raises:
        ValueError: If they are anything else, not finite or not ascending.
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
        ValueError: If they are anything else, not finite or not ascending.
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
