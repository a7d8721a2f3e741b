"""Too little capacity: hidden layers without a non-linear function, or with a softmax."""

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.finding import NOTE, WARNING, Finding
from keras_course_ext.monitoring.diagnosis.outcome import Outcome, outcome_of
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import LayerInfo

GOOD = 0.9
GOOD_SOFTMAX = 0.8
# Layers that a linear network may have; any other kind may be non-linear.
_LINEAR = (
    "Dense",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Flatten",
    "Reshape",
    "Permute",
    "Dropout",
    "BatchNormalization",
    "Rescaling",
    "Normalization",
    "AveragePooling1D",
    "AveragePooling2D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "ZeroPadding2D",
    "InputLayer",
)


def find(history: GradientHistory) -> list[Finding]:
    """Find a network whose hidden layers are all linear, or one of them a softmax.

    Linear layers behind each other are one linear layer, however many there are. Where that is
    enough for the task it is a note.
    """
    outcome = outcome_of(history)
    if outcome.progress is None:
        return []
    hidden, last = _split(history, outcome)
    if not hidden:
        return []
    return _all_linear(history, hidden, last, outcome) or _softmax(hidden, outcome)


def _split(history: GradientHistory, outcome: Outcome) -> tuple[list[LayerInfo], set[str]]:
    """Return the hidden layers with a kernel, and the names of the layers of the outputs."""
    last = {name for output in outcome.outputs for name in (*output.layers, output.layer)}
    with_kernel = [info for info in history.layers if info.main_weights]
    if not last and with_kernel:
        last = {with_kernel[-1].name}
    return [info for info in with_kernel if info.name not in last], last


def _all_linear(
    history: GradientHistory, hidden: list[LayerInfo], last: set[str], outcome: Outcome
) -> list[Finding]:
    others = [info for info in history.layers if info.name not in last]
    if any(i.kind not in _LINEAR or i.activation not in (None, "linear") for i in others):
        return []
    columns = {x.columns for x in outcome.inputs}
    targets = [o.targets for o in outcome.outputs if o.targets is not None]
    if any({t.columns} == columns != {1} for t in targets):
        return []  # a linear autoencoder finds the principal components
    first = hidden[0].name
    learned = max(outcome.progress or 0.0, 0.0)
    evidence = (
        f"the {len(hidden)} hidden layers, from '{first}' on, have no activation function, so the "
        f"network is linear; it has got rid of {learned:.0%} of a constant's loss."
    )
    return [_finding(first, hidden, evidence, outcome, GOOD, "Linear layers add up to one.")]


def _softmax(hidden: list[LayerInfo], outcome: Outcome) -> list[Finding]:
    soft = [i for i in hidden if i.activation == "softmax" and i.kind in ("Dense", "Conv2D")]
    if not soft:
        return []
    first = soft[0].name
    evidence = (
        f"the {soft[0].units} outputs of the hidden layer '{first}' add up to 1 (softmax), so each "
        "is small, and all move together."
    )
    cause = "Softmax is for probabilities of classes, at the end."
    return [_finding(first, soft, evidence, outcome, GOOD_SOFTMAX, cause)]


def _finding(
    first: str,
    layers: list[LayerInfo],
    evidence: str,
    outcome: Outcome,
    good: float,
    cause: str,
) -> Finding:
    return Finding(
        "capacity",
        first,
        *outcome.began,
        evidence,
        layers=tuple(info.name for info in layers),
        severity=WARNING if outcome.below(good) else NOTE,
        confidence=0.85,
        cause=cause,
        remedies=(remedy.relu(),),
    )
