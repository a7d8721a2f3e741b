"""`Trace.check`: compare every entry with automatic differentiation of the whole model."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from keras_course_ext.backprop.autodiff import Autodiff, Observed, autodiff
from keras_course_ext.backprop.check_report import CheckReport, CheckRow, TraceError
from keras_course_ext.backprop.record import LayerTrace, TraceRecord

# By dtype: the tolerance as a share of the largest element of an array, and the rounding of one
# operation.
_RTOL = {"float64": 1e-9, "float32": 1e-4, "float16": 5e-2, "bfloat16": 2e-1}
_EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
# Where terms cancel, the error allowed in addition, in roundings of the layer's largest gradient.
_ROUNDINGS = 100


def check(trace: TraceRecord, rtol: float | None = None) -> CheckReport:
    """Compare every entry of `trace`; see `Trace.check`."""
    if rtol is None:
        rtol = max(_RTOL.get(name, 0.0) for name in _dtypes(trace))
    if not rtol >= 0:
        raise ValueError(f"`rtol` must be at least 0. Received: {rtol}.")
    with trace.problem.as_it_was():
        found = autodiff(trace.problem)
    report = CheckReport(tuple(_rows(trace, found, rtol)), rtol)
    if not report.ok:
        raise TraceError(f"The trace is wrong. The worst entry: {report.worst}.\n\n{report}")
    return report


def _rows(trace: TraceRecord, found: Autodiff, rtol: float) -> Iterator[CheckRow]:
    observed = [*found.inputs, *found.calls]
    if len(observed) != len(trace.layers):
        raise TraceError(
            f"The trace has {len(trace.layers)} layers, but the model calls {len(observed)}."
        )
    epsilon = max(_EPSILON.get(name, 0.0) for name in _dtypes(trace))
    for layer, one in zip(trace.layers, observed, strict=True):
        noise = _ROUNDINGS * epsilon * _largest_gradient(layer, one)
        for entry, traced, expected in _entries(layer, one):
            if traced is None and expected is None:
                continue
            floor = 0.0 if entry in ("Z", "A") else noise
            yield _compared(layer.name, entry, traced, expected, rtol, floor)
        for weight, expected in zip(layer.weights, one.weights, strict=True):
            expected = np.zeros_like(weight.value) if expected is None else expected
            # The rounding errors of a sum of n terms grow like √n.
            floor = noise * max(1.0, np.sqrt(layer.a.size))
            entry = f"∂L/∂{weight.name}"
            yield _compared(layer.name, entry, weight.gradient, expected, rtol, floor)
    for output, value in trace.losses.items():
        yield _compared("loss", output, np.asarray(value), found.losses[output], rtol, 0.0)
    yield _compared("loss", "in all", np.asarray(trace.loss), found.loss, rtol, 0.0)


def _entries(layer: LayerTrace, observed: Observed) -> Iterator[tuple[str, Any, Any]]:
    yield "Z", layer.z, observed.z
    yield "A", layer.a, observed.a
    yield "∂L/∂A", layer.da, observed.da
    yield "δ", layer.delta, observed.delta


def _compared(
    layer: str, entry: str, traced: Any, expected: Any, rtol: float, floor: float
) -> CheckRow:
    if traced is None or expected is None:
        there = traced if expected is None else expected
        size = 0 if there is None else np.size(there)
        return CheckRow(layer, entry, size, np.inf, 0.0, (), _first(traced), _first(expected))
    if not np.issubdtype(np.asarray(expected).dtype, np.inexact) and not _is_bfloat(expected):
        same = np.array_equal(traced, expected)
        error = 0.0 if same else np.inf
        return CheckRow(layer, entry, np.size(traced), error, 0.0, (), None, None)
    got, want = _double(traced), _double(expected)
    if got.shape != want.shape:
        return CheckRow(layer, entry, got.size, np.inf, 0.0, (), _first(got), _first(want))
    if not got.size:
        return CheckRow(layer, entry, 0, 0.0, 0.0, (), None, None)
    off = np.where((got == want) | (np.isnan(got) & np.isnan(want)), 0.0, np.abs(got - want))
    off = np.where(np.isnan(off), np.inf, off)
    finite = np.abs(want[np.isfinite(want)])
    allowed = rtol * float(finite.max(initial=0.0)) + floor
    place = np.unravel_index(int(off.argmax()), off.shape)
    return CheckRow(
        layer,
        entry,
        got.size,
        float(off[place]),
        allowed,
        tuple(int(i) for i in place),
        float(got[place]),
        float(want[place]),
    )


def _largest_gradient(layer: LayerTrace, observed: Observed) -> float:
    """The largest gradient in a layer, the scale of its rounding errors.

    Taken from automatic differentiation: in a wrong trace it could be large and hide the error.
    """
    values = [_double(g) for g in (observed.da, observed.delta) if g is not None]
    finite = [np.abs(v[np.isfinite(v)]).max(initial=0.0) for v in values]
    return float(max(finite, default=0.0))


def _dtypes(trace: TraceRecord) -> set[str]:
    arrays = [a for layer in trace.layers for a in (layer.a, layer.z) if a is not None]
    names = {tf.as_dtype(a.dtype).name for a in arrays}
    return {name for name in names if name in _RTOL} | {_loss_dtype(trace)}


def _loss_dtype(trace: TraceRecord) -> str:
    terms = trace.problem.objective.terms
    return next(str(term.loss.dtype) for term in terms if term.loss is not None)


def _is_bfloat(value: Any) -> bool:
    return tf.as_dtype(value.dtype) == tf.bfloat16


def _double(value: Any) -> np.ndarray:
    return np.asarray(value).astype(np.float64)


def _first(value: Any) -> float | None:
    return None if value is None or not np.size(value) else float(_double(value).flat[0])
