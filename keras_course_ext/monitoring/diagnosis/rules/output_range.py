"""Output range: targets that the output's activation function cannot reach."""

from keras_course_ext.monitoring.diagnosis.finding import ERROR, Finding
from keras_course_ext.monitoring.diagnosis.intended import (
    CROSSENTROPIES,
    ELEMENTWISE,
    is_classes,
    is_labels,
    right_output,
)
from keras_course_ext.monitoring.diagnosis.outcome import Outcome, outcome_of
from keras_course_ext.monitoring.diagnosis.remedy import Remedy, scale_targets
from keras_course_ext.monitoring.record.activation_ranges import RANGES, SUMS_TO_ONE
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.task import OutputInfo, TargetInfo

# 5 % of the variance out of reach: R² above 0.95 is impossible. Noise at the edge of a range, such
# as a sine of amplitude 1 under tanh, stays below.
LOST = 0.05
# Where linear outputs start near 0, targets of this size take a thousand steps of Adam to reach.
_FAR = 100.0
_PIXELS, _IMAGE_COLUMNS = range(129, 257), 16


def find(history: GradientHistory) -> list[Finding]:
    """Find outputs whose activation cannot give the targets.

    mean (y − nearest value in the activation's range)² / variance of y   > 5 %

    It holds whatever the weights are, so it is known at the first batch.
    """
    outcome = outcome_of(history)
    return [
        _finding(output, output.targets, outcome)
        for output in outcome.outputs
        if output.targets is not None and _cannot(output, output.targets)
    ]


def _cannot(output: OutputInfo, targets: TargetInfo) -> bool:
    if output.activation in SUMS_TO_ONE and output.units == 1:
        return False  # whatever the targets are, it is constant: the rule `zero_gradient`
    if output.loss not in (*ELEMENTWISE, "binary_crossentropy"):
        return False
    if output.loss == "binary_crossentropy" and output.activation not in ("sigmoid", "softmax"):
        return False  # it is the loss that needs another output
    if output.loss == "binary_crossentropy" and targets.values == (1.0, 2.0):
        return False  # classes that are counted from 1: the rule `labels`
    if targets.columns == 1 and (output.units or 1) > 1:
        return False  # the shapes do not fit either: the rule `loss_mismatch`
    if targets.constant_columns == targets.columns and targets.samples > 1:
        return False
    return output.out_of_reach is not None and output.out_of_reach > LOST


def _finding(output: OutputInfo, targets: TargetInfo, outcome: Outcome) -> Finding:
    low, high = RANGES[str(output.activation)]
    if targets.largest > high:
        what = f"targets reach {targets.largest:.4g}, and {output.activation} ends at {high:g}"
    elif targets.smallest < low:
        what = f"targets go down to {targets.smallest:.4g}, and {output.activation} to {low:g}"
    else:
        what = f"the outputs of {output.activation} add up to 1, and the targets do not"
    share = min(1.0, output.out_of_reach or 0.0)
    evidence = (
        f"{what}: {share:.0%} of the targets' variance is out of reach of '{output.layer}', "
        "whatever the weights are."
    )
    return Finding(
        "output_range",
        output.layer,
        *outcome.began,
        evidence,
        layers=output.layers or (output.layer,),
        severity=ERROR,
        confidence=0.97,
        cause=f"The activation function {output.activation} does not fit targets of this range.",
        remedies=_remedies(output, targets, outcome),
    )


def _remedies(output: OutputInfo, targets: TargetInfo, outcome: Outcome) -> tuple[Remedy, ...]:
    signs = targets.values == (-1.0, 1.0)
    if signs:
        to_01 = Remedy(
            "Give the labels as 0 and 1: y = (y + 1) / 2.", (("labels", "from -1 and 1"),)
        )
        return (to_01,) if output.loss in CROSSENTROPIES else (to_01, _tanh(output))
    is_pixels = targets.integers and targets.smallest >= 0 and targets.largest in _PIXELS
    if is_pixels and targets.columns >= _IMAGE_COLUMNS:
        divide = Remedy("Scale the targets: y = y / 255.", (("targets", "divided by 255"),))
        return (divide, right_output(output, outcome.measures_accuracy))
    right = right_output(output, outcome.measures_accuracy)
    if is_classes(output, outcome.measures_accuracy) or is_labels(targets):
        return (right,)
    scaled = scale_targets()
    if max(abs(targets.mean), targets.std) > _FAR:
        text = f"{right.text} {scaled.text}"
        return (Remedy(text, (*right.changes, *scaled.changes)),)
    low, high = RANGES[str(output.activation)]
    if low > -2 and high < 2 and output.activation not in SUMS_TO_ONE:
        to_01 = "Scale the targets to 0 to 1: y = (y - y.min()) / (y.max() - y.min())."
        return (right, Remedy(to_01, (("targets", "from 0 to 1"),)))
    return (right,)


def _tanh(output: OutputInfo) -> Remedy:
    return Remedy(f"End '{output.layer}' with activation='tanh'.", (("output_activation", "tanh"),))
