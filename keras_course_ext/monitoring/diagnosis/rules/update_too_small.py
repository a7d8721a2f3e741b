"""Too small updates: the weights have hardly moved, by too small steps or too few of them."""

from collections.abc import Mapping

import numpy as np

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.finding import ERROR, WARNING, Finding
from keras_course_ext.monitoring.diagnosis.moves import Moves, moves_of
from keras_course_ext.monitoring.diagnosis.outcome import Outcome, outcome_of
from keras_course_ext.monitoring.record.history import GradientHistory

# About 10⁻³ a step is usual. At 10⁻⁵ it takes 10⁵ steps to replace the weights.
SMALL = 1e-5
USUAL = 3e-4
# Sum of all ratios: weights that have moved by a third of their norm at most are near their start.
NEAR = 0.3
POOR = 0.35
SHORT = 200
_ENOUGH_STEPS = 2000
_OF_ADAM = 1e-3
_ADAMS = ("Adam", "AdamW", "Nadam", "Adamax", "RMSprop")


def find(history: GradientHistory) -> list[Finding]:
    """Find a run whose kernels are all still near their start.

    With r = ‖ΔW‖ / ‖W‖: r < 10⁻⁵ for every kernel with a gradient, median of every epoch; or, in a
    run that is poor, Σ r < 0.3 over all steps for every kernel, or less than 200 steps and a loss
    that is still falling. When training converges the ratio
    falls without a fault, and one layer that falls behind is found by the rule `vanishing`.
    """
    outcome, moves = outcome_of(history), moves_of(history)
    # A resumed run may have converged before.
    if not moves or (len(history.steps) and history.steps[0] > 0):
        return []
    never_more = all(m.medians.max() < SMALL for m in moves.values())
    paths = {name: _path(m, outcome) for name, m in moves.items()}
    near = bool(outcome.total_batches) and max(paths.values()) < NEAR
    fastest = max(float(m.medians.max()) for m in moves.values())
    # The loss is on its way, and the run has ended or goes on too slowly.
    short = outcome.falling and (outcome.total_batches < SHORT or fastest < USUAL)
    slow = never_more and outcome.below(0.9, unknown=True)
    if not slow and not ((near or short) and outcome.below(POOR)):
        return []
    return [_finding(moves, paths, outcome)]


def _path(moves: Moves, outcome: Outcome) -> float:
    """Return the sum of the ratios of all steps, as the medians of the epochs give it."""
    batches = dict(zip(outcome.epochs.tolist(), outcome.batches.tolist(), strict=True))
    steps = np.array([batches.get(epoch, 0) for epoch in moves.epochs.tolist()])
    return float(moves.medians @ steps)


def _finding(moves: Mapping[str, Moves], paths: Mapping[str, float], outcome: Outcome) -> Finding:
    best = max(moves, key=lambda name: moves[name].medians.max())
    fastest = float(moves[best].medians.max())
    small = fastest < USUAL
    evidence = (
        f"a step changes no kernel by more than {fastest:.1e} of its norm (medians of the epochs; "
        f"'{best}' moves most), where 1e-03 is usual, and did so from the beginning on"
    )
    moved = (
        f"in {outcome.total_batches} steps no kernel moved by more than "
        f"{max(paths.values()):.1e} of its norm"
    )
    if not small:
        evidence = f"{moved} ('{best}' moves most)"
    elif outcome.total_batches:
        evidence += f"; {moved}"
    return Finding(
        "update_too_small",
        best,
        int(moves[best].epochs[0]),
        int(moves[best].steps[0]),
        evidence + ".",
        # Where the run is only too short, each layer moves as fast as is usual.
        layers=tuple(moves) if small else (),
        severity=ERROR if fastest < SMALL else WARNING,
        confidence=0.95 if fastest < SMALL else 0.85,
        cause=(
            "The learning rate is too low."
            if small
            else "The run is too short: the loss could not get down in so few steps."
        ),
        remedies=_remedies(outcome, fastest, small),
    )


def _remedies(outcome: Outcome, fastest: float, small: bool) -> tuple[remedy.Remedy, ...]:
    rate, steps = outcome.learning_rate, outcome.total_batches
    factor = int(np.clip(np.ceil(_ENOUGH_STEPS / max(steps, 1)), 2, 1000))
    wanted = None
    if rate and fastest > 0:
        wanted = rate * 3e-3 / fastest
        if outcome.optimizer in _ADAMS:
            wanted = _OF_ADAM if rate < _OF_ADAM else 10 * rate
        wanted = min(wanted, 1.0) if rate < 1.0 else None
    faster, longer = remedy.raise_rate(rate, wanted), remedy.longer(factor)
    if not small:
        return (longer, faster)
    if steps and steps < _ENOUGH_STEPS / 10:
        # Neither is enough alone.
        both = remedy.Remedy(f"{faster.text} {longer.text}", (*faster.changes, *longer.changes))
        return (both, faster)
    return (faster, longer)
