"""Loss mismatch: a loss that does not fit the output's activation, its shape or the targets."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.finding import ERROR, NOTE, WARNING, Finding
from keras_course_ext.monitoring.diagnosis.intended import (
    CROSSENTROPIES,
    ELEMENTWISE,
    HINGES,
    is_classes,
    is_labels,
    right_output,
)
from keras_course_ext.monitoring.diagnosis.outcome import Outcome, outcome_of
from keras_course_ext.monitoring.diagnosis.remedy import Remedy
from keras_course_ext.monitoring.record.activation_ranges import RANGES
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.task import OutputInfo, TargetInfo

_BINARY = ("binary_crossentropy", "binary_focal_crossentropy")
_DENSE = ("categorical_crossentropy", "categorical_focal_crossentropy")
_SPARSE = "sparse_categorical_crossentropy"
_PROBABILITIES = ("sigmoid", "hard_sigmoid", "softmax", "sparsemax")
# What trains, but worse than the right loss, is reported where the outcome shows it. A binary
# crossentropy of a softmax is hardly ever meant; a squared error on classes may do well.
_POOR = 0.8
_POOR_SQUARED = 0.3


class _Mismatch(NamedTuple):
    evidence: str
    remedies: tuple[Remedy, ...]
    severity: str = ERROR


def find(history: GradientHistory) -> list[Finding]:
    """Find losses that do not fit what they are given.

    Probabilities where the loss takes logits and the reverse, a shape that is broadcast, targets
    that are no classes under a crossentropy. What cannot work is known at the first batch; what
    only trains worse is a warning if the run is poor, else a note.
    """
    outcome = outcome_of(history)
    found = []
    for output in outcome.outputs:
        for check in _CHECKS:
            mismatch = next(iter(check(output, outcome)), None)
            if mismatch is not None:
                found.append(_finding(output, outcome, mismatch))
                break
    return found


def _finding(output: OutputInfo, outcome: Outcome, mismatch: _Mismatch) -> Finding:
    error = mismatch.severity == ERROR
    return Finding(
        "loss_mismatch",
        output.layer,
        *(outcome.began if error else outcome.at),
        mismatch.evidence,
        layers=output.layers or (output.layer,),
        severity=mismatch.severity,
        confidence=0.97 if error else 0.8,
        cause=f"The loss {output.loss} does not fit the output of '{output.layer}'.",
        remedies=mismatch.remedies,
    )


def _shown(loss: str | None) -> str:
    return str(loss).replace("_", " ")


def _one_unit(output: OutputInfo, outcome: Outcome) -> Iterator[_Mismatch]:
    """A crossentropy over classes, of an output with one unit."""
    if output.loss in (*_DENSE, _SPARSE) and output.units == 1:
        evidence = (
            f"a {_shown(output.loss)} compares the units of a row with each other, and "
            f"'{output.layer}' has one: its loss is the same whatever the output is."
        )
        yield _Mismatch(evidence, (right_output(output, outcome.measures_accuracy),))


def _targets_of_crossentropy(output: OutputInfo, outcome: Outcome) -> Iterator[_Mismatch]:
    """Targets that are no classes or probabilities, under a crossentropy."""
    targets = output.targets
    if targets is None or output.loss not in CROSSENTROPIES:
        return
    right = right_output(output, outcome.measures_accuracy)
    outside = targets.smallest < -1e-3 or targets.largest > 1 + 1e-3
    if output.loss in _BINARY and outside and targets.values not in ((-1.0, 1.0), (1.0, 2.0)):
        yield _Mismatch(
            f"a {_shown(output.loss)} takes targets from 0 to 1, and these go from "
            f"{targets.smallest:.4g} to {targets.largest:.4g}.",
            (right,),
        )
    if output.loss in _DENSE and targets.columns > 1 and not targets.distributions:
        kind = "several labels may be 1" if is_labels(targets) else "they are no probabilities"
        yield _Mismatch(
            f"a {_shown(output.loss)} takes rows that add up to 1, and these do not: {kind}.",
            (right,),
        )
    if output.loss == _SPARSE and not targets.integers and targets.non_finite_share == 0:
        yield _Mismatch(f"a {_shown(output.loss)} takes class numbers, not such ones.", (right,))


def _not_probabilities(output: OutputInfo, outcome: Outcome) -> Iterator[_Mismatch]:
    """Logits, or another range than 0 to 1, where the loss takes probabilities."""
    f = output.activation
    if output.loss not in CROSSENTROPIES or output.from_logits or f not in RANGES:
        return
    if f in _PROBABILITIES:
        return
    loss = str(output.loss)
    low, high = RANGES[f]
    evidence = (
        f"'{output.layer}' ends with {f}, from {low:g} to {high:g}, and {_shown(loss)} without "
        "from_logits=True takes probabilities from 0 to 1 and clips the rest, where its gradient "
        "is 0."
    )
    right = right_output(output, outcome.measures_accuracy)
    yield _Mismatch(evidence, (right, remedy.logits(loss)) if f == "linear" else (right,))


def _not_logits(output: OutputInfo, outcome: Outcome) -> Iterator[_Mismatch]:
    """Probabilities where the loss takes logits."""
    f = output.activation
    if output.loss not in CROSSENTROPIES or not output.from_logits or f in (None, "linear"):
        return
    fix = (remedy.probabilities(str(output.loss)),)
    # Keras finds the logits of a softmax or sigmoid if no other layer is behind it.
    seen_through = f in ("softmax", "sigmoid") and output.layer in output.layers[-1:]
    if f in _PROBABILITIES:
        evidence = f"the loss takes logits, and '{output.layer}' gives the probabilities of {f}" + (
            ", which Keras sees through." if seen_through else ": they are squashed twice."
        )
        yield _Mismatch(evidence, fix, NOTE if seen_through else ERROR)
    elif f in ("relu", "tanh", "softplus", "softsign", "relu6"):
        low, high = RANGES[f]
        evidence = f"the loss takes logits of any size, and {f} gives {low:g} to {high:g} only."
        linear = Remedy(
            f"End '{output.layer}' without an activation.", (("output_activation", "linear"),)
        )
        severity = ERROR if output.loss in _BINARY and low >= 0 else _by(outcome, 0.9)
        yield _Mismatch(evidence, (linear,), severity)


def _broadcast(output: OutputInfo, outcome: Outcome) -> Iterator[_Mismatch]:
    """Targets of another shape than the output, which an elementwise loss broadcasts."""
    targets, shape = output.targets, output.shape
    if targets is None or shape is None or output.loss not in ELEMENTWISE:
        return
    of_targets: tuple[int | None, ...] = targets.shape
    if len(shape) == len(of_targets) + 1 and shape[-1] == 1:
        of_targets = (*of_targets, 1)
    if len(of_targets) == len(shape) + 1 and of_targets[-1] == 1:
        shape = (*shape, 1)
    known = zip(shape, of_targets, strict=False)
    if len(shape) == len(of_targets) and all(a in (b, None) for a, b in known):
        return
    evidence = (
        f"the output has the shape {_shape(output.shape)}, the targets {_shape(targets.shape)}, "
        f"and {_shown(output.loss)} broadcasts them: each is compared with all the others."
    )
    if len(output.shape or ()) > max(1, len(targets.shape)):
        last = Remedy(
            "Give one output a sample: return_sequences=False in the last recurrent layer, or a "
            "keras.layers.Flatten() before the output layer.",
            (("one_output", True),),
        )
        yield _Mismatch(evidence, (last,))
    else:
        yield _Mismatch(evidence, (right_output(output, outcome.measures_accuracy),))


def _shape(shape: tuple[int | None, ...] | None) -> str:
    return "(batch" + "".join(f", {n}" for n in shape or ()) + ")"


def _by(outcome: Outcome, limit: float) -> str:
    return WARNING if outcome.below(limit) else NOTE


def _classes_otherwise(output: OutputInfo, outcome: Outcome) -> Iterator[_Mismatch]:
    """Classes under a loss that trains them, but worse than the usual one."""
    targets = output.targets
    if targets is None or output.units is None:
        return
    right = (right_output(output, outcome.measures_accuracy),)
    learned = (
        f"and {max(outcome.progress, 0):.0%} of what a constant leaves was learned"
        if outcome.progress is not None
        else "and what was learned is unknown"
    )
    classes = is_classes(output, outcome.measures_accuracy)
    if output.loss in _BINARY and output.activation == "softmax" and targets.one_hot:
        evidence = f"a binary crossentropy takes each class by itself, {learned}."
        yield _Mismatch(evidence, right, _by(outcome, _POOR))
    elif output.loss in _DENSE and output.activation == "sigmoid" and targets.one_hot:
        evidence = f"the sigmoids of '{output.layer}' do not add up to 1, {learned}."
        yield _Mismatch(evidence, right, _by(outcome, _POOR_SQUARED))
    elif output.loss in ELEMENTWISE and classes:
        numbered = not targets.one_hot and targets.classes > 2
        evidence = (
            f"the targets are {targets.classes} classes, and {_shown(output.loss)} takes "
            + (f"their numbers for amounts, {learned}." if numbered else f"numbers, {learned}.")
        )
        # An accuracy is measured: they are classes, and between two of them lies none.
        numbers = numbered and outcome.measures_accuracy and targets.smallest <= 1
        yield _Mismatch(evidence, right, WARNING if numbers else _by(outcome, _POOR_SQUARED))
    elif output.loss in HINGES and output.activation in _PROBABILITIES:
        evidence = f"a hinge takes outputs of both signs, and {output.activation} gives 0 to 1."
        severity = WARNING if (outcome.accuracy or 0.0) < _POOR else NOTE
        yield _Mismatch(evidence, right, severity)


def _domain(output: OutputInfo, outcome: Outcome) -> Iterator[_Mismatch]:
    """Targets for which a loss for numbers is not defined or constant."""
    targets: TargetInfo | None = output.targets
    if targets is None:
        return
    other = (Remedy('Compile with loss="mean_squared_error".', (("loss", "mean_squared_error"),)),)
    if output.loss == "mean_squared_logarithmic_error" and targets.smallest <= -1:
        evidence = f"the loss takes log(1 + y), and a target is {targets.smallest:.4g}."
        yield _Mismatch(evidence, other)
    if output.loss == "poisson" and targets.smallest < 0:
        yield _Mismatch(f"the loss takes counts, and a target is {targets.smallest:.4g}.", other)
    if output.loss == "cosine_similarity" and output.units == 1:
        yield _Mismatch("the cosine of one number with another is 1 or -1, whatever it is.", other)


_CHECKS: tuple[Callable[[OutputInfo, Outcome], Iterator[_Mismatch]], ...] = (
    _one_unit,
    _targets_of_crossentropy,
    _not_probabilities,
    _not_logits,
    _broadcast,
    _domain,
    _classes_otherwise,
)
