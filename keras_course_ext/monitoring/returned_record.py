"""The record of a step as something that the train function returns, besides its logs.

Whoever runs the function decides from outside what he wants of a step: TensorFlow drops what goes
into no result. So nothing in the step asks whether it is due, and nothing is kept on the device.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_course_ext.monitoring.histograms import bin_counts
from keras_course_ext.monitoring.moves import moves
from keras_course_ext.monitoring.step_record import StepRecord, Tensors
from keras_course_ext.monitoring.watch import Watch

# What there is of a step: a vector that is looked at always, its row, its histograms.
WATCH, ROW, BINS = "watch", "row", "bins"
Returned = Mapping[str, Any]


class ReturnedRecord(StepRecord):
    """A record that is handed over instead of being written.

    Args:
        tap: The tap.
        replica: Number of the replica.
        outputs: The outputs of each layer, one for each use.
        inputs: Z of each layer whose saturation shows only there.
    """

    always = True

    def forward_has_ended(self) -> None:
        """Read the weights that the update will overwrite, and measure the outputs."""
        self._watch = Watch(self._columns, self._outputs)
        self._looked()
        if self._with_bins:
            self._bins_of_weights = tf.stack(
                [bin_counts(tf.convert_to_tensor(w)) for w in self._weights]
            )

    def backward_has_ended(self, pairs: Any, signals: Tensors, scale: tf.Tensor | None) -> None:
        """Note the gradients; how to read one depends on what the update does with it."""
        self._gradients = pairs, signals, scale
        self._before_update = len(tf.compat.v1.get_default_graph().get_operations())

    def returned(self, skipped: tf.Tensor | None) -> Returned:
        """Return what there is of the step, when the update has ended."""
        super().backward_has_ended(*self._gradients)
        self._watch.see_gradients(self._pairs, self._signals, self._scale)
        skipped = tf.zeros(1) if skipped is None else tf.cast([skipped], tf.float32)
        row, _ = self._row()
        parts = [row, *([self._ratios()] if self._before else []), self._live, skipped]
        found = {
            WATCH: tf.concat([self._watch.vector(), skipped], axis=0),
            ROW: tf.concat(parts, axis=0),
        }
        if self._with_bins:
            found[BINS] = self._counts()
        return found

    def _steps(self) -> list[tf.Tensor]:
        """Return how far each weight has moved, up to the sign."""
        graph = tf.compat.v1.get_default_graph()
        moved = moves(self._before, graph.get_operations()[self._before_update :])
        return [
            self._difference(w, before) if m is None else m
            for w, before, m in zip(self._weights, self._before, moved, strict=True)
        ]

    @property
    def watch(self) -> Watch:
        """What the elements of the vector are."""
        return self._watch
