"""A small network, unit by unit: circles and lines with their numbers. Lengths are in inches."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_course_ext.plotting import _canvas
from keras_course_ext.plotting._canvas import BACKWARD, FORWARD, number_text
from keras_course_ext.plotting._language import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_LAYERS = 6
_MOST_LINES = 16
_RADIUS = 0.46
_PITCH = 3.4  # from column to column
_UNIT = 1.55  # from circle to circle, with the bias between them
_LABEL = 0.4  # two lines of text
_LINE = 0.085  # half of a line of text
# Relative positions on a line where a number does not touch the circles.
_SPOTS = np.linspace(0.3, 0.7, 81)


def obstacle(layers: Sequence[Any]) -> str:
    """The reason why the layers cannot be drawn unit by unit, or "" if they can."""
    for before, layer in zip([None, *layers], layers, strict=False):
        if layer.a.ndim != 2:
            return f"the output of '{layer.name}' has shape {layer.a.shape}, not (batch, units)"
        if before is None:
            continue
        if tuple(layer.inputs) != (before.number,):
            return f"'{layer.name}' does not simply follow '{before.name}'"
        kernel = _weight(layer, "kernel")
        units = (before.a.shape[1], layer.a.shape[1])
        if kernel is None and (layer.weights or units[0] != units[1]):
            return f"'{layer.name}' is a {layer.kind}, neither dense nor an activation"
        if kernel is not None and kernel.value.shape != units:
            return f"'{layer.name}' is a {layer.kind}, not a dense layer"
    return ""


def is_small(layers: Sequence[Any]) -> bool:
    """Whether there is room for the numbers."""
    units = [layer.a.shape[1] for layer in layers]
    lines = [n * m for n, m in pairwise(units)]
    return len(layers) <= _MOST_LAYERS and max([*units, *lines]) <= _MOST_LINES


def draw(trace: Any, ax: "Axes | None", sample: int, title: str, language: Language) -> "Axes":
    """Draw the network for one sample."""
    layers = trace.layers
    units = [layer.a.shape[1] for layer in layers]
    spots = [_spot(n, m) for n, m in pairwise(units)]
    height = max(_UNIT * max(units), *(_LABEL / gap for _, gap in spots))
    centers = [_heights(n) * height for n in units]
    width = _PITCH * (len(layers) - 1) + 2.3
    box = (-1.0, width + 1.0, -height / 2 - 0.75, height / 2 + 0.95)
    canvas = _canvas.Canvas(ax, box, language)
    _caption(canvas, box, trace, sample, title)
    for column, layer in enumerate(layers):
        x = column * _PITCH
        _heading(canvas, layer, x, height / 2 + 0.18)
        if column:
            lines = (x - _PITCH, centers[column - 1], x, centers[column])
            _lines(canvas, layer, *lines, spots[column - 1][0])
        for unit, y in enumerate(centers[column]):
            _unit(canvas, layer, sample, unit, x, y)
    _loss(canvas, trace, sample, (len(layers) - 1) * _PITCH, centers[-1])
    return canvas.ax


def _spot(n: int, m: int) -> tuple[float, float]:
    """The position on the lines of n to m units where numbers are furthest apart, and how far."""
    ends = _heights(n)[:, None], _heights(m)[None, :]
    best = (0.5, 1.0)
    gaps = []
    for t in _SPOTS:
        y = np.sort(((1 - t) * ends[0] + t * ends[1]).ravel())
        gaps.append(np.min(np.diff(y), initial=1.0))
    if n * m > 1:
        # Of equally good positions the one nearest to the middle.
        order = np.lexsort((np.abs(_SPOTS - 0.5), -np.round(gaps, 6)))
        best = (float(_SPOTS[order[0]]), float(gaps[order[0]]))
    return best


def _heights(n: int) -> np.ndarray:
    """Heights of n units in a column of height 1, the first at the top."""
    return ((n - 1) / 2 - np.arange(n)) / n


def _unit(canvas: _canvas.Canvas, layer: Any, sample: int, unit: int, x: float, y: float) -> None:
    canvas.circle(x, y, _RADIUS)
    rows = []
    if layer.role == "input":
        canvas.text(x - _RADIUS - 0.08, y, f"x{_canvas.subscript(unit + 1)}", FORWARD, ha="right")
    elif layer.z is not None and layer.activation is not None:
        rows.append((f"z {number_text(layer.z[sample, unit])}", FORWARD))
    rows.append((f"a {number_text(layer.a[sample, unit])}", FORWARD))
    if layer.role != "input":
        back = ("δ", layer.delta) if layer.delta is not None else ("∂a", layer.da)
        if back[1] is not None:
            rows.append((f"{back[0]} {number_text(back[1][sample, unit])}", BACKWARD))
    for k, (text, style) in enumerate(rows):
        canvas.text(x, y + 2 * _LINE * ((len(rows) - 1) / 2 - k), text, style)
    bias = _weight(layer, "bias")
    if bias is not None:
        below = y - _RADIUS - 0.11
        canvas.text(x, below, f"b {number_text(bias.value[unit])}", FORWARD, boxed=True)
        gradient = f"∂ {number_text(bias.gradient[unit])}"
        canvas.text(x, below - 2 * _LINE, gradient, BACKWARD, boxed=True)


def _lines(
    canvas: _canvas.Canvas,
    layer: Any,
    x0: float,
    left: np.ndarray,
    x1: float,
    right: np.ndarray,
    spot: float,
) -> None:
    kernel = _weight(layer, "kernel")
    if kernel is None:
        for y0, y1 in zip(left, right, strict=True):
            canvas.line(x0, y0, x1, y1, 1.0)
        return
    largest = np.max(np.abs(kernel.value)) or 1.0
    for i, y0 in enumerate(left):
        for j, y1 in enumerate(right):
            w = kernel.value[i, j]
            canvas.line(x0, y0, x1, y1, 0.5 + 2 * abs(w) / largest, dashed=w < 0)
            x, y = x0 + spot * (x1 - x0), y0 + spot * (y1 - y0)
            canvas.text(x, y + _LINE, number_text(w), FORWARD, boxed=True)
            canvas.text(
                x, y - _LINE, f"∂ {number_text(kernel.gradient[i, j])}", BACKWARD, boxed=True
            )


def _loss(canvas: _canvas.Canvas, trace: Any, sample: int, x: float, heights: np.ndarray) -> None:
    layer = trace.layers[-1]
    targets = [np.ravel(np.asarray(t)[sample]) for t in trace.targets.values()]
    t = targets[0] if targets else np.zeros(0)
    end = x + 2.4
    for unit, y in enumerate(heights):
        canvas.line(x, y, end, 0.0, 0.8)
        rows = [(f"t {number_text(t[unit])}", FORWARD)] if t.size == len(heights) else []
        if layer.da is not None:
            rows.append((f"∂a {number_text(layer.da[sample, unit])}", BACKWARD))
        for k, (text, style) in enumerate(rows):
            offset = 2 * _LINE * ((len(rows) - 1) / 2 - k)
            canvas.text(x + 0.45 * 2.4, 0.55 * y + offset, text, style, boxed=True)
    rows = [f"L {number_text(trace.loss)}"]
    if t.size and t.size != len(heights):
        rows.append("t " + ", ".join(map(number_text, t[:3])) + (", …" if t.size > 3 else ""))
    canvas.square(end, 0.0, _RADIUS)
    for k, text in enumerate(rows):
        canvas.text(end, 2 * _LINE * ((len(rows) - 1) / 2 - k), text, FORWARD)


def _heading(canvas: _canvas.Canvas, layer: Any, x: float, y: float) -> None:
    kind = canvas.language("input layer", "입력층") if layer.role == "input" else layer.kind
    if layer.activation is not None and layer.activation.lower() != kind.lower():
        kind = f"{kind}, {layer.activation}"
    canvas.text(
        x, y + 2 * _LINE, f"{layer.number}: {_canvas.shortened(layer.name)}", None, bold=True
    )
    canvas.text(x, y, kind, None)


def _caption(
    canvas: _canvas.Canvas,
    box: tuple[float, float, float, float],
    trace: Any,
    sample: int,
    title: str,
) -> None:
    left, right, bottom, top = box
    canvas.text((left + right) / 2, top - 0.2, title, None, size=11, bold=True)
    batch = trace.layers[-1].a.shape[0]
    say = canvas.language
    forward = say(
        "forward: z, a in the circles, w on the lines (dashed: negative), b below",
        "순전파: 원 안에 z와 a, 선 위에 w(음수는 점선), 원 아래에 b",
    )
    backward = say("backward", "역전파") + ": δ = ∂L/∂z, ∂ = ∂L/∂w, ∂L/∂b, ∂a = ∂L/∂a"
    if batch > 1:
        forward += say(f"; sample {sample} of {batch}", f"; 표본 {batch}개 가운데 {sample}번")
        backward += say(
            f"; ∂L/∂w, ∂L/∂b and L over all {batch} samples",
            f"; ∂L/∂w, ∂L/∂b, L은 표본 {batch}개 전체의 값",
        )
    canvas.text((left + right) / 2, bottom + 0.32, forward, FORWARD)
    canvas.text((left + right) / 2, bottom + 0.13, backward, BACKWARD)


def _weight(layer: Any, name: str) -> Any:
    return next((weight for weight in layer.weights if weight.name == name), None)
