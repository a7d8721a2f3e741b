"""Paths of optimizers over the contours of a function of two variables."""

from typing import TYPE_CHECKING, Any

from keras_course_ext.plotting import _contours, _look, _paths
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
    """Draw the paths of optimizers over the contours of a surface.

        w₀ = start,   (wₜ, slotsₜ) = rule(∇f(wₜ₋₁), wₜ₋₁, slotsₜ₋₁; η, t)

    `kce.optimizers.trajectory` runs the rules on NumPy in float64: thousands of steps take a
    fraction of a second. From one contour to the next, f minus its minimum grows by a constant
    factor. What to conclude: a path that crosses the contours at right angles follows the gradient;
    one that oscillates has too large a learning rate for the steep direction, and one that hardly
    moves too small a one for the flat direction. A path is cut where all further points are NaN,
    infinite or outside the limits, and its label gives the step.

    Args:
        surface: "valley", x²/20 + y²; "rosenbrock", (1 − x)² + 100 (y − x²)²; or a function
            f(x, y) with a `gradient`, such as a `kce.plotting.Surface`.
        optimizers: A dictionary from labels to optimizers of this package, a list of them, or one.
            A name is an optimizer with its default arguments.
        ax: The matplotlib Axes to draw into. Defaults to None, those of a new figure.
        start: The point (x, y) from which all start.
        steps: Number of steps, ≥ 0. Defaults to 100.
        lang: Language of the labels, "en" or "ko". Defaults to "en".
        title: Title of the Axes. Defaults to the formula of the surface.
        limits: Limits of the axes, ((left, right), (bottom, top)), or (low, high) for both axes.
            Defaults to limits around the start, the minimum and the paths.

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If the surface has no gradient, or an optimizer is not one of this package.
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

    Deck: chapter 5, gradient descent and advanced gradient descent.
    """
    language = Language(lang, "trajectories")
    surface = surface_of(surface, "trajectories")
    paths, box = _paths.run(surface, optimizers, start, steps, limits, "trajectories")
    ax = _look.axes(ax)
    _contours.add(ax, paths, language)
    _contours.draw(ax, surface, box, start, _contours.title_of(surface, title, language), language)
    _look.legend(ax, [path.points for path in paths])
    language.set_fonts(ax)
    return ax
