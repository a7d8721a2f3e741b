"""From the record to findings: applies every rule, and puts symptoms under their cause."""

from collections.abc import Callable, Iterable

from keras_course_ext.monitoring.diagnosis.finding import NOTE, Finding
from keras_course_ext.monitoring.diagnosis.moves import forget_moves
from keras_course_ext.monitoring.diagnosis.order import ordered
from keras_course_ext.monitoring.diagnosis.rules import (
    capacity,
    dead_units,
    exploding,
    labels,
    loss_mismatch,
    no_gradient,
    non_finite,
    output_range,
    saturated,
    stalled,
    symmetric,
    unscaled_input,
    unscaled_target,
    unstable,
    update_too_large,
    update_too_small,
    vanishing,
    zero_gradient,
)
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.recorded import HasHistory, history_of

Rule = Callable[[GradientHistory], Iterable[Finding]]

RULES: tuple[Rule, ...] = (
    zero_gradient.find,
    output_range.find,
    loss_mismatch.find,
    labels.find,
    non_finite.find,
    no_gradient.find,
    symmetric.find,
    update_too_small.find,
    unscaled_input.find,
    unscaled_target.find,
    update_too_large.find,
    exploding.find,
    dead_units.find,
    saturated.find,
    vanishing.find,
    capacity.find,
    unstable.find,
    stalled.find,
)


def diagnose(
    history: GradientHistory | HasHistory,
    rules: Iterable[Rule] = (),
    notes: bool = False,
) -> list[Finding]:
    """Say what is wrong with the task, gradients, units and updates of a run.

    A pure function of the record. No rule has an absolute threshold for a gradient: the rules
    compare layers with each other, the run with its earlier steps, and the loss with that of a
    constant output, so multiplying the loss by a number changes nothing.

    Args:
        history: The `GradientHistory` that a `GradientMonitor` recorded, or the monitor.
        rules: Rules of your own to apply as well: functions that take the history and return
            findings. Defaults to none, `()`.
        notes: Whether to return findings of severity `"note"` too, which do no harm so far.
            Defaults to False.

    Returns:
        A list of `Finding`, the most serious first, those of your own rules last; what one
        explains is in its `symptoms`. Empty if the run is healthy, or too short to tell.

    Example:
        >>> from keras_course_ext.monitoring import GradientHistory, diagnose
        >>> diagnose(GradientHistory())
        []
    """
    record = history_of(history)
    forget_moves(record)
    found = [finding for rule in RULES for finding in rule(record)]
    serious = [finding for finding in found if finding.severity != NOTE]
    own = [finding for rule in rules for finding in rule(record)]
    others = [finding for finding in found if finding.severity == NOTE] if notes else []
    return [*ordered(serious, record), *own, *others]
