"""The values that a monitor adds to `logs`, for Keras's progress bar and other callbacks."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_course_ext.callbacks.on_finding import is_sure
from keras_course_ext.monitoring.diagnosis.diagnose import diagnose
from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import MODEL

# Reading the norm makes the host wait for the device, and a diagnosis reads the whole record. So
# the norm is read at most four times a second, and the diagnosis is made after 1/4, 1/2, 1, 2, ...
# seconds and then every ten seconds, and takes at most 1 % of the time.
_SECONDS = 0.25
_SELDOM = 10.0
_SHARE = 0.01
# A median of fewer steps is not yet one of the epoch.
_STEPS = 10


class LiveLogs:
    """The gradient norm recorded last and the gravest finding, updated now and then.

    Args:
        norm: Returns the gradient norm recorded last.
        history: Returns the history with everything recorded so far.
        params: What Keras gives to the callbacks of a `fit`; its `"verbose"` says whether there is
            a bar that shows the batches. At `verbose=2` there is a line an epoch only, whose
            values come from the logs of the epoch.
    """

    def __init__(
        self,
        norm: Callable[[], float],
        history: Callable[[], GradientHistory],
        params: Mapping[str, Any],
    ) -> None:
        self.wanted = params.get("verbose") in (1, "auto")
        self._read_norm = norm
        self._read_history = history
        self._began: float | None = None
        self._norm_due = self._diagnosis_due = 0.0
        self._costs = (math.inf, math.inf)
        self._norm: dict[str, float] = {}
        self._finding: dict[str, float] = {}

    def refresh(self) -> bool:
        """Update what is due, before a batch; return whether the history was read."""
        if not self.wanted:
            return False
        now = time.perf_counter()
        if self._began is None:  # nothing has been recorded before the first batch
            self._began = now
            self._diagnosis_due = now + _SECONDS
            return False
        if now >= self._norm_due:
            self._norm = {"grad_norm": self._read_norm()}
            self._norm_due = now + _SECONDS
        if now < self._diagnosis_due:
            return False
        history = self._read_history()
        if _can_be_diagnosed(history):
            self.found([finding for finding in diagnose(history) if is_sure(finding)])
        ended = time.perf_counter()
        # The first diagnosis is a slow one, whatever the record.
        self._costs = (self._costs[1], ended - now)
        pause = max(_SECONDS, min(_SELDOM, ended - self._began))
        self._diagnosis_due = ended + max(pause, min(self._costs) / _SHARE)
        return True

    def found(self, findings: Sequence[Finding]) -> None:
        """Show the first of some findings from now on."""
        self._finding = finding_logs(findings)

    def add_to(self, logs: dict[str, Any] | None) -> None:
        """Add the values to the logs of a batch."""
        if self.wanted and logs is not None:
            logs.update(self._norm)
            logs.update(self._finding)


def finding_logs(findings: Sequence[Finding]) -> dict[str, float]:
    """Return what `logs` gets of the findings: in how many layers the gravest is, and the worst."""
    return {f"{f.kind}_layers_worst_{f.layer}": float(len(f.layers) or 1) for f in findings[:1]}


def _can_be_diagnosed(history: GradientHistory) -> bool:
    """Say whether the running epoch is long enough already, or not finite."""
    if not history.has(*MODEL):
        return False
    _, epochs, norms = history.series(*MODEL)
    now = norms[epochs == epochs[-1]]
    return len(now) >= _STEPS or not np.isfinite(now).all()
