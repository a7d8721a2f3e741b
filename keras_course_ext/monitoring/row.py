"""From the tensors of a step to its row in the buffer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from keras_course_ext.monitoring.columns import Columns
from keras_course_ext.monitoring.history import Key
from keras_course_ext.monitoring.measurement import nonzero_units, output_columns
from keras_course_ext.monitoring.norms import l2_norms
from keras_course_ext.monitoring.statistics import NOT_MEASURED, OUTPUT_SUMS


@dataclass(frozen=True)
class Part:
    """Some of the gradients of a step, whose statistics stand behind each other in one vector.

    Attributes:
        statistics: Number of statistics of a gradient of a weight.
        pairs: Gradients and their variables.
        signals: ∂L/∂A, by key and number of use.
    """

    statistics: int
    pairs: Sequence[tuple[Any, Any]]
    signals: Mapping[tuple[Key, int], tf.Tensor]

    @property
    def size(self) -> int:
        """Number of statistics in all."""
        return len(self.pairs) * self.statistics + len(self.signals)

    def not_measured(self) -> tf.Tensor:
        """Return what stands for the statistics when they were not measured."""
        return tf.fill([self.size], NOT_MEASURED)


def row_of(
    parts: Sequence[tuple[Part, tf.Tensor]],
    columns: Columns,
    weight_norms: tf.Tensor,
    forward: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return a row, and the norms of all gradients of weights.

    Args:
        parts: The gradients, and what was measured of each part.
        columns: The layout of the row.
        weight_norms: ‖W‖ before the update, of all weights of the model, if wanted.
        forward: What `forward_part` returned.
    """
    of_weights = [
        tf.reshape(values[: len(p.pairs) * p.statistics], (p.statistics, -1)) for p, values in parts
    ]
    of_signals = [values[len(p.pairs) * p.statistics :] for p, values in parts]
    table = tf.concat(of_weights, axis=1)
    at = {id(w): i for i, w in enumerate(w for p, _ in parts for _, w in p.pairs)}
    by_weight = [_placed(tf.transpose(table), [at.get(i) for i in columns.weights])]
    if "weight_norm" in columns.wanted:
        by_weight.append(weight_norms[:, None])
    uses = [key for p, _ in parts for key in p.signals]
    signals = _placed(*_of_keys(tf.concat(of_signals, axis=0), uses, columns.signals))
    by_output = tf.concat([signals[:, None], forward], axis=1)
    flat = [tf.reshape(by_output, [-1])]
    if columns.weights:
        flat.insert(0, tf.reshape(tf.concat(by_weight, axis=1), [-1]))
    return tf.concat(flat, axis=0), table[0]


def forward_part(
    columns: Columns,
    outputs: Mapping[str, Sequence[tf.Tensor]],
    inputs: Mapping[str, Sequence[tf.Tensor]],
    live: Mapping[str, tf.Tensor],
) -> tf.Tensor:
    """Return what is measured of the outputs in the forward pass.

    Args:
        columns: The layout of the row.
        outputs: The outputs A of each layer, one for each use.
        inputs: Z of each layer, where that is needed.
        live: What `live_part` returned.

    Returns:
        `OUTPUT_SUMS` but the norm, shape `(len(columns.signals), 5)`, NaN for what is not there.
    """
    names = [name for name in columns.names if name in outputs]
    if not names or not columns.of_output[1:]:
        return tf.fill([len(columns.signals), len(OUTPUT_SUMS) - 1], np.float32(np.nan))
    found = [joined(outputs[name]) for name in names]
    saturation = [
        columns.saturation[name].of(a, joined(inputs[name]) if name in inputs else None)
        for name, a in zip(names, found, strict=True)
    ]
    nonzero = [tf.reduce_sum(live[name]) if name in live else None for name in names]
    table = tf.stack(output_columns(found, saturation, nonzero, columns.wanted), axis=1)
    at = {Key(name, "output", "grad_norm"): i for i, name in enumerate(names)}
    return _placed(table, [at.get(key) for key in columns.signals])


def live_part(columns: Columns, outputs: Mapping[str, Sequence[tf.Tensor]]) -> dict[str, tf.Tensor]:
    """Return, by layer, for how many samples each unit that is watched was not 0."""
    return {name: nonzero_units(outputs[name]) for name in columns.unit_slices if name in outputs}


def live_units(columns: Columns, live: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Return what `live_part` returned as one vector, 0 for a layer that was not called."""
    parts = [
        live[name] if name in live else tf.zeros(at.stop - at.start)
        for name, at in columns.unit_slices.items()
    ]
    return tf.concat(parts, axis=0) if parts else tf.zeros(0)


def joined(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return the elements of some tensors as those of one."""
    if len(tensors) == 1:
        return tensors[0]
    return tf.concat([tf.reshape(a, [-1]) for a in tensors], axis=0)


def _of_keys(
    norms: tf.Tensor, uses: Sequence[tuple[Key, int]], keys: Sequence[Key]
) -> tuple[tf.Tensor, list[int | None]]:
    """Join the norms of a layer's uses: its signals are one vector. Return where each key's is."""
    at: dict[Key, list[int]] = {}
    for i, (key, _) in enumerate(uses):
        at.setdefault(key, []).append(i)
    if len(at) < len(uses):
        norms = l2_norms([tf.gather(norms, places) for places in at.values()])
        at = {key: [i] for i, key in enumerate(at)}
    return norms, [at[key][0] if key in at else None for key in keys]


def _placed(values: tf.Tensor, places: Sequence[int | None]) -> tf.Tensor:
    """Return the rows of a table, or elements of a vector, at some places, NaN for None."""
    shape: Any = values.shape
    n = shape[0]
    if list(places) == list(range(n)):
        return values
    absent = tf.fill([1, *values.shape[1:]], np.float32(np.nan))
    return tf.gather(tf.concat([values, absent], axis=0), [n if i is None else i for i in places])
