"""The decision boundary of a classifier of points in the plane."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_course_ext.plotting import _look, _samples
from keras_course_ext.plotting._language import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BATCH = 8192


def decision_boundary(
    predict: Any,
    x: Any,
    y: Any,
    ax: "Axes | None" = None,
    *,
    lang: str = "en",
    title: str | None = None,
    threshold: float = 0.5,
    limits: Any = None,
) -> "Axes":
    """Draw the regions of a classifier of points (x₁, x₂), and the line between them.

        class = 1 where f(x₁, x₂) > threshold, else 0

    Circles and the darker colour belong to the lower class, squares and the lighter colour to the
    upper one; the whiter the colour, the nearer is the output to the threshold. Misclassified
    samples are crossed out. What to conclude: the boundary of a single perceptron is a straight
    line, whatever its weights; if every line leaves crosses, as for XOR, a hidden layer is needed.
    A boundary that winds around single samples is a sign of overfitting.

    Args:
        predict: A Keras model or layer, or a callable, from points of shape `(n, 2)` to outputs of
            shape `(n,)` or `(n, 1)`.
        x: The samples, of shape `(n, 2)`.
        y: Their classes, two different numbers such as 0 and 1, of shape `(n,)` or `(n, 1)`.
        ax: The matplotlib Axes to draw into. Defaults to None, those of a new figure.
        lang: Language of the labels, "en" or "ko". Defaults to "en".
        title: Title of the Axes. Defaults to the number of correctly classified samples.
        threshold: The output above which a point is of the upper class. Defaults to 0.5.
        limits: Limits of the axes, ((left, right), (bottom, top)), or (low, high) for both axes.
            Defaults to limits around the samples.

    Returns:
        The Axes.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `predict` cannot be called.
        ValueError: If x, y, the outputs, `threshold`, `limits` or `lang` is not as above.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> neuron = kce.layers.Perceptron(kernel=[1, 1], bias=-1.5)
        >>> axes = kce.plotting.decision_boundary(neuron, x, y=[0, 0, 0, 1])
        >>> axes.get_title()
        '4 of 4 right'

    Deck: chapter 2, the perceptron and XOR.
    """
    language = Language(lang, "decision_boundary")
    x, y = _samples.checked(x, y, "decision_boundary")
    if isinstance(threshold, bool) or not np.isreal(threshold) or not np.isfinite(threshold):
        raise ValueError(
            "`threshold` of decision_boundary must be a finite number. Received: "
            f"threshold={threshold!r}."
        )
    outputs = _outputs(predict)
    box = _samples.around(x) if limits is None else _look.window(limits, "decision_boundary")
    upper = _samples.positives(y, threshold)
    wrong = (outputs(x) > threshold) != upper
    across, up, points = _samples.grid(box)
    surface = outputs(points).reshape(len(up), len(across))

    ax = _look.axes(ax, 6.0, 5.0)
    if _samples.regions(ax, across, up, surface, threshold):
        label = language(f"boundary at {threshold:g}", f"경계선 {threshold:g}")
        ax.plot([], [], color=_look.BLACK, lw=2.2, label=label)
    _samples.draw(ax, x, upper, _samples.names(y), language)
    _samples.cross(ax, x, wrong, language("wrong", "오답"))
    right = len(x) - wrong.sum()
    default = language(f"{right} of {len(x)} right", f"{len(x)}개 가운데 {right}개 정답")
    ax.set(xlim=box[0], ylim=box[1], xlabel="x₁", ylabel="x₂")
    ax.set_title(language.user_text(title, default))
    _look.legend_on_top(ax)
    language.set_fonts(ax)
    return ax


def _outputs(predict: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return the classifier as a function from `(n, 2)` to `(n,)` of NumPy."""
    if not callable(predict):
        advice = (
            f"`{type(predict).__name__.lower()}.predict`"
            if callable(getattr(predict, "predict", None))
            else "a Keras model or a function"
        )
        raise TypeError(
            "`predict` of decision_boundary must be a Keras model or a callable that takes points "
            f"of shape (n, 2). Received: {predict!r}. Write {advice}."
        )
    ours = isinstance(predict, keras.Layer)

    def outputs(x: np.ndarray) -> np.ndarray:
        found = []
        for start in range(0, len(x), _BATCH):
            part = x[start : start + _BATCH]
            y = predict(part, training=False) if ours else predict(part)
            values = np.asarray(keras.ops.convert_to_numpy(y), dtype=np.float64)
            if values.shape not in ((len(part),), (len(part), 1)):
                raise ValueError(
                    f"`predict` of decision_boundary must return shape ({len(part)},) or "
                    f"({len(part)}, 1) for {len(part)} points. Received: shape {values.shape}. "
                    "Of a softmax choose a class: `lambda x: model(x)[:, 1]`."
                )
            found.append(values.ravel())
        return np.concatenate(found)

    return outputs
