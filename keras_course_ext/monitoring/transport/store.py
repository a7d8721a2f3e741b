"""What a store of rows does: how a step writes into it, and how the host reads it."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

FIRST_STEPS = 10
"""So many steps are recorded at the beginning, whatever the period."""

NON_FINITE_ROWS = 16
"""At most so many steps an epoch are recorded only because something was not finite."""


class Period(NamedTuple):
    """Which steps are recorded: the first ones, and then every `every`-th.

    Attributes:
        every: Number of steps from one record to the next.
        offset: A step that is recorded.
        start: Number of the first step.
        width: So many steps are recorded together, the updates of a batch.
    """

    every: Any = 1
    offset: Any = 0
    start: Any = 0
    width: Any = 1

    def due(self, step: Any) -> Any:
        """Say whether a step is recorded; for numbers on the host and tensors in a graph alike."""
        return (step - self.start < FIRST_STEPS) | ((step - self.offset) % self.every < self.width)


NEVER = Period(every=2**62, offset=-1, start=-(2**62))
"""No step is recorded."""


def bins_due(step: Any, every: int) -> Any:
    """Say whether a step has histograms; for numbers on the host and tensors alike."""
    return step % every == 0


class Detector(Protocol):
    """What looks at every step for elements that are not finite; see `capture/non_finite.py`."""

    def vector(self) -> tf.Tensor:
        """Return what was looked at, inside the step."""
        ...

    def suspicious(self, vectors: np.ndarray) -> np.ndarray:
        """Say in which vectors something was not finite."""
        ...

    def row_of(self, vector: np.ndarray) -> np.ndarray:
        """Return the row of a step of which only the vector is known."""
        ...


class RowStore(Protocol):
    """Takes the row of every recorded step inside the step, and gives them to the host.

    Attributes:
        every_step: Whether every step is recorded.
        returned: Whether the step's function returns the rows; it must then be traced as one graph.
    """

    every_step: bool
    returned: bool

    # Inside the step.

    def due(self) -> tf.Tensor | None:
        """Say whether the step is recorded; None if every step is, or if the host decides."""
        ...

    def bins_due(self) -> tf.Tensor | None:
        """Say whether the step has histograms; None if the host decides."""
        ...

    def write_row(self, row: tf.Tensor, live: tf.Tensor, norms: tf.Tensor) -> None:
        """Write the row of this step.

        Args:
            row: The sums, shape `(layout.size,)`.
            live: For each watched unit, for how many samples it was not 0.
            norms: The norms of all weights' gradients; not finite if the step is recorded as such.
        """
        ...

    def write_late(self, late: tf.Tensor) -> None:
        """Write the sums of the updates, shape `(layout.late_size,)`."""
        ...

    def write_bins(self, counts: tf.Tensor) -> None:
        """Write the counts of the histograms, shape `(subjects, 512)`."""
        ...

    def write_detector(self, detector: Detector) -> None:
        """Hand over what is looked at in every step, for the host to decide."""
        ...

    def end_step(self, skipped: tf.Tensor | None) -> None:
        """End a step, recorded or not; `skipped` says whether loss scaling skipped it."""
        ...

    # On the host, between two steps.

    def start_at(self, step: int) -> None:
        """Give the next step this number."""
        ...

    def set_period(self, period: Period) -> None:
        """Record these steps from now on."""
        ...

    def begin_epoch(self) -> None:
        """Reset the per-epoch cap on steps that are recorded because they are not finite."""
        ...

    def pause(self) -> None:
        """Record nothing until the next `set_period` and `begin_epoch`."""
        ...

    def steps(self) -> int:
        """Return the number of the next step."""
        ...

    def readable_steps(self, period: Period) -> int:
        """Return after how many steps at most the store must be read."""
        ...

    def last_row(self) -> np.ndarray | None:
        """Return the row that was written last, without the sums of the updates."""
        ...

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows since the last call, the sums of the updates at their end; and steps."""
        ...

    def read_bins(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the counts since the last call, and their steps."""
        ...

    def read_epoch(self) -> tuple[np.ndarray, float]:
        """Return, since the last call, which units lived and how many steps were skipped."""
        ...
