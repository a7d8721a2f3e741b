"""Unscaled inputs: so large, or so small, that the run did not learn from them."""

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.finding import WARNING, Finding
from keras_course_ext.monitoring.diagnosis.outcome import Outcome, outcome_of
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.task import InputInfo

# Root mean square of a column, where standardized data has 1. Many networks train with such data,
# ReLU and Adam above all, so the outcome decides: the worse the scale, the better it must be.
LARGE, FAR, HUGE = 8.0, 20.0, 300.0
TINY = 5e-3
POOR, GOOD = 0.4, 0.8
# Layers that scale what comes in, or do not multiply it.
_SCALING = (
    "Normalization",
    "BatchNormalization",
    "LayerNormalization",
    "GroupNormalization",
    "UnitNormalization",
    "Rescaling",
    "Embedding",
    "Lambda",
    "CategoryEncoding",
    "Hashing",
    "Discretization",
    "StringLookup",
    "IntegerLookup",
    "TextVectorization",
)


def find(history: GradientHistory) -> list[Finding]:
    """Find inputs out of scale in a run that is poor.

    largest root mean square of a column > 8 and progress < 0.4, or > 300 and progress < 0.8
    """
    outcome = outcome_of(history)
    if outcome.progress is None or _is_scaled(history):
        return []
    for x in outcome.inputs:
        evidence = _evidence(x, outcome)
        if evidence:
            far = x.largest_scale > FAR or x.largest_scale < TINY
            return [_finding(history, outcome, evidence, 0.85 if far else 0.7)]
    return []


def _finding(
    history: GradientHistory, outcome: Outcome, evidence: str, confidence: float
) -> Finding:
    first = next((info.name for info in history.layers if info.main_weights), "")
    return Finding(
        "unscaled_input",
        first,
        *outcome.began,
        evidence,
        layers=(first,) if first else (),
        severity=WARNING,
        confidence=confidence,
        cause="Sums of large inputs saturate or kill units and make steps of all sizes wrong.",
        remedies=(remedy.scale_inputs(), remedy.lower_rate(outcome.learning_rate)),
    )


def _evidence(x: InputInfo, outcome: Outcome) -> str:
    learned = f"the run has got rid of {max(outcome.progress or 0.0, 0.0):.0%} of a constant's loss"
    scale = x.largest_scale
    if (scale > LARGE and outcome.below(POOR)) or (scale > HUGE and outcome.below(GOOD)):
        return (
            f"the inputs go from {x.smallest:.4g} to {x.largest:.4g}, a column's root mean square "
            f"reaches {scale:.3g}, and {learned}."
        )
    if 0 < scale < TINY and outcome.below(POOR):
        return f"no column of the inputs has a root mean square above {scale:.2g}, and {learned}."
    return ""


def _is_scaled(history: GradientHistory) -> bool:
    """Say whether a layer before the first kernel scales or looks up the inputs."""
    for info in history.layers:
        if info.kind in _SCALING:
            return True
        if info.main_weights:
            return False
    return True
