"""Paths of optimizers over the contours of a function of two variables."""

from typing import TYPE_CHECKING, Any

from keras_course_ext.plotting import _landscape, _look, _paths
from keras_course_ext.plotting._language import Language
from keras_course_ext.plotting.surfaces import surface_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def trajectories(
    surface: Any,
    optimizers: Any,
    ax: "Axes | None" = None,
    *,
    start: Any,
    steps: int = 100,
    lang: str = "en",
    title: str | None = None,
    limits: Any = None,
) -> "Axes":
    """Draw the paths that optimizers take downhill, over the contours of the surface.

        w₀ = start,   (wₜ, slotsₜ) = rule(∇f(wₜ₋₁), wₜ₋₁, slotsₜ₋₁; η, t)

    The rules themselves run, on NumPy in float64, by `kce.optimizers.trajectory`: thousands of
    steps take a fraction of a second. Neighbouring contours are apart by equal factors of f above
    its minimum. What to conclude: a path that crosses the contours at right angles follows the
    gradient; one that swings from side to side has too large a learning rate for the steep
    direction, and one that hardly moves too small a one for the flat direction. A path is cut, and
    its label says from which step on, where it is NaN, infinite or out of the picture for good.

    Args:
        surface: "valley", x²/20 + y²; "rosenbrock", (1 − x)² + 100 (y − x²)²; or a function
            f(x, y) with a `gradient`, such as a `kce.plotting.Surface`.
        optimizers: A dictionary from labels to optimizers of this package, a list of them, or
            one. The name of an optimizer stands for it with its defaults.
        ax: The matplotlib Axes to draw into. Defaults to those of a new figure.
        start: The point (x, y) that all start from.
        steps: How many steps to take, ≥ 0. Defaults to 100.
        lang: Language of the labels, "en" (default) or "ko".
        title: Title of the Axes. Defaults to the formula of the surface.
        limits: What to show, ((left, right), (bottom, top)), or (low, high) for both axes.
            Defaults to what holds the start, the minimum and the paths.

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If the surface has no gradient, or an optimizer is none of this package.
        ValueError: If a name, `start`, `steps`, `limits` or `lang` is not as above.

    Example:
        >>> import keras_course_ext as kce
        >>> ways = {
        ...     "SGD": kce.optimizers.SGD(0.95),
        ...     "Momentum": kce.optimizers.Momentum(0.1),
        ... }
        >>> axes = kce.plotting.trajectories("valley", ways, start=(-7, 2), steps=30)
        >>> len(axes.get_lines()[0].get_xdata())
        31
        >>> axes.figure.savefig("paths.png")                               # doctest: +SKIP

    Deck: chapter 6, gradient descent and the advanced descents.
    """
    language = Language(lang, "trajectories")
    surface = surface_of(surface, "trajectories")
    paths, box = _paths.run(surface, optimizers, start, steps, limits, "trajectories")
    ax = _look.axes(ax)
    _landscape.add(ax, paths, language)
    _landscape.draw(
        ax, surface, box, start, _landscape.title_of(surface, title, language), language
    )
    _look.legend(ax, [path.points for path in paths])
    language.dress(ax)
    return ax
