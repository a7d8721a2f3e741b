"""How far the steps move the kernels: ‖ΔW‖ / ‖W‖ of each, by epoch."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from keras_course_ext.monitoring.diagnosis.initial_size import initial_size
from keras_course_ext.monitoring.record.epochs import medians
from keras_course_ext.monitoring.record.first_values import first_values
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Key

_FIRST = 10


@dataclass(frozen=True)
class Moves:
    """The updates of a kernel.

    Attributes:
        epochs: The epochs in which they were recorded.
        steps: The first recorded step of each.
        medians: The median of ‖ΔW‖ / ‖W‖ of each.
        initial: ‖ΔW‖ / ‖W‖ of the first recorded step.
        first: The largest of the first ten recorded steps, as a share of weights of usual size.
    """

    epochs: np.ndarray
    steps: np.ndarray
    medians: np.ndarray
    initial: float
    first: float

    def since(self, limit: float) -> int:
        """Return the place of the epoch since which the median has been above a limit."""
        above = self.medians > limit
        return 0 if above.all() else int(len(above) - np.argmin(above[::-1]))


# Three rules need them.
_LAST: "WeakKeyDictionary[GradientHistory, tuple[int, dict[str, Moves]]]" = WeakKeyDictionary()


def forget_moves(history: GradientHistory) -> None:
    """Compute the updates anew for the next diagnosis, for a record may have been changed."""
    _LAST.pop(history, None)


def moves_of(history: GradientHistory) -> dict[str, Moves]:
    """Return the updates of every layer's first kernel that has a gradient other than 0."""
    last = _LAST.get(history)
    if last is None or last[0] != len(history):
        last = _LAST[history] = (len(history), _moves(history))
    return last[1]


def _moves(history: GradientHistory) -> dict[str, Moves]:
    found: dict[str, Moves] = {}
    for info in history.layers:
        for tensor in info.main_weights[:1]:
            key = Key(info.name, tensor, "update_ratio")
            if not history.has(*key) or not _has_gradient(history, info.name, tensor):
                continue
            epochs = medians(history, key, nonzero=True)
            values = first_values(history, key, _FIRST)
            if len(epochs.epochs):
                # Of tiny weights any step is a large share.
                size = min(1.0, initial_size(info, history))
                first = size * float(values[np.isfinite(values)].max(initial=0.0))
                found[info.name] = Moves(*epochs, initial=float(values[0]), first=first)
    return found


def _has_gradient(history: GradientHistory, layer: str, tensor: str) -> bool:
    key = Key(layer, tensor, "grad_norm")
    if (first_values(history, key, _FIRST) > 0).any():
        return True
    if not history.has(*key):
        return False
    norms = history.series(*key)[2]
    return bool(np.any(np.isfinite(norms) & (norms > 0)))
