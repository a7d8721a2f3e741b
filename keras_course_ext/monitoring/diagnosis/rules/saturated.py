"""Saturated layers: most outputs lie where the activation function is flat."""

import numpy as np

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.finding import NOTE, WARNING, Finding
from keras_course_ext.monitoring.diagnosis.outcome import outcome_of
from keras_course_ext.monitoring.record.activation_layers import ACTIVATION_LAYERS
from keras_course_ext.monitoring.record.epochs import medians
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Key, LayerInfo

MOST = 0.5
GOOD = 0.7
# ReLU and its smooth relatives are flat on one side by design, where half of the samples lie.
_FLAT_ON_BOTH_SIDES = {"sigmoid", "hard_sigmoid", "tanh", "hard_tanh", "softsign"}


def find(history: GradientHistory) -> list[Finding]:
    """Find the hidden layers that are saturated in most of their units and samples.

        median over an epoch of the share of |f'| < max |f'| / 100   > 1/2

    in an epoch and in all that follow it. The output layer is left out: in a trained classifier it
    is saturated because its answers are certain.
    """
    saturated = []
    for info in _hidden(history):
        key = Key(info.name, "output", "saturated_share")
        if _function(info) in _FLAT_ON_BOTH_SIDES and history.has(*key):
            found = medians(history, key)
            since = found.since(found.medians > MOST)
            if since is not None:
                saturated.append((info, found, since))
    if not saturated:
        return []
    info, found, since = max(saturated, key=lambda s: s[1].medians[-1])
    evidence = (
        f"{found.medians[-1]:.0%} of the outputs of '{info.name}' lie where the slope of "
        f"{_function(info)} is under 1 % of its maximum (median of the last epoch), so that "
        "hardly any gradient passes."
    )
    epoch, step = int(found.epochs[since]), int(found.steps[since])
    first = history.series(info.name, "output", "saturated_share")[2][0]
    advice = _advice(born=bool(np.isfinite(first) and first > MOST))
    names = tuple(s[0].name for s in saturated)
    outcome = outcome_of(history)
    start = remedy.initialize("glorot_uniform")
    lower = remedy.lower_rate(outcome.learning_rate)
    born = "first step" in advice
    return [
        Finding(
            "saturated",
            info.name,
            epoch,
            step,
            evidence,
            advice,
            names,
            severity=WARNING if outcome.below(GOOD, unknown=True) else NOTE,
            confidence=0.85,
            cause="The sums of weights and inputs are too large." if born else "",
            remedies=(start, remedy.scale_inputs(), remedy.normalize())
            if born
            else (lower, remedy.normalize(), remedy.relu()),
        )
    ]


def _hidden(history: GradientHistory) -> list[LayerInfo]:
    """Return the layers below the last one with a kernel, but for outputs known by their logits."""
    with_kernel = [i for i, info in enumerate(history.layers) if info.main_weights]
    below = history.layers[: with_kernel[-1]] if with_kernel else ()
    trained = [info for info in below if info.is_trained or not info.weights]
    return [info for info in trained if not history.has(info.name, "logits")]


def _function(info: LayerInfo) -> str | None:
    return info.activation or ACTIVATION_LAYERS.get(info.kind)


def _advice(born: bool) -> str:
    if born:
        return (
            "It was so from the first step on. Initialize with smaller weights "
            "(kernel_initializer='glorot_uniform') and scale the inputs to mean 0 and standard "
            "deviation 1, or put normalization before the activation."
        )
    return (
        "Training drove it there: lower the learning rate by a factor of ten, put "
        "normalization before the activation, or use ReLU with He initialization."
    )
