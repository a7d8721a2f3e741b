"""An animation of the paths of optimizers."""

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_course_ext.plotting import _contours, _look, _matplotlib, _paths
from keras_course_ext.plotting._language import Language
from keras_course_ext.plotting.surfaces import surface_of

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.axes import Axes

_MOST_FRAMES = 200
_MARGINS = {"left": 0.09, "right": 0.975, "bottom": 0.1, "top": 0.925}


def animate(
    surface: Any,
    optimizers: Any,
    ax: "Axes | None" = None,
    *,
    start: Any,
    steps: int = 100,
    lang: str = "en",
    title: str | None = None,
    limits: Any = None,
    fps: int = 20,
) -> "FuncAnimation":
    """Animate the paths of optimizers on a surface: `trajectories`, step by step.

    The k-th frame shows the points w₀ to wₖ of every path. A run of more than 200 steps is shown in
    200 frames, evenly spread. What to conclude: which optimizer is ahead at which step, which
    overshoots and returns, and which is slow.

    Args:
        surface: As for `trajectories`.
        optimizers: As for `trajectories`.
        ax: The matplotlib Axes to draw into. Defaults to None, those of a new figure.
        start: The point (x, y) from which all start.
        steps: Number of steps, ≥ 0. Defaults to 100.
        lang: Language of the labels, "en" or "ko". Defaults to "en".
        title: Title of the Axes, to which the number of the step is added. Defaults to the formula
            of the surface.
        limits: Numbers, as for `trajectories`. Defaults to None.
        fps: Frames per second, > 0. Defaults to 20.

    Returns:
        The animation. `.save("paths.gif", writer="pillow")` writes a GIF, and in a notebook
        `.to_jshtml()` shows a player. Keep the animation in a variable until then, or it is
        deleted.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If the surface has no gradient, or an optimizer is none of this package.
        ValueError: If a name, `start`, `steps`, `limits`, `fps` or `lang` is not as above.

    Example:
        >>> import keras_course_ext as kce
        >>> ways = {"SGD": kce.optimizers.SGD(0.95), "Adam": kce.optimizers.Adam(0.3)}
        >>> moving = kce.plotting.animate("valley", ways, start=(-7, 2), steps=3)
        >>> player = moving.to_jshtml()
        >>> moving.save("paths.gif", writer="pillow")                      # doctest: +SKIP

    Deck: chapter 5, advanced gradient descent.
    """
    if isinstance(fps, bool) or not isinstance(fps, int | float) or not 0 < fps < np.inf:
        raise ValueError(f"`fps` of animate must be a number > 0. Received: fps={fps!r}.")
    language = Language(lang, "animate")
    surface = surface_of(surface, "animate")
    paths, box = _paths.run(surface, optimizers, start, steps, limits, "animate")
    plt = _matplotlib.pyplot()
    from matplotlib.animation import FuncAnimation

    if ax is None:
        # Without a layout engine, which would draw every frame twice.
        _, ax = plt.subplots(figsize=(7, 5), gridspec_kw=_MARGINS)
    assert ax is not None
    lines = _contours.add(ax, paths, language)
    name = _contours.title_of(surface, title, language)
    _contours.draw(ax, surface, box, start, name, language)
    _look.legend(ax, [path.points for path in paths])
    shown = np.linspace(0, steps, min(steps + 1, _MOST_FRAMES)).round().astype(int)

    def frame(step: int) -> list[Any]:
        for line, path in zip(lines, paths, strict=True):
            line.set_data(*path.points[: step + 1].T)
        # With a fixed height, or matplotlib would compute it in every frame.
        ax.set_title(language(f"{name}   step {step}", f"{name}   스텝 {step}"), y=1.0)
        language.set_fonts(ax)
        return lines

    frame(0)
    figure: Any = ax.figure.figure  # not a subfigure
    if figure.get_layout_engine() is not None:
        # Laid out once; a layout of every frame takes longer than drawing it.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return FuncAnimation(figure, frame, frames=shown.tolist(), interval=1000 / fps, repeat=False)
