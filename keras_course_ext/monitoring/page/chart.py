"""What a picture of the page consists of; the template turns it into SVG."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

WIDTH = 440
"""Width of a picture in its own units: 11 of them are the height of a letter, as in the page."""

# Nine colours of viridis, which are ordered in greyscale and for the colour-blind.
_VIRIDIS = "440154472d7b3b528b2c728e21918c28ae805ec962addc30fde725"
_COLORS = np.frombuffer(bytes.fromhex(_VIRIDIS), np.uint8).reshape(9, 3).astype(float)
_MOST_DECADES = 6


class Tick(NamedTuple):
    """A mark on an axis."""

    at: float
    text: str


class Cell(NamedTuple):
    """A coloured rectangle."""

    x: float
    y: float
    width: float
    height: float
    color: str
    text: str


class Dot(NamedTuple):
    """A point; `low` and `high` are the ends of a whisker, the point itself if there is none."""

    x: float
    y: float
    color: str
    text: str
    low: float
    high: float


class Line(NamedTuple):
    """A line through the points of an SVG path."""

    path: str
    color: str
    dashes: str
    text: str


class Entry(NamedTuple):
    """An entry of a legend."""

    color: str
    dashes: str
    text: str


@dataclass
class Chart:
    """A picture.

    Attributes:
        title: What it shows.
        caption: What to conclude from it.
        height: Its height, where its width is `WIDTH`.
        left, top, right, bottom: The frame of the data.
        x_label: What the horizontal axis is.
        slanted: Whether the texts below the horizontal axis are slanted.
    """

    title: str
    caption: str
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x_label: str = ""
    slanted: bool = False
    x_ticks: list[Tick] = field(default_factory=list)
    y_ticks: list[Tick] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    legend: list[Entry] = field(default_factory=list)


def color_of(share: float) -> str:
    """Return the colour of a number from 0, dark, to 1, light."""
    at = float(np.clip(share, 0.0, 1.0)) * (len(_COLORS) - 1)
    i = min(int(at), len(_COLORS) - 2)
    red, green, blue = (_COLORS[i] + (at - i) * (_COLORS[i + 1] - _COLORS[i])).round().astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def line_color(share: float) -> str:
    """Return a colour that shows on white and on black, from 0, dark, to 1, light."""
    return color_of(0.3 + 0.5 * share)


def decades(values: np.ndarray) -> tuple[int, int]:
    """Return the powers of ten around the positive finite values, at least one decade apart."""
    found = values[np.isfinite(values) & (values > 0)]
    if not len(found):
        return -1, 0
    low = int(np.floor(np.log10(found.min()) + 1e-6))
    return low, max(int(np.ceil(np.log10(found.max()) - 1e-6)), low + 1)


def decade_ticks(low: int, high: int, top: float, bottom: float) -> list[Tick]:
    """Return marks at powers of ten on an axis that ends at 10^low and 10^high."""
    every = -(-(high - low) // _MOST_DECADES)
    step = (bottom - top) / (high - low)
    return [Tick(bottom - (e - low) * step, power(e)) for e in range(low, high + 1, every)]


def power(exponent: int) -> str:
    """Return a power of ten as the tables write it."""
    return "1" if exponent == 0 else "10" if exponent == 1 else f"1e{exponent:+03d}"


def path_of(xs: Iterable[float], ys: Iterable[float]) -> str:
    """Return an SVG path through points, interrupted where one is NaN."""
    parts, pen = [], "M"
    for x, y in zip(xs, ys, strict=True):
        if np.isfinite(y):
            parts.append(f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
        else:
            pen = "M"
    return " ".join(parts)


def step_ticks(steps: Sequence[int] | np.ndarray, left: float, right: float) -> list[Tick]:
    """Return marks at whole steps, on an axis from the first to the last of them."""
    first, last = int(steps[0]), int(steps[-1])
    wanted = np.unique(np.linspace(first, last, min(5, last - first + 1)).round().astype(int))
    width = max(last - first, 1)
    return [Tick(left + (right - left) * (s - first) / width, f"{s}") for s in wanted.tolist()]
