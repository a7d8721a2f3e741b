"""From the sums of a step's tensors to its row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from keras_course_ext.monitoring.capture.norms import l2_norms
from keras_course_ext.monitoring.capture.spec import StepSpec
from keras_course_ext.monitoring.capture.sums import Outputs, as_one, output_sums
from keras_course_ext.monitoring.record.layout import Layout
from keras_course_ext.monitoring.record.schema import TensorId
from keras_course_ext.monitoring.record.sums import ABSENT


@dataclass(frozen=True)
class GradientPart:
    """Some of the gradients of a step, whose sums follow each other in one vector.

    Attributes:
        sums: Number of sums of a weight's gradient.
        pairs: Gradients and their variables.
        signals: ∂L/∂A, by output and number of the use.
    """

    sums: int
    pairs: Sequence[tuple[Any, Any]]
    signals: Mapping[tuple[TensorId, int], tf.Tensor]

    @property
    def size(self) -> int:
        """Number of sums in all."""
        return len(self.pairs) * self.sums + len(self.signals)


def row_of(
    parts: Sequence[tuple[GradientPart, tf.Tensor]],
    spec: StepSpec,
    weight_sums: tf.Tensor,
    forward: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return a row, and the norms of all gradients of weights.

    Args:
        parts: The gradients, and what was measured of each part.
        spec: What is measured.
        weight_sums: Sums of the weights before the update, shape `(weights, sums)`.
        forward: What `forward_sums` returned.
    """
    of_weights = [tf.reshape(x[: len(p.pairs) * p.sums], (p.sums, -1)) for p, x in parts]
    of_signals = [x[len(p.pairs) * p.sums :] for p, x in parts]
    table = tf.concat(of_weights, axis=1)
    at = {id(w): i for i, w in enumerate(w for p, _ in parts for _, w in p.pairs)}
    by_weight = [_placed(tf.transpose(table), [at.get(id(w)) for w in spec.variables])]
    if spec.layout.value_sums:
        by_weight.append(weight_sums)
    uses = [signal for p, _ in parts for signal, _ in p.signals]
    signals = _by_signal(tf.concat(of_signals, axis=0), uses, spec.layout.signals)
    by_output = tf.concat([signals[:, None], forward], axis=1)
    flat = [tf.reshape(tf.concat(by_weight, axis=1), [-1]), tf.reshape(by_output, [-1])]
    return tf.concat(flat, axis=0), table[0]


def forward_sums(
    spec: StepSpec, outputs: Outputs, inputs: Outputs, live: Mapping[str, tf.Tensor]
) -> tf.Tensor:
    """Return what is measured of the outputs in the forward pass.

    Args:
        spec: What is measured.
        outputs: The outputs A of each layer.
        inputs: Z of each layer, where that is needed.
        live: By layer, for how many samples each unit was not 0.

    Returns:
        Every sum of an output but the norm of its gradient, shape `(len(signals), sums)`.
    """
    layout = spec.layout
    names = [info.name for info in layout.layers if info.name in outputs]
    sums = layout.output_sums[1:]
    if not names or not sums:
        return tf.fill([len(layout.signals), len(sums)], tf.constant(ABSENT))
    found = [as_one(outputs[name]) for name in names]
    before = [as_one(inputs[name]) if name in inputs else None for name in names]
    saturation = [spec.saturation[name] for name in names]
    nonzero = [tf.reduce_sum(live[name]) if name in live else None for name in names]
    table = output_sums(found, before, saturation, nonzero, sums)
    at = {(name, "output"): i for i, name in enumerate(names)}
    return _placed(table, [at.get(signal[:2]) for signal in layout.signals])


def live_units(layout: Layout, live: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Return for how many samples each watched unit was not 0, as one vector; 0 without a call."""
    parts = [
        live[name] if name in live else tf.zeros(at.stop - at.start)
        for name, at in layout.unit_slices.items()
    ]
    return tf.concat(parts, axis=0) if parts else tf.zeros(0)


def _by_signal(
    norms: tf.Tensor, uses: Sequence[TensorId], signals: Sequence[TensorId]
) -> tf.Tensor:
    """Return the norm of each signal; the uses of a layer count as parts of one vector."""
    at: dict[TensorId, list[int]] = {}
    for i, signal in enumerate(uses):
        at.setdefault(signal, []).append(i)
    if len(at) < len(uses):
        norms = l2_norms([tf.gather(norms, places) for places in at.values()])
        at = {signal: [i] for i, signal in enumerate(at)}
    return _placed(norms, [at[signal][0] if signal in at else None for signal in signals])


def _placed(rows: tf.Tensor, places: Sequence[int | None]) -> tf.Tensor:
    """Return the rows of a table, or elements of a vector, at some places; `ABSENT` for None."""
    shape: Any = rows.shape
    n = shape[0]
    if list(places) == list(range(n)):
        return rows
    absent = tf.fill([1, *rows.shape[1:]], tf.constant(ABSENT, rows.dtype))
    return tf.gather(tf.concat([rows, absent], axis=0), [n if i is None else i for i in places])
