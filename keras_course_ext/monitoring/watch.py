"""What is looked at in every step: enough to tell whether, and where, something is not finite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from keras_course_ext.monitoring.columns import Columns
from keras_course_ext.monitoring.history import Key
from keras_course_ext.monitoring.reading import beside, dense_values
from keras_course_ext.monitoring.reductions import SUM, reduced, source
from keras_course_ext.monitoring.statistics import NOT_MEASURED, OUTPUT_SUMS

_MOST_ELEMENTS = 4096
_SUMS = {"Sum", "BiasAddGrad"}
_GRADIENT, _WEIGHT, _OUTPUT, _SIGNAL = "gradient", "weight", "output", "signal"


@dataclass(frozen=True)
class _Part:
    """Some elements of the vector: a tensor as it is, or the sum of a large one.

    Attributes:
        kind: What the tensor is.
        column: Of which weight or output.
        elements: How many.
        whole: Whether they are the tensor, and not its sum.
        told: Outputs whose ∂L/∂A they are sums of.
    """

    kind: str
    column: int
    elements: int
    whole: bool
    told: Sequence[int] = ()


class Watch:
    """A vector of a step, and what its elements tell.

    ∂L/∂b = Σ ∂L/∂Z tells of everything that has gone wrong up to its layer, and is small, so a
    gradient of a kernel is looked at only where its layer has no such vector. It tells of ∂L/∂A,
    too, where no activation stands between: both are one tensor then, and ∂L/∂b is its sum over
    the samples. Of the outputs all are looked at, not the last alone: ReLU makes 0 of NaN.

    Args:
        columns: The layout of a row.
        outputs: The outputs of each layer, one for each use.
    """

    def __init__(self, columns: Columns, outputs: Mapping[str, Sequence[tf.Tensor]]) -> None:
        self._columns = columns
        self._parts: list[_Part] = []
        self._values: list[tf.Tensor] = []
        self._summed: list[tf.Tensor] = []
        self._sums: list[_Part] = []
        for i, (_, w) in enumerate(columns.weights.values()):
            if _is_small(w):
                self._see(_WEIGHT, i, tf.convert_to_tensor(w))
        for i, key in enumerate(columns.signals):
            if key.tensor == "output":
                for a in outputs.get(key.layer, ()):
                    self._see_sum(_OUTPUT, i, a)

    def see_gradients(
        self,
        pairs: Sequence[tuple[Any, Any]],
        signals: Mapping[Key, Sequence[tf.Tensor]],
        scale: tf.Tensor | None,
    ) -> None:
        """Look at the gradients of the small weights, and at ∂L/∂A of all outputs."""
        flowing: dict[Any, list[tuple[int, tf.Tensor]]] = {}
        for i, key in enumerate(self._columns.signals):
            for da in signals.get(key, ()):
                flowing.setdefault(source(da), []).append((i, da))
        weights = self._columns.weights
        column_of = {i: column for column, i in enumerate(weights)}
        layer_of = {id(w): weights[id(w)][0].layer for _, w in pairs}
        with_vector = {layer_of[id(w)] for _, w in pairs if len(w.shape) <= 1}
        for g, w in pairs:
            if _is_small(w) and not isinstance(g, tf.IndexedSlices):
                told = [i for i, _ in flowing.pop(_summed(g), [])]
                g = tf.cast(beside(g), tf.float32)
                self._see(_GRADIENT, column_of[id(w)], g if scale is None else g / scale, told)
            elif len(w.shape) <= 1 or layer_of[id(w)] not in with_vector:
                self._see_sum(_GRADIENT, column_of[id(w)], beside(dense_values(g)))
        for uses in flowing.values():
            for i, da in uses:
                self._see_sum(_SIGNAL, i, beside(da))

    def vector(self) -> tf.Tensor:
        """Return all that was looked at, flat."""
        return tf.concat([*self._values, reduced(self._summed, {SUM})[SUM]], axis=0)

    def row_of(self, vector: np.ndarray) -> np.ndarray:
        """Return the row of a step that was only watched, most of it not measured."""
        columns, at = self._columns, 0
        row = np.full(columns.size + columns.ratios, NOT_MEASURED, np.float32)
        n = len(columns.in_row)
        sums = row[len(columns.weights) * n : columns.size].reshape(-1, len(OUTPUT_SUMS))
        for part in self._parts + self._sums:
            x = vector[at : at + part.elements].astype(np.float64)
            at += part.elements
            if part.kind in (_OUTPUT, _SIGNAL):
                if not np.isfinite(x).all():
                    # With a number of elements their mean is NaN, and not unknown.
                    of_output = slice(1, None) if part.kind == _OUTPUT else slice(1)
                    sums[part.column, of_output] = [np.nan, 1.0, *[np.nan] * 4][of_output]
                continue
            if part.told and not np.isfinite(x).all():
                sums[part.told, 0] = np.nan
            of_weight = row[part.column * n : (part.column + 1) * n]
            for i, statistic in enumerate(columns.in_row):
                value = _statistic(statistic, part, x)
                if value is not None:
                    of_weight[i] = value
        return row

    def _see(self, kind: str, column: int, x: tf.Tensor, told: Sequence[int] = ()) -> None:
        x = tf.cast(x, tf.float32)
        self._values.append(x if len(x.shape) == 1 else tf.reshape(x, [-1]))
        self._parts.append(_Part(kind, column, x.shape.num_elements(), True, told))

    def _see_sum(self, kind: str, column: int, x: tf.Tensor) -> None:
        self._summed.append(x)
        self._sums.append(_Part(kind, column, 1, False))


def _summed(gradient: tf.Tensor) -> Any:
    """Return the name of the tensor that a gradient is the sum of over samples, or None."""
    if tf.executing_eagerly():
        return None
    op = source(gradient).deref().op
    return source(op.inputs[0]) if op.type in _SUMS else None


def _is_small(w: Any) -> bool:
    return len(w.shape) <= 1 and int(np.prod(w.shape)) <= _MOST_ELEMENTS


def _statistic(name: str, part: _Part, x: np.ndarray) -> float | None:
    """Return a statistic of a weight, or None if its elements do not tell."""
    finite = bool(np.isfinite(x).all())
    if (name == "weight_norm") != (part.kind == _WEIGHT):
        return None
    if name in ("weight_norm", "grad_norm"):
        return _norm(x) if part.whole else None if finite else np.nan
    if not part.whole:
        return None
    return {
        "grad_mean_abs": lambda: np.abs(x).mean(),
        "grad_max_abs": lambda: np.abs(x).max(),
        "grad_zero_share": lambda: (x == 0).mean(),
        "grad_non_finite": lambda: float(np.sum(~np.isfinite(x))),
    }[name]()


def _norm(x: np.ndarray) -> float:
    with np.errstate(invalid="ignore", over="ignore"):
        return float(np.sqrt(np.sum(x * x)))
