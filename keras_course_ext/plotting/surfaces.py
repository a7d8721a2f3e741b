"""Functions of two variables for `trajectories` and `animate`, with their gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Surface:
    """A function f(x, y) with its gradient, for `trajectories` and `animate`.

        ∇f(x, y) = (∂f/∂x, ∂f/∂y)

    Args:
        function: f. It accepts two numbers or two arrays of one shape, and returns a number or an
            array of that shape.
        gradient: ∇f. It takes two numbers and returns two.
        minimum: The point (x, y) where f is smallest, to be marked. Defaults to None: no mark.
        name: String, the default title of a plot. Defaults to "f(x, y)".

    Example:
        >>> import keras_course_ext as kce
        >>> bowl = kce.plotting.Surface(lambda x, y: x**2 + y**2, lambda x, y: (2 * x, 2 * y))
        >>> bowl(3.0, 4.0), bowl.gradient(3.0, 4.0)
        (25.0, (6.0, 8.0))

    Deck: chapter 5, gradient descent.
    """

    function: Callable[[Any, Any], Any]
    gradient: Callable[[Any, Any], Any]
    minimum: tuple[float, float] | None = None
    name: str = "f(x, y)"

    def __call__(self, x: Any, y: Any) -> Any:
        """Return f(x, y)."""
        return self.function(x, y)


SURFACES = {
    "valley": Surface(
        lambda x, y: x**2 / 20 + y**2,
        lambda x, y: (x / 10, 2 * y),
        (0.0, 0.0),
        "f(x, y) = x²/20 + y²",
    ),
    "rosenbrock": Surface(
        lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
        lambda x, y: (-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)),
        (1.0, 1.0),
        "f(x, y) = (1 − x)² + 100 (y − x²)²",
    ),
}


def surface_of(surface: Any, function: str) -> Any:
    """Return the surface of that name, or the given surface.

    Raises:
        ValueError: If there is no surface of that name.
        TypeError: If it is not a function with a `gradient`.
    """
    if isinstance(surface, str):
        if surface not in SURFACES:
            raise ValueError(
                f"`surface` of {function} must be one of {', '.join(map(repr, SURFACES))} or a "
                f"`kce.plotting.Surface`. Received: surface={surface!r}."
            )
        return SURFACES[surface]
    if not callable(surface) or not callable(getattr(surface, "gradient", None)):
        raise TypeError(
            f"`surface` of {function} must be a function f(x, y) that has a `gradient`. Write "
            "`kce.plotting.Surface(f, gradient)`, where gradient(x, y) returns (∂f/∂x, ∂f/∂y). "
            f"Received: {surface!r}."
        )
    return surface


def heights(surface: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return f on the grid of all x and y, `(len(y), len(x))`, masked where it is not finite.

    Raises:
        ValueError: If the surface does not return one number for each pair.
    """
    with np.errstate(all="ignore"):
        values = np.asarray(surface(*np.meshgrid(x, y)), dtype=np.float64)
    if values.shape not in ((), (len(y), len(x))):
        raise ValueError(
            "The surface must return an array of the shape of x and y, and write its formula with "
            f"NumPy's functions. Received: shape {values.shape} for {(len(y), len(x))}."
        )
    return np.ma.masked_invalid(np.broadcast_to(values, (len(y), len(x))))
