"""The detector of what is not finite: a small vector of every step, and what it says of a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from keras_course_ext.monitoring.capture.gradients import dense_values, readable
from keras_course_ext.monitoring.capture.graph import source
from keras_course_ext.monitoring.capture.reductions import SUM, reduced
from keras_course_ext.monitoring.capture.spec import StepSpec
from keras_course_ext.monitoring.record.schema import TensorId
from keras_course_ext.monitoring.record.sums import NOT_MEASURED, REDUCTIONS

_MOST_ELEMENTS = 4096
# Products of numbers that cannot be squared in float32 overflow.
_SQUARABLE = 1e18
# Operations whose result is the sum of a tensor over the samples.
_SUMS = {"Sum", "BiasAddGrad"}
_GRADIENT, _WEIGHT, _OUTPUT, _SIGNAL = "gradient", "weight", "output", "signal"


@dataclass(frozen=True)
class _Part:
    """Elements of the vector: a small tensor as it is, or the sum of a large one.

    Attributes:
        kind: What the tensor is.
        place: Number of the weight or of the output in the layout.
        elements: Number of elements.
        whole: Whether they are the tensor itself and not its sum.
        summed_signals: Numbers of the outputs whose gradient this bias gradient sums.
    """

    kind: str
    place: int
    elements: int
    whole: bool
    summed_signals: Sequence[int] = ()


class NonFinite:
    """Looks at tensors of a step, at every step, for elements that are not finite.

    ∂L/∂b = Σ ∂L/∂Z is not finite if anything up to its layer was not, and it is small. So a
    kernel's gradient is looked at only where its layer has no such vector. Without an activation
    in between, ∂L/∂Z is ∂L/∂A, which then need not be looked at either (4 % of a step of a
    transformer block). Of the outputs all are looked at, not the last alone: ReLU maps NaN to 0.

    Args:
        spec: What the step measures.
    """

    def __init__(self, spec: StepSpec) -> None:
        self._spec = spec
        self._parts: list[_Part] = []
        self._values: list[tf.Tensor] = []
        self._summed: list[tf.Tensor] = []
        self._sums: list[_Part] = []

    def see_weights(self) -> None:
        """Look at the small weights, before the update."""
        for i, w in enumerate(self._spec.variables):
            if _is_small(w):
                self._see(_WEIGHT, i, tf.convert_to_tensor(w))

    def see_outputs(self, outputs: Mapping[str, Sequence[tf.Tensor]]) -> None:
        """Look at the outputs of all layers."""
        for i, signal in enumerate(self._spec.layout.signals):
            if signal.tensor == "output":
                for a in outputs.get(signal.layer, ()):
                    self._see_sum(_OUTPUT, i, a)

    def see_gradients(
        self,
        pairs: Sequence[tuple[Any, Any]],
        signals: Mapping[TensorId, Sequence[tf.Tensor]],
        scale: tf.Tensor | None,
    ) -> None:
        """Look at the gradients of the small weights, and at ∂L/∂A of outputs.

        Args:
            pairs: Gradients of weights, and the weights.
            signals: ∂L/∂A by output, one for each use of the layer; empty if the row itself tells
                which of them is not finite.
            scale: The factor by which all of them are scaled; None for 1.
        """
        flowing: dict[Any, list[tuple[int, tf.Tensor]]] = {}
        for i, signal in enumerate(self._spec.layout.signals):
            for da in signals.get(signal, ()):
                flowing.setdefault(source(da), []).append((i, da))
        places, weights = self._spec.places, self._spec.layout.weights
        with_vector = {weights[places[id(w)]].layer for _, w in pairs if len(w.shape) <= 1}
        for g, w in pairs:
            place = places[id(w)]
            if _is_small(w) and not isinstance(g, tf.IndexedSlices):
                summed = [i for i, _ in flowing.pop(_source_of_sum(g), [])]
                read = readable(g)
                if read is not None:
                    read = tf.cast(read, tf.float32)
                    self._see(_GRADIENT, place, read if scale is None else read / scale, summed)
            elif len(w.shape) <= 1 or weights[place].layer not in with_vector:
                self._see_sum(_GRADIENT, place, readable(dense_values(g)))
        for uses in flowing.values():
            for i, da in uses:
                self._see_sum(_SIGNAL, i, readable(da))

    def vector(self) -> tf.Tensor:
        """Return everything that was looked at, flat."""
        return tf.concat([*self._values, reduced(self._summed, {SUM})[SUM]], axis=0)

    def found(self) -> tf.Tensor:
        """Say, inside the step, whether something was not finite or cannot be squared."""
        # The comparison is false for NaN.
        return tf.logical_not(tf.reduce_all(tf.abs(self.vector()) < _SQUARABLE))

    @staticmethod
    def suspicious(vectors: np.ndarray) -> np.ndarray:
        """Say, on the host, in which vectors something was not finite or cannot be squared."""
        return ~(np.abs(vectors).max(axis=1, initial=0.0) < _SQUARABLE)

    def row_of(self, vector: np.ndarray) -> np.ndarray:
        """Return the row of a step of which only the vector is known, most of it not measured."""
        layout, at = self._spec.layout, 0
        row = np.full(layout.size + layout.late_size, NOT_MEASURED, np.float32)
        by_weight = row[: layout.outputs_at].reshape(-1, len(layout.weight_sums))
        by_output = row[layout.outputs_at : layout.size].reshape(-1, len(layout.output_sums))
        of_signal = np.array([name == "signal.norm" for name in layout.output_sums])
        for part in self._parts + self._sums:
            x = vector[at : at + part.elements].astype(np.float64)
            at += part.elements
            finite = bool(np.isfinite(x).all())
            if part.kind in (_OUTPUT, _SIGNAL):
                if not finite:
                    by_output[part.place, of_signal == (part.kind == _SIGNAL)] = np.nan
                continue
            if part.summed_signals and not finite:
                for i in part.summed_signals:
                    by_output[i, of_signal] = np.nan
            for i, name in enumerate(layout.weight_sums):
                tensor, reduction = name.split(".")
                if tensor == part.kind:
                    if part.whole:
                        by_weight[part.place, i] = REDUCTIONS[reduction].of(x)
                    elif reduction == "norm" and not finite:
                        by_weight[part.place, i] = np.nan
        return row

    def _see(self, kind: str, place: int, x: tf.Tensor, summed: Sequence[int] = ()) -> None:
        x = tf.cast(x, tf.float32)
        self._values.append(x if len(x.shape) == 1 else tf.reshape(x, [-1]))
        self._parts.append(_Part(kind, place, x.shape.num_elements(), True, summed))

    def _see_sum(self, kind: str, place: int, x: tf.Tensor | None) -> None:
        if x is None:  # it could only be computed again, which costs too much for every step
            return
        self._summed.append(x)
        self._sums.append(_Part(kind, place, 1, False))


def _source_of_sum(gradient: tf.Tensor) -> Any:
    """Return the name of the tensor whose sum over the samples a gradient is, or None."""
    if tf.executing_eagerly():
        return None
    op = source(gradient).deref().op
    return source(op.inputs[0]) if op.type in _SUMS else None


def _is_small(w: Any) -> bool:
    return len(w.shape) <= 1 and int(np.prod(w.shape)) <= _MOST_ELEMENTS
