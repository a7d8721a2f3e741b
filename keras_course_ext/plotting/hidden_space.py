"""The plane of the inputs in the coordinates of a hidden layer, with the decision boundary."""

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_course_ext.plotting import _look, _samples
from keras_course_ext.plotting._hidden_layer import HiddenLayer, hidden_layer
from keras_course_ext.plotting._language import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = 13
_POINTS = 121
_MOST_NAMED = 8


def hidden_space(
    model: Any,
    x: Any,
    y: Any,
    ax: "Axes | None" = None,
    *,
    layer: Any = None,
    lang: str = "en",
    title: str | None = None,
    threshold: float = 0.5,
    limits: Any = None,
) -> "Axes":
    """Draw the plane as a hidden layer of two units maps it, and the decision boundary.

        (n₁, n₂) = φ(x W₁ + B₁),   y = σ(n₁ w₁ + n₂ w₂ + b)

    The grid is the plane of the inputs, mapped by the layer: solid where x₁ is constant, dashed
    where x₂ is. The samples are mapped in the same way. The thick line is where the output of the
    model equals the threshold; with a single dense unit after the layer it is straight, because
    that unit is a perceptron on (n₁, n₂). What to conclude: the layer makes the classes linearly
    separable if the line has one class on each side. If samples of two classes are mapped to one
    point, no line can separate them; where the grid is compressed into a corner, the units are
    saturated.

    For a layer of more than two units with one dense unit after it, the plot is a projection. The
    horizontal axis is the direction of the unit's weights, n·w / ‖w‖, so that the separating plane
    appears as a vertical line; the vertical axis is the direction perpendicular to it in which the
    mapped plane extends most.

    Args:
        model: A built Sequential or Functional model of two inputs, with a dense output layer.
        x: The samples, of shape `(n, 2)`.
        y: Their classes, two different numbers such as 0 and 1, of shape `(n,)` or `(n, 1)`.
        ax: The matplotlib Axes to draw into. Defaults to None, those of a new figure.
        layer: Name, index (not counting the input layer) or object of the hidden layer. Defaults to
            the input of the last dense layer.
        lang: Language of the labels, "en" or "ko". Defaults to "en".
        title: Title of the Axes. Defaults to the name of the layer.
        threshold: The output above which a point is of the upper class. Defaults to 0.5.
        limits: The part of the plane of the inputs to map, ((left, right), (bottom, top)), or (low,
            high) for both axes. Defaults to limits around the samples.

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `model` is not a Sequential or Functional model.
        ValueError: If it does not have two inputs, or there is no such layer; if the layer has one
            unit, or more than two and anything other than one dense unit after it; or if x, y,
            `limits` or `lang` is not as above.

    Example:
        >>> import keras
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> neuron = kce.layers.Perceptron
        >>> model = keras.Sequential([
        ...     keras.Input((2,)),
        ...     neuron(2, "sigmoid", kernel=[[-2, 2], [-2, 2]], bias=[3, -1]),
        ...     neuron(1, "sigmoid", kernel=[1, 1], bias=-1),
        ... ])
        >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> axes = kce.plotting.hidden_space(model, x, [0, 1, 1, 0], threshold=0.585)
        >>> axes.get_xlabel(), axes.get_ylabel()
        ('n₁', 'n₂')

    Deck: chapter 3, the hidden layer distorts the plane.
    """
    language = Language(lang, "hidden_space")
    x, y = _samples.checked(x, y, "hidden_space")
    hidden = hidden_layer(model, layer)
    box = _samples.around(x) if limits is None else _look.window(limits, "hidden_space")
    grid = [hidden.map(line) for line in _grid(box)]
    view = _View(hidden, np.concatenate(grid))
    ax = _look.axes(ax, 6.0, 5.5)
    shown = view.of(np.concatenate(grid))
    for k, line in enumerate(grid):
        upright = k < _LINES
        name = "x₁" if upright else "x₂"
        ax.plot(
            *view.of(line).T,
            color=_look.GRID,
            ls="-" if upright else (0, (4, 2)),
            lw=0.9,
            label=language(f"{name} constant", f"{name} 일정") if k in (0, _LINES) else None,
            zorder=1,
        )
    points = view.of(hidden.map(x))
    frame = _samples.around(np.concatenate([shown, points]), 0.08, 0.2)
    ax.set(xlim=frame[0], ylim=frame[1])
    if view.separate(ax, frame, threshold):
        label = language(f"output = {threshold:g}", f"출력 = {threshold:g}")
        ax.plot([], [], color=_look.BLACK, lw=2.2, label=label)
    upper = _samples.positives(y, threshold)
    _samples.draw(ax, points, upper, _samples.names(y), language)
    _name(ax, points, x)
    ax.set(xlabel=view.labels[0], ylabel=view.labels[1])
    korean = f"휘어진 평면 (은닉층 '{hidden.name}')"
    ax.set_title(language.user_text(title, language(f"The plane bent by '{hidden.name}'", korean)))
    _look.legend_on_top(ax)
    language.set_fonts(ax)
    return ax


