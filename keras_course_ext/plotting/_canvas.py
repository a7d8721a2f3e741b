"""Axes on which a length of 1 is an inch, so that a layout can reserve room for text."""

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_course_ext.plotting import _look, _matplotlib
from keras_course_ext.plotting._language import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Dark and upright, and lighter and italic: distinguishable without colour, too.
Style = dict[str, str]
FORWARD: Style = {"color": _look.INK_BLUE}
BACKWARD: Style = {"color": _look.INK_VERMILLION, "style": "italic"}
_FONT = 8.0
_LEAST_FONT = 1.0


class Canvas:
    """Axes without frame, in inches; if there is less room, everything is scaled down.

    Args:
        ax: The Axes to use; None for those of a new figure.
        box: Left, right, bottom and top.
        language: The language of the texts.
    """

    def __init__(
        self, ax: "Axes | None", box: tuple[float, float, float, float], language: Language
    ):
        self.language = language
        plt = _matplotlib.pyplot()
        left, right, bottom, top = box
        if ax is None:
            ax = plt.figure(figsize=(right - left, top - bottom)).add_axes((0, 0, 1, 1))
        assert ax is not None
        self.ax = ax
        room = ax.get_window_extent().transformed(ax.figure.dpi_scale_trans.inverted())
        self.scale = min(room.width / (right - left), room.height / (top - bottom), 1.0)
        ax.set(xlim=(left, right), ylim=(bottom, top))
        ax.set_aspect("equal")
        ax.axis("off")

    def text(
        self,
        x: float,
        y: float,
        text: str,
        style: Style | None,
        *,
        size: float = _FONT,
        ha: str = "center",
        bold: bool = False,
        boxed: bool = False,
    ) -> None:
        """Write a line of text, its middle at y."""
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1 * self.scale} if boxed else None
        written = self.ax.text(
            x,
            y,
            text,
            fontsize=max(size * self.scale, _LEAST_FONT),
            ha=ha,
            va="center_baseline",
            weight="bold" if bold else "normal",
            bbox=box,
            zorder=4,
        )
        written.set(**(style or {"color": "0.15"}))

    def line(
        self, x0: float, y0: float, x1: float, y1: float, width: float, dashed: bool = False
    ) -> None:
        """Draw a line, below everything else."""
        dashes: Any = (0, (4, 2)) if dashed else "solid"
        self.ax.plot(
            [x0, x1], [y0, y1], color="0.65", lw=width * self.scale, linestyle=dashes, zorder=1
        )

    def circle(self, x: float, y: float, radius: float) -> None:
        """Draw a circle that hides the lines below it."""
        angles = np.linspace(0, 2 * np.pi, 73)
        self._area(x + radius * np.cos(angles), y + radius * np.sin(angles))

    def square(self, x: float, y: float, radius: float) -> None:
        """Draw a square that hides the lines below it."""
        self._area(x + radius * np.array([-1, 1, 1, -1]), y + radius * np.array([-1, -1, 1, 1]) / 2)

    def hatched(self, x: float, top: float, size: float) -> None:
        """Draw an empty square where there is nothing to show."""
        sides = x + size * np.array([0, 1, 1, 0]), top - size * np.array([0, 0, 1, 1])
        self.ax.fill(*sides, facecolor="none", edgecolor="0.7", hatch="//", lw=0.8 * self.scale)

    def scale_bar(
        self,
        x: float,
        top: float,
        height: float,
        limits: tuple[float, float],
        label: str,
        style: Style,
    ) -> None:
        """Draw a colour scale."""
        plt = _matplotlib.pyplot()
        mappable = plt.cm.ScalarMappable(plt.Normalize(*limits), colors())
        bounds = (x, top - height, 0.13, height)
        inset = self.ax.inset_axes(bounds, transform=self.ax.transData)
        bar = self.ax.figure.colorbar(mappable, cax=inset, extend="min")
        bar.ax.tick_params(labelsize=_FONT * self.scale, length=3 * self.scale)
        bar.set_label(label, size=_FONT * self.scale, **style)

    def _area(self, x: np.ndarray, y: np.ndarray) -> None:
        self.ax.fill(x, y, facecolor="white", edgecolor="0.25", lw=1.2 * self.scale, zorder=2)


def colors() -> Any:
    """The colours of heat maps: brighter is larger, in greyscale too; grey is NaN or infinite."""
    return _matplotlib.pyplot().get_cmap("viridis").with_extremes(bad="0.6")


def number_text(value: Any) -> str:
    """A number in at most nine characters: three significant digits, and − for minus."""
    value = float(value)
    if not np.isfinite(value):
        return "NaN" if np.isnan(value) else "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e4:
        digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
        text = f"{value:.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        mantissa, exponent = f"{value:.1e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def subscript(number: int) -> str:
    """A number as a subscript."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def shortened(name: str, most: int = 20) -> str:
    """A name, cut in its middle if it is long."""
    if len(name) <= most:
        return name
    half = (most - 1) // 2
    return f"{name[:half]}…{name[-half:]}"
