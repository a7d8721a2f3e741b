"""The formula of each row of a trace in the deck's symbols, and the same with numbers filled in.

A formula is shown only where it holds: its value is compared with the number in the trace. Where
operators stand between two layers, or a gradient is a sum of several, the row says so instead.
"""

from typing import Any

import numpy as np

from keras_course_ext.backprop.numbers import is_small, line_text, lowered, number_text, raised
from keras_course_ext.backprop.objective import Term
from keras_course_ext.backprop.record import LayerTrace, TraceRecord, WeightTrace

Formula = tuple[str, str]

_LONGEST = 110
_TENSORFLOW = "by TensorFlow's gradient"
_LOSSES = {
    "1/n Σ (T − A)²": lambda t, a: np.mean((t - a) ** 2),
    "1/2 Σ (T − A)²": lambda t, a: np.sum((t - a) ** 2) / 2 / len(a),
    "1/n Σ |T − A|": lambda t, a: np.mean(np.abs(t - a)),
    "−1/n Σ (T ln A + (1 − T) ln(1 − A))": lambda t, a: (
        -np.mean(t * np.log(a) + (1 - t) * np.log1p(-a))
    ),
    "−Σ T ln A": lambda t, a: -np.sum(t * np.log(a)) / (a.size / a.shape[-1]),
}


def z_formula(trace: TraceRecord, layer: LayerTrace) -> Formula:
    """Z = A W + b of a dense layer, Z = A of an activation layer."""
    before = feeding(trace, layer)
    if layer.rule == "activation" or (layer.z is not None and layer.kind == "Activation"):
        return (raised("A", before.number) if before is not None else "the input", "")
    kernel, bias = weight_of(layer, "kernel"), weight_of(layer, "bias")
    if not _is_dense(layer) or kernel is None:
        return (_with_names(f"computed by {layer.kind} from", layer), "")
    number = owner(trace, layer)
    b = "" if bias is None else " + " + raised("b", number)
    w = raised("W", number)
    if before is None or not _close(_affine(before.a, kernel, bias), layer.z):
        return (f"X {w}{b}, X the input of this layer", "")
    filled = f"{_short(before.a)} {_short(kernel.value)}"
    filled += "" if bias is None else f" + {_short(bias.value)}"
    small = all(
        is_small(v) for v in (before.a, kernel.value, *([] if bias is None else [bias.value]))
    )
    return (f"{raised('A', before.number)} {w}{b}", _filled(filled, small))


def activation_formula(layer: LayerTrace) -> Formula:
    """A = f(Z)."""
    if layer.z is None:
        name = layer.kind if layer.activation is None else f"{layer.kind}, {layer.activation}"
        return (_with_names(f"{name} of", layer), "")
    z = raised("Z", layer.number)
    if layer.activation is None:
        return (z, "")
    return (
        f"{layer.activation}({z})",
        _filled(f"{layer.activation}({_short(layer.z)})", is_small(layer.z)),
    )


def loss_formula(term: Term, a: Any, target: Any, value: float) -> str:
    """The formula of one output's loss, if one of `_LOSSES` gives its value; else its name."""
    assert term.loss is not None
    if a is not None and target is not None:
        a, t = np.asarray(a).astype(np.float64), one_hot(np.asarray(target), a)
        for text, formula in _LOSSES.items():
            with np.errstate(all="ignore"):
                fits = t.shape == a.shape and np.isclose(formula(t, a), value, rtol=1e-4, atol=0)
            if fits:
                return text + (", mean over the samples" if len(a) > 1 else "")
    return term.loss.name


def part_formula(total: str, unit: int, units: int, a: Any, target: Any) -> Formula:
    """The term of one unit in a squared error; for any other loss, "part of unit n"."""
    factor = {"1/n Σ (T − A)²": f"1/{units}", "1/2 Σ (T − A)²": "1/2"}.get(total.split(",")[0])
    if factor is None:
        return (f"part of unit {unit}", "")
    formula = f"{factor} ({lowered('t', unit)} − {lowered('a', unit)})²"
    if len(a) > 1:
        return (formula + ", mean", "")
    t, a = (number_text(float(np.asarray(v)[0, unit - 1])) for v in (target, a))
    return (formula, f"{factor} ({t} − {a})²")