def _name(ax: "Axes", points: np.ndarray, x: np.ndarray) -> None:
    """Label samples, if there are few, with their inputs; those at one point share a label."""
    if len(points) > _MOST_NAMED:
        return
    size = np.array([np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())])
    named: list[tuple[np.ndarray, list[str]]] = []
    for point, origin in zip(points, x, strict=True):
        name = f"({origin[0]:g}, {origin[1]:g})"
        near = (names for at, names in named if (np.abs(at - point) < 0.03 * size).all())
        names = next(near, None)
        if names is None:
            named.append((point, [name]))
        elif name not in names:
            names.append(name)
    for point, names in named:
        right = (point[0] - ax.get_xlim()[0]) / size[0] > 0.6
        ax.annotate(
            "\n".join(names),
            (point[0], point[1]),
            (-9 if right else 9, -6),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            fontsize="small",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1},
            zorder=4,
        )


class _View:
    """The projection of the units of a layer to two dimensions."""

    def __init__(self, hidden: HiddenLayer, spread: np.ndarray):
        self.hidden = hidden
        if hidden.units == 2:
            self.axes, self.labels = np.eye(2), ("n₁", "n₂")
            return
        if hidden.units < 2 or hidden.following is None:
            raise ValueError(
                f"`hidden_space` draws a layer of two units, or one of more with a single dense "
                f"unit behind it as the output. Received: '{hidden.name}' with {hidden.units} "
                "units. Name another one by `layer`, or give the hidden layer two units."
            )
        weights = hidden.following[0]
        length = float(np.linalg.norm(weights))
        first = weights / length if length > 0 else np.eye(hidden.units)[0]
        beside = spread - spread.mean(axis=0)
        beside = beside - np.outer(beside @ first, first)
        second = np.linalg.svd(beside, full_matrices=False)[2][0]
        self.axes = np.stack([first, second])
        self.labels = ("n·w / ‖w‖", "n·v,  v ⊥ w")

    def of(self, n: np.ndarray) -> np.ndarray:
        """Project outputs of the layer to points, `(n, 2)`."""
        return n @ self.axes.T

    def separate(self, ax: "Axes", frame: Any, threshold: float) -> bool:
        """Colour both sides of the threshold and draw the line; return whether it is visible."""
        hidden, level = self.hidden, self.hidden.level(threshold)
        across, up, plane = _samples.grid(frame)
        # The line depends on n only through n·w, which the projection preserves.
        n = plane @ self.axes
        if level is not None and hidden.following is not None:
            kernel, bias = hidden.following
            outputs, threshold = n @ kernel + bias, level
        elif hidden.rest is not None:
            outputs = hidden.rest(n)
        else:
            return False
        return _samples.regions(ax, across, up, outputs.reshape(len(up), len(across)), threshold)


def _grid(box: Any) -> list[np.ndarray]:
    """Return the lines of constant x₁, then those of constant x₂, each `(points, 2)`."""
    (left, right), (bottom, top) = box
    along = np.linspace(bottom, top, _POINTS)
    upright = [np.stack([np.full(_POINTS, a), along], 1) for a in np.linspace(left, right, _LINES)]
    along = np.linspace(left, right, _POINTS)
    level = [np.stack([along, np.full(_POINTS, b)], 1) for b in np.linspace(bottom, top, _LINES)]
    return upright + level
