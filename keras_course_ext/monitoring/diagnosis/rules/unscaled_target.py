"""Unscaled targets: numbers so large that the outputs did not get there."""

import numpy as np

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.finding import WARNING, Finding
from keras_course_ext.monitoring.diagnosis.intended import ELEMENTWISE
from keras_course_ext.monitoring.diagnosis.outcome import Outcome, outcome_of
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.task import TargetInfo

LARGE, FAR = 8.0, 100.0
TINY = 1e-2
POOR = 0.3


def find(history: GradientHistory) -> list[Finding]:
    """Find targets out of scale in a run that is poor.

    √(mean² + variance) of the targets > 8, or < 0.01, and progress < 0.3
    """
    outcome = outcome_of(history)
    if not outcome.below(POOR):
        return []
    for output in outcome.outputs:
        targets = output.targets
        if targets is None or output.loss not in ELEMENTWISE or targets.classes:
            continue
        scale = (targets.mean**2 + targets.std**2) ** 0.5
        # An infinite loss has other causes than targets of ten.
        if scale > (LARGE if np.isfinite(outcome.progress or 0.0) else FAR) or 0 < scale < TINY:
            return [
                Finding(
                    "unscaled_target",
                    output.layer,
                    *outcome.began,
                    _evidence(targets, outcome),
                    layers=output.layers or (output.layer,),
                    severity=WARNING,
                    confidence=0.85 if scale > FAR or scale < TINY else 0.7,
                    cause="Outputs start near 0 and move by about a learning rate a step.",
                    remedies=(
                        remedy.scale_targets(),
                        remedy.raise_rate(outcome.learning_rate),
                        remedy.longer(10),
                    ),
                )
            ]
    return []


def _evidence(targets: TargetInfo, outcome: Outcome) -> str:
    ratio = 1 - (outcome.progress or 0.0)
    return (
        f"the targets have mean {targets.mean:.4g} and standard deviation {targets.std:.3g}, and "
        f"the loss is {ratio:.3g} times that of a constant."
    )
