"""The contours of a surface, and the paths over it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_course_ext.plotting import _look, _matplotlib
from keras_course_ext.plotting._language import Language
from keras_course_ext.plotting._paths import Path
from keras_course_ext.plotting.surfaces import heights

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_GRID = 241
_LEVELS = 16
_LOWEST = 1e-4  # of the highest
_SHOWN_MARKERS = 40


def draw(ax: "Axes", surface: Any, box: Any, start: Any, title: str, language: Language) -> None:
    """Draw the contours, at logarithmically spaced levels, the start and the minimum."""
    (left, right), (bottom, top) = box
    x, y = np.linspace(left, right, _GRID), np.linspace(bottom, top, _GRID)
    z = heights(surface, x, y)
    minimum = getattr(surface, "minimum", None)
    if z.count() and z.max() > z.min():
        lowest = float(z.min())
        if minimum is not None and np.isfinite(least := float(surface(*minimum))):
            lowest = min(lowest, least)
        levels = lowest + (float(z.max()) - lowest) * np.geomspace(_LOWEST, 1.0, _LEVELS)
        plt = _matplotlib.pyplot()
        shades = plt.get_cmap("Greys")(np.linspace(0.0, 0.22, _LEVELS + 1))
        ax.contourf(x, y, z, [lowest - 1.0, *levels], colors=shades, zorder=0)
        ax.contour(x, y, z, levels[:-1], colors="0.62", linewidths=0.7, linestyles="-", zorder=1)
    if minimum is not None:
        label = language("minimum", "최저점")
        ax.plot(*_point(minimum), "*", color="white", mec="black", ms=13, label=label, zorder=6)
    label = language("start", "시작점")
    ax.plot(*_point(start), "o", color="white", mec="black", mew=1.8, ms=8, label=label, zorder=6)
    ax.set(xlim=(left, right), ylim=(bottom, top), xlabel="x", ylabel="y", title=title)


def add(ax: "Axes", paths: list[Path], language: Language) -> "list[Line2D]":
    """Draw the paths, with markers at some steps; return their lines."""
    lines = []
    for i, path in enumerate(paths):
        style = _look.series(i)
        every = max(1, len(path.points) // _SHOWN_MARKERS)
        (line,) = ax.plot(
            *path.points.T,
            **style,
            lw=1.7,
            ms=4,
            markevery=every,
            label=_label(path, language),
            zorder=3,
        )
        lines.append(line)
    return lines


def title_of(surface: Any, title: str | None, language: Language) -> str:
    """Return the caller's title, or the name of the surface."""
    return language.user_text(title, getattr(surface, "name", "f(x, y)"))


def _label(path: Path, language: Language) -> str:
    label = language.user_text(path.label, "optimizer")
    if path.left is None:
        return label
    note = language(f"leaves at step {path.left}", f"{path.left}번째 스텝에서 벗어남")
    return f"{label} ({note})"


def _point(point: Any) -> tuple[list[float], list[float]]:
    return [float(point[0])], [float(point[1])]
