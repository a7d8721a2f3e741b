"""What `logs` gets at the end of an epoch, in a time that grows linearly with the epochs."""

import math
from collections.abc import Iterable

import numpy as np

from keras_course_ext.monitoring.diagnosis.diagnose import Rule, diagnose
from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import MODEL

# The record is diagnosed again when it has so many epochs more, as a share: after each of the first
# 64, and at 10,000 after every 312th. Then all diagnoses of a run read 32 times what the last one
# does.
_GROWTH = 1 / 32


class EpochLogs:
    """The median gradient norm of an epoch, and the gravest finding.

    A diagnosis reads the whole record. One after each of n epochs would read n²/2 epochs.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        """Those of the last diagnosis, the gravest first."""
        self.shown: list[Finding] = []
        """Those of them that `logs` gets."""
        self._ended = self._due = 0
        self._norm: float | None = None

    def end_epoch(
        self, history: GradientHistory, epoch: int, rules: Iterable[Rule] = ()
    ) -> tuple[dict[str, float], list[Finding] | None]:
        """Return the entry of the norm, and the findings if the record was diagnosed.

        The median is over the finite norms, and NaN only if none of the epoch is finite. An epoch
        without a recorded step has the median of the last one that has some. An epoch with a norm
        that is not finite is always diagnosed.

        Args:
            history: The record, up to the end of this epoch.
            epoch: Its number.
            rules: Rules of the user's own.
        """
        self._ended += 1
        norms = np.empty(0)
        of_epoch = history.of_epoch(epoch)
        if of_epoch.has(*MODEL):
            norms = of_epoch.series(*MODEL)[2]
            finite = norms[np.isfinite(norms)]
            self._norm = float(np.median(finite)) if len(finite) else math.nan
        found = None
        if self._ended >= self._due or not np.isfinite(norms).all():
            found = self.findings = diagnose(history, rules)
            self._due = self._ended + max(1, int(self._ended * _GROWTH))
        return {} if self._norm is None else {"grad_norm": self._norm}, found
