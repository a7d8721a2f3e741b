"""From the record to findings: applies every rule, the gravest kinds first."""

from collections.abc import Callable, Iterable

from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.diagnosis.rules import (
    dead,
    exploding,
    no_gradient,
    non_finite,
    saturated,
    update_ratio,
    vanishing,
)
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.recorded import HasHistory, history_of

# The gravest first: after a NaN the figures of the other rules mean nothing. Causes come before
# their effects: no gradient passes a dead or a saturated layer.
RULES = (
    non_finite.find,
    no_gradient.find,
    exploding.find,
    dead.find,
    saturated.find,
    vanishing.find,
    update_ratio.find,
)


def diagnose(
    history: GradientHistory | HasHistory,
    rules: Iterable[Callable[[GradientHistory], Iterable[Finding]]] = (),
) -> list[Finding]:
    """Say what is wrong with the gradients, units and updates of a run.

    A pure function of the record. No rule has an absolute threshold for a gradient: the rules
    compare layers with each other, and the run with its earlier steps, so multiplying the loss by
    a constant changes nothing.

    Args:
        history: The `GradientHistory` that a `GradientMonitor` recorded, or the monitor.
        rules: Rules of your own to apply as well: functions that take the history and return
            findings. Defaults to none, `()`.

    Returns:
        A list of `Finding`, the gravest first, at most one of each kind, those of your own rules
        last; empty if the run is healthy or too short or too shallow to tell.

    Example:
        >>> from keras_course_ext.monitoring import GradientHistory, diagnose
        >>> diagnose(GradientHistory())
        []
    """
    record = history_of(history)
    return [finding for rule in (*RULES, *rules) for finding in rule(record)]
