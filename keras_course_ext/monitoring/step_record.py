"""How a step is measured and its row written, without holding up what the step computes.

Three things make a recorded step dear, apart from the sums themselves. An operation that reads a
weight behind the gradients has all updates wait for it. A tensor that is kept until the end of the
step cannot be computed in place, nor its memory be used again. And every operation that a step
runs, even one that is skipped, takes its microsecond. So there are three places:

* when the forward pass has ended, whether the step is due is known. The weights that the update
  will overwrite are read, and the outputs measured;
* a large gradient is measured as soon as it is there, if the step is due. If it is not, nothing
  keeps it;
* when the backward pass has ended, the small gradients are measured and the row is written, beside
  the update; and behind it, how far that has moved the weights.

A step that is recorded only because a gradient is not finite finds out at the end, when the first
two are over. Its row has the small gradients only, those of biases among them, and they tell which
layer it was.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from keras_course_ext._tracing import under_xla
from keras_course_ext.monitoring.branch import branch, gate
from keras_course_ext.monitoring.histograms import bin_counts, no_counts
from keras_course_ext.monitoring.measurement import gradient_columns
from keras_course_ext.monitoring.norms import l2_norms
from keras_course_ext.monitoring.reading import beside, dense_values, summed_rows
from keras_course_ext.monitoring.reductions import SQUARES, is_large, reduced, source
from keras_course_ext.monitoring.row import (
    Part,
    forward_part,
    joined,
    live_part,
    live_units,
    row_of,
)
from keras_course_ext.monitoring.statistics import NOT_MEASURED, OUTPUT_SUMS

if TYPE_CHECKING:
    from keras_course_ext.monitoring.tap import GradientTap

Tensors = Mapping[Any, Sequence[tf.Tensor]]


class StepRecord:
    """The record of one step on one replica, while the step is being traced.

    Args:
        tap: The tap.
        replica: Number of the replica.
        outputs: The outputs of each layer, one for each use.
        inputs: Z of each layer whose saturation shows only there.
    """

    # Whether every step is recorded, or none finds out by itself whether it is.
    always = False

    def __init__(self, tap: "GradientTap", replica: int, outputs: Tensors, inputs: Tensors) -> None:
        assert tap.columns is not None
        self._columns = tap.columns
        self._buffer: Any = tap.buffers[replica]
        self._bins: Any = tap.histogram_buffers[replica] if tap.histogram_buffers else None
        self._with_bins = self._bins is not None
        self._every_step = tap.every_step or self.always
        self._weights = [w for _, w in tap.columns.weights.values()]
        self._outputs, self._inputs = outputs, inputs
        self._pairs: list[tuple[Any, Any]] = []
        self._signals: Tensors = {}
        self._scale: tf.Tensor | None = None
        # Whether the step is recorded, as far as is known when the forward pass has ended, and at
        # last; None for every step.
        self._due: tf.Tensor | None = None
        self._due_at_last: tf.Tensor | None = None

    def forward_has_ended(self) -> None:
        """Read the weights that the update will overwrite, and measure the outputs."""
        if not self._every_step:
            # Not the last output alone: ReLU makes 0 of NaN.
            outputs = [a for uses in self._outputs.values() for a in uses]
            self._due = self._buffer.due() | _not_finite(outputs)
        self._looked()
        if self._with_bins:
            self._binned = self._bins.due(self._buffer.step)
            self._bins_of_weights = gate(
                self._binned,
                lambda: tf.stack([bin_counts(tf.convert_to_tensor(w)) for w in self._weights]),
                lambda: no_counts(len(self._weights)),
            )

    def backward_has_ended(
        self, pairs: Sequence[tuple[Any, Any]], signals: Tensors, scale: tf.Tensor | None
    ) -> None:
        """Measure the large gradients, and find out whether something is wrong.

        Args:
            pairs: Gradients and their variables.
            signals: ∂L/∂A by key, one for each use of the layer.
            scale: The factor by which all of them are scaled; None for 1.
        """
        self._pairs, self._signals, self._scale = list(pairs), signals, scale
        self._parts = self._part(large=False), self._part(large=True)
        _, large = self._parts
        if self._due is None:
            self._large = self._measured(large)
        elif large.size:
            self._large = gate(self._due, lambda: self._measured(large), large.not_measured)
        else:
            self._large = tf.zeros(0)
        self._due_at_last = None if self._due is None else self._due | self._bad()

    def update_has_ended(self) -> None:
        """Write the row, which waits for no update, and then how far the weights have moved."""
        _if(self._due_at_last, _without_result(self._write_row), tf.no_op)
        if self._before:
            _if(self._due, _without_result(self._write_ratios), tf.no_op)
        if self._with_bins:
            gate(self._binned, _without_result(self._write_bins), tf.no_op)

    def _looked(self) -> None:
        self._norms, self._forward, self._live, *self._before = _if(
            self._due, self._look, self._look_away
        )

    def _look(self) -> list[tf.Tensor]:
        wanted = self._columns.wanted
        values = [tf.convert_to_tensor(w) for w in self._weights_wanted()]
        copies = values if "update_ratio" in wanted else []
        live = live_part(self._columns, self._outputs)
        forward = forward_part(self._columns, self._outputs, self._inputs, live)
        return [l2_norms(values), forward, live_units(self._columns, live), *copies]

    def _look_away(self) -> list[tf.Tensor]:
        columns = self._columns
        copied = self._weights if "update_ratio" in columns.wanted else []
        # XLA wants the shapes of the other branch, and everything else is spared filling them.
        shape_of = (lambda w: w.shape) if under_xla() else (lambda w: [0] * len(w.shape))
        return [
            tf.fill([len(self._weights_wanted())], NOT_MEASURED),
            tf.fill([len(columns.signals), len(OUTPUT_SUMS) - 1], NOT_MEASURED),
            tf.zeros(columns.units),
            *(tf.zeros(shape_of(w), w.dtype) for w in copied),
        ]

    def _weights_wanted(self) -> list[Any]:
        return self._weights if self._columns.wanted & {"weight_norm", "update_ratio"} else []

    def _part(self, large: bool) -> Part:
        """Return the gradients that are large, or those that are not."""
        return Part(
            self._columns.of_gradient,
            [(g, w) for g, w in self._pairs if self._is_large(dense_values(g)) == large],
            {
                (key, use): da
                for key, das in self._signals.items()
                for use, da in enumerate(das)
                if self._is_large(da) == large
            },
        )

    def _is_large(self, x: tf.Tensor) -> bool:
        # When nothing asks whether the step is due, all gradients may as well be one part.
        return self.always or is_large(x)

    def _measured(self, part: Part) -> tf.Tensor:
        sizes = [int(np.prod(w.shape)) for _, w in part.pairs]
        columns, of_signals = gradient_columns(
            [summed_rows(g) for g, _ in part.pairs],
            sizes,
            [beside(da) for da in part.signals.values()],
            self._scale,
            self._columns.wanted,
        )
        return tf.concat([*columns, of_signals], axis=0)

    def _bad(self) -> tf.Tensor:
        """Say, at next to no cost, whether a gradient is not finite.

        ∂L/∂b = Σ ∂L/∂Z tells of everything that has gone wrong up to the layer, and is small, so
        a kernel is looked at only where its layer has no such vector. The product Xᵀ ∂L/∂Z alone
        overflows only where X or ∂L/∂Z cannot be squared, and that counts as not finite too.
        """
        layer_of = {id(w): self._columns.weights[id(w)][0].layer for _, w in self._pairs}
        with_vector = {layer_of[id(w)] for _, w in self._pairs if len(w.shape) <= 1}
        return _not_finite(
            [
                beside(dense_values(g))
                for g, w in self._pairs
                if len(w.shape) <= 1 or layer_of[id(w)] not in with_vector
            ]
        )

    def _row(self) -> tuple[tf.Tensor, tf.Tensor]:
        small, large = self._parts
        parts = [(small, self._measured(small)), (large, self._large)]
        return row_of(parts, self._columns, self._norms, self._forward)

    def _write_row(self) -> None:
        row, norms = self._row()
        self._buffer.write(row, self._live if self._columns.units else None, norms)

    def _ratios(self) -> tf.Tensor:
        return tf.math.divide_no_nan(l2_norms(self._steps()), self._norms)

    def _steps(self) -> list[tf.Tensor]:
        """Return how far each weight has moved, up to the sign."""
        return list(map(self._difference, self._weights, self._before))

    @staticmethod
    def _difference(w: Any, before: tf.Tensor) -> tf.Tensor:
        return tf.convert_to_tensor(w) - before

    def _write_ratios(self) -> None:
        self._buffer.write_ratios(self._ratios())

    def _counts(self) -> tf.Tensor:
        gradient_of = {id(w): summed_rows(g) for g, w in self._pairs}
        gradients = [gradient_of.get(i) for i in self._columns.weights]
        if self._scale is not None:
            gradients = [
                None if g is None else tf.cast(g, tf.float32) / self._scale for g in gradients
            ]
        outputs = [
            joined(self._outputs[name]) if name in self._outputs else None
            for name in self._columns.names
        ]
        of_gradients, of_outputs = _all_counts(gradients), _all_counts(outputs)
        return tf.concat([of_gradients, self._bins_of_weights, of_outputs], axis=0)

    def _write_bins(self) -> None:
        self._bins.write(self._buffer.step, self._counts())


def _all_counts(tensors: Sequence[tf.Tensor | None]) -> tf.Tensor:
    """Count the elements of each tensor; those of the same elements are counted once."""
    known: dict[Any, tf.Tensor] = {}
    for x in tensors:
        if x is not None and source(x) not in known:
            known[source(x)] = bin_counts(x)
    absent = no_counts(1)[0]
    return tf.stack([absent if x is None else known[source(x)] for x in tensors])


def _if(condition: tf.Tensor | None, then: Callable, otherwise: Callable) -> Any:
    return then() if condition is None else branch(condition, then, otherwise)


def _without_result(write: Callable[[], None]) -> Callable[[], tf.Operation]:
    def written() -> tf.Operation:
        write()
        return tf.no_op()

    return written


def _not_finite(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Say whether an element is not finite, or larger than what can be squared."""
    small = [tf.reshape(tf.cast(x, tf.float32), [-1]) for x in tensors if not is_large(x)]
    sums = [tf.nn.l2_loss(tf.concat(small, axis=0))] if small else []
    large = [x for x in tensors if is_large(x)]
    if large:
        sums.append(tf.reduce_sum(reduced(large, {SQUARES})[SQUARES]))
    if not sums:
        return tf.constant(False)
    return tf.logical_not(tf.math.is_finite(sums[0] if len(sums) == 1 else tf.add_n(sums)))
