"""Unstable loss: it jumps up again and again, or has run away."""

import numpy as np

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.finding import WARNING, Finding
from keras_course_ext.monitoring.diagnosis.moves import moves_of
from keras_course_ext.monitoring.diagnosis.outcome import Outcome, outcome_of
from keras_course_ext.monitoring.diagnosis.rules.update_too_large import remedies
from keras_course_ext.monitoring.record.history import GradientHistory

# The loss of a run that learns may rise by half now and then: batches differ.
ROSE = 1.5
RAN_AWAY = 3.0
OFTEN = 0.2
POOR = 0.5
_EPOCHS = 4


def find(history: GradientHistory) -> list[Finding]:
    """Find a loss that has run away from its minimum, or rises by half every few epochs.

    last / smallest loss of an epoch > 3, or a rise by half in a fifth of the epochs, in a run that
    is poor: what was learned is lost again.
    """
    outcome = outcome_of(history)
    losses = outcome.losses
    if len(losses) < _EPOCHS or not outcome.below(POOR) or not np.isfinite(losses).all():
        return []
    if losses.min() <= 0:
        return []
    away = losses[-1] / losses.min()
    rises = np.flatnonzero(losses[1:] > ROSE * losses[:-1])
    often = len(rises) >= max(2, OFTEN * (len(losses) - 1))
    if away < RAN_AWAY and not often:
        return []
    at = int(np.argmin(losses)) if away >= RAN_AWAY else int(rises[0])
    at = min(at + 1, len(losses) - 1)
    what = (
        f"the loss of the last epoch is {away:.3g} times the smallest one"
        if away >= RAN_AWAY
        else f"the loss rose by half or more in {len(rises)} of {len(losses) - 1} epochs"
    )
    return [_finding(history, outcome, what, at)]


def _finding(history: GradientHistory, outcome: Outcome, what: str, at: int) -> Finding:
    moves = moves_of(history)
    worst = max(moves, key=lambda name: moves[name].medians.max()) if moves else ""
    if worst:
        ratio = float(moves[worst].medians.max())
        what = f"{what}; a step changes a kernel by up to {ratio:.1e} of its norm"
    return Finding(
        "unstable",
        worst,
        int(outcome.epochs[at]),
        int(outcome.steps[at]),
        f"{what}.",
        layers=(worst,) if worst else (),
        severity=WARNING,
        confidence=0.8,
        cause="The steps are too large for the curvature of the loss.",
        remedies=(*remedies(outcome, 0.0)[:1], remedy.clip()),
    )
