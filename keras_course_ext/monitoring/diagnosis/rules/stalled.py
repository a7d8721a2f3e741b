"""Stalled training: the loss is not better than that of a constant, for no reason found."""

import numpy as np

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.finding import WARNING, Finding
from keras_course_ext.monitoring.diagnosis.outcome import Outcome, outcome_of
from keras_course_ext.monitoring.record.history import GradientHistory

# Progress below 2 % is what the noise of the batches and of the constant's loss allows.
NOTHING = 0.02
_BATCHES = 30
_FEW = 4


def find(history: GradientHistory) -> list[Finding]:
    """Find a run that has learned nothing, and is not learning.

    progress < 2 % after 30 batches, and the loss is not falling
    """
    outcome = outcome_of(history)
    if not outcome.below(NOTHING) or outcome.total_batches < _BATCHES or len(outcome.losses) < 2:
        return []
    if outcome.falling and (outcome.progress or 0.0) > -1:
        return []
    constant = "" if outcome.constant is None else f", {outcome.constant:.4g}"
    evidence = (
        f"the loss of the last epoch is {outcome.losses[-1]:.4g}, not below that of the best "
        f"constant output{constant}: the network uses nothing of its inputs."
    )
    layers = tuple(info.name for info in history.layers if info.main_weights)
    return [
        Finding(
            "stalled",
            layers[-1] if layers else "",
            *outcome.at,
            evidence,
            layers=(),
            severity=WARNING,
            confidence=0.7,
            cause="No rule tells why: the data may not hold the answer, or the steps do not fit.",
            remedies=_remedies(outcome),
        )
    ]


def _remedies(outcome: Outcome) -> tuple[remedy.Remedy, ...]:
    # Few batches an epoch mean few steps.
    few = len(outcome.batches) > 0 and int(np.median(outcome.batches)) <= _FEW
    first = () if outcome.optimizer == "Adam" else (remedy.adam(0.01 if few else 0.001),)
    rate = outcome.learning_rate
    slower = (remedy.lower_rate(rate),) if rate and rate > 1e-3 else (remedy.raise_rate(rate),)
    return (*first, *slower, remedy.longer(10), remedy.relu())
