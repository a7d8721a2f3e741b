"""The protocol of a sink: what a `GradientMonitor` writes its record to."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Histogram, Key


@runtime_checkable
class Sink(Protocol):
    """Takes the record of a `GradientMonitor` as it grows.

    Any object with these four methods is one; it need not inherit from this class. `open` is called
    before the first step is trained, and an exception in it ends `fit` there. One in `write` or
    `write_histograms` does not: the monitor warns once and leaves that sink alone.

    A sink that has a method `write_findings(findings)` as well gets the findings, a sequence of
    `Finding` with the gravest first, after each epoch in which they have changed.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> class Largest:
        ...     def open(self, first_step, history):
        ...         self.value = 0.0
        ...     def write(self, steps, epochs, keys, values):
        ...         at = [i for i, key in enumerate(keys) if key.statistic == "grad_norm"]
        ...         self.value = max(self.value, values[:, at].max(initial=0.0))
        ...     def write_histograms(self, histograms):
        ...         pass
        ...     def close(self):
        ...         print("largest gradient above 0:", self.value > 0)
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> monitor = kce.callbacks.GradientMonitor(sinks=[Largest()])
        >>> _ = model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0, callbacks=[monitor])
        largest gradient above 0: True
    """

    def open(self, first_step: int, history: GradientHistory) -> None:
        """Prepare for writing; called once before the first step of a `fit`, or of a `watch`.

        Args:
            first_step: Number of the first step. Drop what an interrupted run has left of this step
                and later ones; at 0 that is everything.
            history: The `GradientHistory` that is written. Its `layers` are in forward order from
                the first `write` on.

        Raises:
            OSError: If nothing can be written there.
            ValueError: If what is there is not a record.
        """
        ...

    def write(
        self, steps: np.ndarray, epochs: np.ndarray, keys: Sequence[Key], values: np.ndarray
    ) -> None:
        """Take a block of rows, one row a step and one column a key.

        Args:
            steps: Step of each row, ascending, shape `(rows,)`.
            epochs: Epoch of each row, shape `(rows,)`.
            keys: A `Key` for each column.
            values: float32 of shape `(rows, len(keys))`.
        """
        ...

    def write_histograms(self, histograms: Sequence[Histogram]) -> None:
        """Take the histograms of some steps.

        Args:
            histograms: A sequence of `Histogram`, at least one, in the order of the steps.
        """
        ...

    def close(self) -> None:
        """Finish; called once when `fit` or `watch` ends, and after a failed `write`."""
        ...
