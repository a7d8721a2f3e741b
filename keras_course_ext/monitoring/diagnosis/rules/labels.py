"""Wrong labels: constant, not finite, or numbered otherwise than the loss takes them."""

import numpy as np

from keras_course_ext.monitoring.diagnosis.finding import ERROR, WARNING, Finding
from keras_course_ext.monitoring.diagnosis.outcome import Outcome, outcome_of
from keras_course_ext.monitoring.diagnosis.remedy import Remedy
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.task import OutputInfo, TargetInfo

# So many samples of one class only: with 2 % of another class that is a chance of 0.6 %.
_SAMPLES = 256
_SMALL = 0.02
_CHECK = "Look at the column that the labels are read from, and at their order."


def find(history: GradientHistory) -> list[Finding]:
    """Find labels that no network can learn from, or that the loss reads wrongly."""
    outcome = outcome_of(history)
    found = []
    for number, output in enumerate(outcome.outputs):
        if output.targets is not None:
            finding = _misread(output, output.targets, outcome) or _constant(
                history, number, output, outcome
            )
            if finding is not None:
                found.append(finding)
    return found


def _finding(
    output: OutputInfo,
    outcome: Outcome,
    evidence: str,
    remedies: tuple[Remedy, ...],
    severity: str = ERROR,
) -> Finding:
    return Finding(
        "labels",
        output.layer,
        *outcome.began,
        evidence,
        layers=output.layers or (output.layer,),
        severity=severity,
        confidence=0.95,
        cause="The labels are not those that the loss takes.",
        remedies=remedies,
    )


def _misread(output: OutputInfo, targets: TargetInfo, outcome: Outcome) -> Finding | None:
    if targets.non_finite_share > 0:
        evidence = f"{targets.non_finite_share:.1%} of the targets are NaN or infinite."
        clean = Remedy(
            "Remove the samples without a label: keep = np.isfinite(y).", (("labels", "finite"),)
        )
        return _finding(output, outcome, evidence, (clean,))
    if output.loss == "binary_crossentropy" and targets.values == (1.0, 2.0):
        evidence = "the labels are 1 and 2, and a binary crossentropy takes 0 and 1."
        return _finding(output, outcome, evidence, (_shift(1),))
    if output.loss == "sparse_categorical_crossentropy" and output.units:
        if output.units > 1 and targets.integers and targets.largest >= output.units:
            evidence = (
                f"the labels reach {targets.largest:g}, and '{output.layer}' has "
                f"{output.units} units, for the classes 0 to {output.units - 1}."
            )
            units = int(targets.largest) + 1
            more = Remedy(
                f"Give the output layer a unit for each class: keras.layers.Dense({units}, ...).",
                (("output_units", units),),
            )
            first = targets.smallest
            return _finding(output, outcome, evidence, (_shift(first), more) if first else (more,))
        if targets.integers and targets.smallest < 0:
            evidence = f"a label is {targets.smallest:g}, and the classes count from 0."
            return _finding(output, outcome, evidence, (_shift(targets.smallest),))
    return None


def _shift(first: float) -> Remedy:
    sign = "-" if first > 0 else "+"
    return Remedy(
        f"Number the classes from 0: y = y {sign} {abs(first):g}.", (("labels", "from 0"),)
    )


def _constant(
    history: GradientHistory, number: int, output: OutputInfo, outcome: Outcome
) -> Finding | None:
    """Find targets that are the same for every sample of all batches looked at."""
    seen = [o.outputs[number].targets for o in history.observations if len(o.outputs) > number]
    known = [targets for targets in seen if targets is not None]
    samples = sum(targets.samples for targets in known)
    same = all(
        t.constant_columns == t.columns
        and (t.smallest, t.mean) == (known[0].smallest, known[0].mean)
        for t in known
    )
    if not same or samples < _SAMPLES or not len(outcome.losses):
        return None
    # A network that is given one label gets its loss to 0 at once; a rare class keeps it above.
    is_small = outcome.losses[-1] < _SMALL * max(1.0, known[0].mean ** 2)
    if not (is_small or np.isnan(outcome.losses[-1]) or output.units == 1):
        return None
    evidence = f"all of {samples} targets that were looked at are {known[0].mean:g}."
    return _finding(output, outcome, evidence, (Remedy(_CHECK),), WARNING)
