"""How a step is measured without delaying what it computes.

Besides the sums themselves three things make a recorded step slow: an operation that reads a weight
behind the gradients makes all updates wait for it; a tensor that is kept until the end of the step
cannot be computed in place, nor its memory be reused; and every operation, even a skipped one,
takes about a microsecond. So a step is measured at three points. All are traced in the `apply` of
the optimizer, because what may be read of the forward pass shows in the backward pass
(`anchored.py`); the first does not depend on gradients, so it runs when the forward pass has ended.

* when the forward pass has ended: the outputs, and the weights that the update will overwrite;
* when the backward pass has ended: the large gradients, if only due steps are measured;
* when the update has ended: the other gradients, and how far the update has moved the weights.

A store says when a step is due. If it says so inside the step (`DeviceRing`), the measuring is put
under conditions. A step that is recorded only because something was not finite is then known too
late for the first two points, and its row has the small gradients only, those of biases among
them, which are enough to find the layer. If the host decides (`HostQueue`) there are no conditions:
the caller selects outputs of the step's function, and TensorFlow prunes the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from keras_course_ext._tracing import under_xla
from keras_course_ext.monitoring.capture.copies import Reader
from keras_course_ext.monitoring.capture.gradients import dense_values, with_rows_summed
from keras_course_ext.monitoring.capture.graph import gate, run_if
from keras_course_ext.monitoring.capture.histograms import counts_of, no_counts
from keras_course_ext.monitoring.capture.non_finite import NonFinite
from keras_course_ext.monitoring.capture.reductions import is_large
from keras_course_ext.monitoring.capture.row import GradientPart, forward_sums, live_units, row_of
from keras_course_ext.monitoring.capture.spec import StepSpec
from keras_course_ext.monitoring.capture.sums import (
    as_one,
    gradient_sums,
    nonzero_units,
    value_sums,
)
from keras_course_ext.monitoring.capture.updates import steps_taken
from keras_course_ext.monitoring.record.schema import TensorId
from keras_course_ext.monitoring.record.sums import NOT_MEASURED
from keras_course_ext.monitoring.transport.store import RowStore

Signals = Mapping[TensorId, Sequence[tf.Tensor]]
"""∂L/∂A by output, one for each use of the layer."""


class Measurement:
    """Measures one step on one replica, and writes what it finds into a store.

    Args:
        spec: What is measured.
        store: Where to.
        reader: Reads the outputs of the layers, and gradients.
    """

    def __init__(self, spec: StepSpec, store: RowStore, reader: Reader) -> None:
        self._spec, self._layout, self._store = spec, spec.layout, store
        self._reader = reader
        # Whether the step is recorded, as known when the forward pass has ended and when the
        # backward pass has; None: the row is built without a tf.cond.
        self._due: tf.Tensor | None = None
        self._due_at_last: tf.Tensor | None = None
        self._detector: NonFinite | None = None
        self._early: list[tuple[GradientPart, tf.Tensor]] = []

    def forward_ended(self) -> None:
        """Measure the outputs and the weights that the update will overwrite."""
        due = self._store.due()
        if due is not None:
            self._due = due | self._found(
                lambda d: d.see_outputs(self._reader.outputs_at_every_step())
            )
        elif not self._store.every_step:
            self._detector = NonFinite(self._spec)
            self._detector.see_weights()
            self._detector.see_outputs(self._reader.outputs_at_every_step())
        self._weight_sums, self._output_sums, self._live, *self._before = run_if(
            self._due, self._measure_forward, self._forward_not_measured
        )
        if self._spec.histograms:
            self._bins_due = self._store.bins_due()
            variables = self._spec.variables
            self._weight_bins = self._if_bins(
                lambda: counts_of([tf.convert_to_tensor(w) for w in variables]),
                lambda: no_counts(len(variables)),
            )

    def backward_ended(
        self, pairs: Sequence[tuple[Any, Any]], signals: Signals, scale: tf.Tensor | None
    ) -> None:
        """Take the gradients; measure the large ones now if only due steps are measured.

        Args:
            pairs: Gradients and their variables.
            signals: ∂L/∂A.
            scale: The factor by which all of them are scaled; None for 1.
        """
        self._pairs, self._signals, self._scale = list(pairs), signals, scale
        graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
        self._operations_before = 0 if graph is None else len(graph.get_operations())
        if self._due is None:
            return
        large = self._part(is_large)
        measured = tf.zeros(0)
        if large.size:
            measured = gate(
                self._due,
                lambda: self._measured(large),
                lambda: tf.fill([large.size], NOT_MEASURED),
            )
        self._early = [(large, measured)]
        # The row tells which ∂L/∂A was not finite.
        self._due_at_last = self._due | self._found(lambda d: d.see_gradients(pairs, {}, scale))

    def update_ended(self, skipped: tf.Tensor | None) -> None:
        """Write the row, and behind the update how far the weights have moved.

        Args:
            skipped: Whether loss scaling skipped the update; None without loss scaling.
        """
        run_if(self._due_at_last, _without_result(self._write_row), tf.no_op)
        if self._before:
            run_if(self._due, _without_result(self._write_late), tf.no_op)
        if self._spec.histograms:
            self._if_bins(_without_result(self._write_bins), tf.no_op)
        if self._detector is not None:
            self._detector.see_gradients(self._pairs, self._signals, self._scale)
            self._store.write_detector(self._detector)
        self._store.end_step(skipped)

    def _found(self, look: Callable[[NonFinite], None]) -> tf.Tensor:
        detector = NonFinite(self._spec)
        look(detector)
        return detector.found()

    def _measure_forward(self) -> list[tf.Tensor]:
        layout = self._layout
        values: list[tf.Tensor] = []
        if layout.value_sums or layout.late_sums:
            values = [tf.convert_to_tensor(w) for w in self._spec.variables]
        outputs, inputs = self._reader.outputs(), self._reader.inputs()
        live = {
            name: nonzero_units(outputs[name]) for name in layout.unit_slices if name in outputs
        }
        return [
            value_sums(values, layout.value_sums),
            forward_sums(self._spec, outputs, inputs, live),
            live_units(layout, live),
            *(values if layout.late_sums else []),
        ]

    def _forward_not_measured(self) -> list[tf.Tensor]:
        layout, variables = self._layout, self._spec.variables
        # XLA needs the shapes of the other branch; elsewhere empty tensors cost nothing to fill.
        shape_of = (lambda w: w.shape) if under_xla() else (lambda w: [0] * len(w.shape))
        n = len(variables) if layout.value_sums or layout.late_sums else 0
        return [
            tf.fill([n, len(layout.value_sums)], NOT_MEASURED),
            tf.fill([len(layout.signals), len(layout.output_sums) - 1], NOT_MEASURED),
            tf.zeros(layout.units),
            *(tf.zeros(shape_of(w), w.dtype) for w in variables if layout.late_sums),
        ]

    def _part(self, belongs: Callable[[tf.Tensor], bool]) -> GradientPart:
        return GradientPart(
            len(self._layout.gradient_sums),
            [(g, w) for g, w in self._pairs if belongs(dense_values(g)) and self._can_read(g)],
            {
                (signal, use): da
                for signal, das in self._signals.items()
                for use, da in enumerate(das)
                if belongs(da) and self._can_read(da)
            },
        )

    def _can_read(self, gradient: Any) -> bool:
        sparse = isinstance(gradient, tf.IndexedSlices)
        return sparse or self._reader.can_read_gradient(gradient)

    def _read(self, gradient: Any) -> tf.Tensor:
        if isinstance(gradient, tf.IndexedSlices):
            return with_rows_summed(gradient)
        return self._reader.gradient(gradient)

    def _measured(self, part: GradientPart) -> tf.Tensor:
        columns, of_signals = gradient_sums(
            [self._read(g) for g, _ in part.pairs],
            [self._read(da) for da in part.signals.values()],
            self._scale,
            self._layout.gradient_sums,
        )
        return tf.concat([*columns, of_signals], axis=0)

    def _write_row(self) -> None:
        rest = self._part(lambda x: not (self._early and is_large(x)))
        row, norms = row_of(
            [(rest, self._measured(rest)), *self._early],
            self._spec,
            self._weight_sums,
            self._output_sums,
        )
        self._store.write_row(row, self._live, norms)

    def _write_late(self) -> None:
        in_one_graph = self._due is None and self._spec.replicas == 1
        steps = steps_taken(
            self._spec.variables, self._before, self._operations_before if in_one_graph else None
        )
        self._store.write_late(tf.reshape(value_sums(steps, self._layout.late_sums), [-1]))

    def _if_bins(self, then: Callable, otherwise: Callable) -> Any:
        return then() if self._bins_due is None else gate(self._bins_due, then, otherwise)

    def _write_bins(self) -> None:
        gradient_of = {id(w): self._read(g) for g, w in self._pairs if self._can_read(g)}
        gradients = [gradient_of.get(id(w)) for w in self._spec.variables]
        if self._scale is not None:
            gradients = [
                None if g is None else tf.cast(g, tf.float32) / self._scale for g in gradients
            ]
        found = self._reader.outputs()
        outputs = [
            as_one(found[info.name]) if info.name in found else None for info in self._layout.layers
        ]
        bins = [counts_of(gradients), self._weight_bins, counts_of(outputs)]
        self._store.write_bins(tf.concat(bins, axis=0))


def _without_result(write: Callable[[], None]) -> Callable[[], tf.Operation]:
    def written() -> tf.Operation:
        write()
        return tf.no_op()

    return written