def one_hot(target: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Targets in the shape of the predictions: class numbers become ones and zeros."""
    units = a.shape[-1] if a.ndim else 0
    if target.shape == a.shape or units < 2 or target.size * units != a.size:
        return target.astype(np.float64)
    classes = target.reshape(a.shape[:-1])[..., None] == np.arange(units)
    return classes.astype(np.float64)


def da_formula(trace: TraceRecord, layer: LayerTrace) -> Formula:
    """∂L/∂A: from the loss at the output, else from the layers that read A."""
    assert layer.da is not None
    consumers = [other for other in trace.layers if layer.number in other.inputs]
    if layer.outputs and not consumers:
        return _from_loss(trace, layer)
    if len(consumers) == 1 and not layer.outputs:
        after = consumers[0]
        kernel = weight_of(after, "kernel")
        if after.delta is not None and after.rule == "activation" and _close(after.delta, layer.da):
            return (raised("δ", after.number), "")
        if after.rule == "dense" and after.delta is not None and kernel is not None:
            back = _rows(after.delta) @ _rows(kernel.value).T
            if _close(back, _rows(layer.da)):
                filled = f"{_short(after.delta)} {_short(kernel.value)}ᵀ"
                small = is_small(after.delta) and is_small(kernel.value)
                formula = f"{raised('δ', after.number)} {raised('W', owner(trace, after))}ᵀ"
                return (formula, _filled(filled, small))
        return (f"{_TENSORFLOW}, back through '{after.name}'", "")
    if not consumers:
        return ("", "")
    sources = [f"'{after.name}'" for after in consumers] + (["the loss"] if layer.outputs else [])
    return ("sum of the gradients from " + ", ".join(sources), "")


def delta_formula(trace: TraceRecord, layer: LayerTrace) -> Formula:
    """δ = ∂L/∂A · f'(Z), or from the logits P − T."""
    assert layer.delta is not None
    da = f"∂L/∂{raised('A', layer.number)}"
    if layer.from_logits:
        return _from_logits(trace, layer)
    if layer.activation is None:
        return (da, "")
    if layer.derivative is None:
        return (f"{da} · {layer.activation}'({raised('Z', layer.number)}), {_TENSORFLOW}", "")
    symbols = {"A": raised("A", layer.number), "Z": raised("Z", layer.number)}
    slope = "".join(symbols.get(c, c) for c in layer.derivative.replace("∂L/∂A", "∂L/∂§"))
    slope = slope.replace("∂L/∂§", da)
    if layer.activation in ("softmax", "log_softmax"):
        return (slope, "")
    filled = f"{_short(layer.da)} · {_slope_text(layer)}"
    return (f"{da} · {slope}", _filled(filled, is_small(layer.da)))


def weight_formula(trace: TraceRecord, layer: LayerTrace, weight: WeightTrace) -> Formula:
    """∂L/∂W = Aᵀ δ and ∂L/∂b = Σ δ."""
    delta, before = layer.delta, feeding(trace, layer)
    shared = any(other.name.startswith(f"{layer.name}, call ") for other in trace.layers)
    if layer.rule != "dense" or delta is None:
        return (_TENSORFLOW + (", summed over all calls" if shared else ""), "")
    symbol = raised("δ", layer.number)
    if weight.name == "bias":
        formula, value = f"Σ {symbol}", _rows(delta).sum(axis=0)
        filled, small = f"Σ {_short(delta)}", is_small(delta)
    elif before is not None and before.a.shape[:-1] == delta.shape[:-1]:
        formula, value = f"{raised('A', before.number)}ᵀ {symbol}", _rows(before.a).T @ _rows(delta)
        filled, small = f"{_short(before.a)}ᵀ {_short(delta)}", is_small(before.a)
    else:
        return (f"Xᵀ {symbol}, X the input of this layer", "")
    if shared:
        return (f"{formula}, summed over all calls", "")
    if not _close(value, weight.gradient):
        return (f"{formula} + ∂R/∂{'b' if weight.name == 'bias' else 'W'}", "")
    return (formula, _filled(filled, small and is_small(delta)))


def owner(trace: TraceRecord, layer: LayerTrace) -> int:
    """The number in the symbols of a layer's weights: that of its first call."""
    return trace[layer.name.split(", call ")[0]].number


def weight_of(layer: LayerTrace, name: str) -> WeightTrace | None:
    """A layer's weight of that name, or None."""
    return next((weight for weight in layer.weights if weight.name == name), None)


def feeding(trace: TraceRecord, layer: LayerTrace) -> LayerTrace | None:
    """The one layer whose output a layer reads; None if there are several."""
    found = [other for other in trace.layers if other.number in layer.inputs]
    return found[0] if len(found) == 1 else None


def _is_dense(layer: LayerTrace) -> bool:
    return layer.rule == "dense" or (layer.kind == "Dense" and layer.z is not None)


def _from_loss(trace: TraceRecord, layer: LayerTrace) -> Formula:
    term, target = _target(trace, layer)
    da = layer.da
    if (
        term is None
        or term.loss is None
        or da is None
        or target is None
        or target.shape != layer.a.shape
    ):
        return ("from the loss", "")
    difference = layer.a.astype(np.float64) - target
    for factor in (2 / da.size, 1 / da.shape[0]):
        if _close(factor * difference, da):
            return _share(number_text(factor), layer, target)
    return (f"from the loss, {term.loss.name}", "")


def _from_logits(trace: TraceRecord, layer: LayerTrace) -> Formula:
    term, target = _target(trace, layer)
    if term is None or target is None or layer.delta is None:
        return ("from the loss, which starts from Z", "")
    target = one_hot(target, layer.a)
    if target.shape == layer.a.shape:
        difference = layer.a.astype(np.float64) - target
        for n in (layer.a.size // layer.a.shape[-1], layer.a.size):
            if _close(difference / n, layer.delta):
                return _share("1" if n == 1 else f"1/{n}", layer, target)
    return ("from the loss, which starts from Z", "")


def _share(factor: str, layer: LayerTrace, target: np.ndarray) -> Formula:
    """A − T, times a factor unless that is 1."""
    formula = f"{raised('A', layer.number)} − T"
    filled = f"{_short(layer.a)} − {_short(target)}"
    if factor != "1":
        formula, filled = f"{factor} ({formula})", f"{factor} ({filled})"
    return (formula, _filled(filled, is_small(layer.a)))


def _target(trace: TraceRecord, layer: LayerTrace) -> tuple[Term | None, np.ndarray | None]:
    output = layer.outputs[0] if len(layer.outputs) == 1 else None
    terms = {term.output: term for term in trace.problem.objective.terms}
    return terms.get(output or ""), trace.targets.get(output or "")


def _slope_text(layer: LayerTrace) -> str:
    """The slope f' as an array, or as the product that it is for a sigmoid."""
    assert layer.da is not None
    assert layer.delta is not None
    if layer.activation == "sigmoid":
        a = _short(layer.a)
        return f"{a} · (1 − {a})"
    with np.errstate(all="ignore"):
        slope = np.where(layer.da == 0, np.nan, np.asarray(layer.delta) / np.asarray(layer.da))
    return _short(slope)


def _affine(a: Any, kernel: WeightTrace, bias: WeightTrace | None) -> np.ndarray:
    if a.shape[-1] != kernel.value.shape[0]:
        return np.full(1, np.nan)
    made = a.astype(np.float64) @ kernel.value.astype(np.float64)
    return made if bias is None else made + bias.value.astype(np.float64)


def _rows(value: np.ndarray) -> np.ndarray:
    return value.astype(np.float64).reshape(-1, value.shape[-1])


def _close(found: Any, expected: Any) -> bool:
    found, expected = np.asarray(found, np.float64), np.asarray(expected).astype(np.float64)
    if found.shape != expected.shape or not found.size:
        return False
    scale = float(np.abs(expected).max())
    return bool(np.allclose(found, expected, rtol=0, atol=2e-3 * scale))


def _short(value: Any) -> str:
    value = np.asarray(value)
    return line_text(value) if value.ndim else number_text(float(value))


def _filled(text: str, small: bool) -> str:
    return text if small and len(text) <= _LONGEST and "NaN" not in text.upper() else ""


def _with_names(text: str, layer: LayerTrace) -> str:
    symbols = [raised("A", number) for number in layer.inputs]
    return f"{text} {', '.join(symbols) if symbols else 'its inputs'}"
