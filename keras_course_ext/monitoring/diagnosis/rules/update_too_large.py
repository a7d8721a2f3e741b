"""Too large updates: each step moves the weights so far that nothing lasts."""

from collections.abc import Mapping

import numpy as np

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.finding import NOTE, WARNING, Finding
from keras_course_ext.monitoring.diagnosis.moves import Moves, moves_of
from keras_course_ext.monitoring.diagnosis.outcome import Outcome, outcome_of
from keras_course_ext.monitoring.record.history import GradientHistory

# About 10⁻³ a step is usual. At 10⁻¹ ten steps replace the weights.
LARGE = 1e-1
# A first step of that size throws the weights where the network may stay: dead, saturated.
THROWN = 1.0
POOR, GOOD = 0.3, 0.8
_USUAL = 3e-3
_SMALLEST = 1e-4
_OF_ADAM = 1e-3


def find(history: GradientHistory) -> list[Finding]:
    """Find kernels that a step moves too far.

    With r = ‖ΔW‖ / ‖W‖, median over an epoch's updates: r > 10⁻¹ in the last epoch, or r > 1 in one
    of the first ten steps of a run that is poor. Where the run does well it is a note.
    """
    outcome, moves = outcome_of(history), moves_of(history)
    now = {name: m for name, m in moves.items() if m.medians[-1] > LARGE}
    if now:
        poor = outcome.below(GOOD, unknown=True)
        return [_finding(now, outcome, WARNING if poor else NOTE)]
    thrown = {name: m for name, m in moves.items() if m.first > THROWN}
    if thrown and outcome.below(POOR):
        return [_thrown(thrown, outcome)]
    return []


def _finding(found: Mapping[str, Moves], outcome: Outcome, severity: str) -> Finding:
    worst = max(found, key=lambda name: found[name].medians[-1])
    m = found[worst]
    at = m.since(LARGE)
    evidence = (
        f"a step changes the kernel of '{worst}' by {m.medians[-1]:.1e} of its norm (median of the "
        "last epoch), where 1e-03 is usual: what it learned lasts for a few steps."
    )
    return Finding(
        "update_too_large",
        worst,
        int(m.epochs[at]),
        int(m.steps[at]),
        evidence,
        layers=tuple(found),
        severity=severity,
        confidence=0.85,
        cause="The learning rate is too high for these weights.",
        remedies=remedies(outcome, float(m.medians[-1])),
    )


def _thrown(found: Mapping[str, Moves], outcome: Outcome) -> Finding:
    worst = max(found, key=lambda name: found[name].first)
    m = found[worst]
    evidence = (
        f"one of the first steps changed the kernel of '{worst}' by {m.first:.1e} of its norm, "
        "where 1e-03 is usual, and the run has not learned since."
    )
    return Finding(
        "update_too_large",
        worst,
        int(m.epochs[0]),
        int(m.steps[0]),
        evidence,
        layers=tuple(found),
        severity=WARNING,
        confidence=0.85,
        cause="The learning rate is too high for these weights.",
        remedies=remedies(outcome, m.initial),
    )


def remedies(outcome: Outcome, ratio: float) -> tuple[remedy.Remedy, ...]:
    """Return a learning rate that makes the usual ratio, and clipping."""
    rate = outcome.learning_rate
    if rate is None or not np.isfinite(ratio) or ratio <= 0 or rate <= 0:
        return (remedy.lower_rate(rate), remedy.clip())
    # The ratio of a run that has blown up asks for less than a healthy one would.
    wanted = min(rate / 10, max(rate * _USUAL / ratio, rate / 1000, _SMALLEST))
    if outcome.optimizer in ("Adam", "AdamW", "Nadam", "RMSprop", "Adamax", "Lion"):
        # A step is about the rate, whatever the gradient: the ratio alone may ask for less.
        wanted = min(rate / 10, _OF_ADAM) if rate > _OF_ADAM else rate / 10
    return (remedy.lower_rate(rate, wanted), remedy.clip())
