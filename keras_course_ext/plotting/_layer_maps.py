"""A network of any size and kind, one column per layer: heat maps of A and of δ."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_course_ext.plotting._canvas import (
    BACKWARD,
    FORWARD,
    Canvas,
    Style,
    colors,
    number_text,
    shortened,
)
from keras_course_ext.plotting._language import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PER_BAND = 10
_MAP = 1.3  # width and height of a heat map, in inches
_PITCH = 1.62
_BAND = 4.35
_MOST_CELLS = 64
_MOST_DECADES = 12
_ZERO = 1e-300


def draw(trace: Any, ax: "Axes | None", title: str, language: Language) -> "Axes":
    """Draw all layers from left to right, in as many rows as needed."""
    layers = trace.layers
    columns = min(len(layers), _PER_BAND)
    bands = -(-len(layers) // _PER_BAND)
    right = columns * _PITCH
    box = (-0.2, max(right + 0.9, 4.0), -bands * _BAND, 0.5)
    canvas = Canvas(ax, box, language)
    canvas.text((box[0] + box[1]) / 2, 0.28, title, None, size=11, bold=True)
    forward = [_log10(layer.a) for layer in layers]
    backward = [_log10(_flowing_back(layer)[1]) for layer in layers]
    scales = _limits(forward), _limits(backward)
    for k, layer in enumerate(layers):
        band, column = divmod(k, _PER_BAND)
        x, upper = column * _PITCH, -band * _BAND - 0.62
        lower = upper - _MAP - 0.42
        _heading(canvas, layer, x + _MAP / 2, -band * _BAND)
        _map(canvas, forward[k], x, upper, scales[0])
        _figures(canvas, x, upper - _MAP, [("A", layer.a)], FORWARD)
        _map(canvas, backward[k], x, lower, scales[1])
        name, back = _flowing_back(layer)
        norms = [] if back is None else [(name, back)]
        norms += [("∂L/∂W", w.gradient) for w in layer.weights if w.value.ndim > 1][:1]
        _figures(canvas, x, lower - _MAP, norms, BACKWARD)
        if column == 0:
            canvas.scale_bar(right, upper, _MAP, scales[0], "log₁₀ |A|", FORWARD)
            canvas.scale_bar(right, lower, _MAP, scales[1], "log₁₀ |δ|", BACKWARD)
    return canvas.ax


def _flowing_back(layer: Any) -> tuple[str, np.ndarray | None]:
    """The name and the values of δ, or of ∂L/∂A for a layer that has no Z."""
    return ("δ", layer.delta) if layer.delta is not None else ("∂L/∂A", layer.da)


def _log10(values: np.ndarray | None) -> np.ndarray | None:
    """log₁₀ of the mean absolute value of each cell; one row per sample."""
    if values is None or not values.size:
        return None
    sizes = np.abs(values.astype(np.float64))
    # Of a single image or sequence the rows are those of its first axis.
    rows = 1 if sizes.ndim > 2 and sizes.shape[0] == 1 else 0
    flat = sizes.reshape(sizes.shape[rows] if sizes.ndim else 1, -1)
    for axis in (0, 1):
        edges = np.linspace(0, flat.shape[axis], min(flat.shape[axis], _MOST_CELLS) + 1)
        starts = edges[:-1].astype(int)
        counts = np.diff(np.append(starts, flat.shape[axis]))
        flat = np.add.reduceat(flat, starts, axis) / np.expand_dims(counts, 1 - axis)
    # Not −∞ for zero, which matplotlib draws like NaN.
    return np.log10(np.maximum(flat, _ZERO))


def _limits(maps: Sequence[np.ndarray | None]) -> tuple[float, float]:
    """Whole decades, common to all layers; smaller values get the darkest colour."""
    values = np.concatenate([np.zeros(0), *(m.ravel() for m in maps if m is not None)])
    values = values[np.isfinite(values) & (values > np.log10(_ZERO))]
    if not values.size:
        return -1.0, 0.0
    high = np.ceil(values.max() - 1e-6)
    # The percentile, so that a few tiny elements do not compress the colours of all others.
    low = np.clip(np.floor(np.percentile(values, 1)), high - _MOST_DECADES, high - 1)
    return float(low), float(high)


def _map(
    canvas: Canvas, log10: np.ndarray | None, x: float, top: float, limits: tuple[float, float]
) -> None:
    if log10 is None:
        canvas.hatched(x, top, _MAP)
        text = canvas.language("no gradient", "기울기 없음")
        canvas.text(x + _MAP / 2, top - _MAP / 2, text, None, boxed=True)
        return
    rows, columns = log10.shape
    canvas.ax.pcolormesh(
        x + _MAP * np.linspace(0, 1, columns + 1),
        top - _MAP * np.linspace(0, 1, rows + 1),
        np.ma.masked_invalid(log10),
        cmap=colors(),
        vmin=limits[0],
        vmax=limits[1],
    )


def _heading(canvas: Canvas, layer: Any, x: float, top: float) -> None:
    kind = canvas.language("input layer", "입력층") if layer.role == "input" else layer.kind
    if layer.activation is not None and layer.activation.lower() != kind.lower():
        kind = f"{kind}, {layer.activation}"
    shape = "×".join(map(str, layer.a.shape)) or "scalar"
    canvas.text(x, top - 0.14, shortened(f"{layer.number}: {layer.name}"), None, bold=True)
    canvas.text(x, top - 0.31, shortened(kind, 24), None)
    canvas.text(x, top - 0.48, shape, None)


def _figures(
    canvas: Canvas, x: float, bottom: float, arrays: Sequence[tuple[str, Any]], style: Style
) -> None:
    for k, (name, array) in enumerate(arrays):
        norm = np.linalg.norm(array.astype(np.float64).ravel())
        text = f"‖{name}‖ {number_text(norm)}"
        canvas.text(x + _MAP / 2, bottom - 0.12 - 0.17 * k, text, style)
