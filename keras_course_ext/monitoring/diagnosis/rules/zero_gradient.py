"""Zero gradient: an output or a gradient that is constant by construction."""

import numpy as np

from keras_course_ext.monitoring.diagnosis.finding import ERROR, WARNING, Finding
from keras_course_ext.monitoring.diagnosis.intended import right_output
from keras_course_ext.monitoring.diagnosis.outcome import outcome_of
from keras_course_ext.monitoring.record.activation_ranges import SUMS_TO_ONE
from keras_course_ext.monitoring.record.first_values import first_values
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Key, LayerInfo

# Exact zeros at so many recorded steps are no coincidence.
_STEPS = 2


def find(history: GradientHistory) -> list[Finding]:
    """Find a softmax over one unit, and weights whose gradient is exactly 0 at every step.

    exp(z) / exp(z) = 1 for every z: nothing that the network learns changes the output.
    """
    return _constant_outputs(history) or _zeros(history)


def _constant_outputs(history: GradientHistory) -> list[Finding]:
    outcome = outcome_of(history)
    found = []
    for output in outcome.outputs:
        if output.activation in SUMS_TO_ONE and output.units == 1:
            evidence = (
                f"{output.activation} over the one unit of '{output.layer}' is 1 for every input, "
                "so the output is constant."
            )
            found.append(
                Finding(
                    "zero_gradient",
                    output.layer,
                    *outcome.began,
                    evidence,
                    layers=output.layers or (output.layer,),
                    severity=ERROR,
                    confidence=0.99,
                    cause="A softmax needs a unit for each class.",
                    remedies=(right_output(output, outcome.measures_accuracy),),
                )
            )
    hidden = [i for i in history.layers if i.activation in SUMS_TO_ONE and i.units == 1]
    known = {name for output in outcome.outputs for name in (output.layer, *output.layers)}
    if found or not hidden or hidden[0].name in known:
        return found
    name = hidden[0].name
    evidence = f"softmax over the one unit of '{name}' is 1 for every input."
    return [Finding("zero_gradient", name, 0, 0, evidence, _SIGMOID, (name,), ERROR, 0.95)]


_SIGMOID = "Use activation='sigmoid' there, or a unit for each class."


def _zeros(history: GradientHistory) -> list[Finding]:
    """Find layers whose kernels get a gradient of exactly 0 at every recorded step."""
    zero: list[LayerInfo] = []
    others: list[LayerInfo] = []
    first = None
    for info in history.layers:
        names = [name for name in info.main_weights if history.has(info.name, name)]
        if not names:
            continue
        keys = [Key(info.name, name, "grad_norm") for name in names]
        if any((first_values(history, key, _STEPS) != 0).any() for key in keys):
            others.append(info)  # as in most runs: the rest need not be read
            continue
        series = [history.series(info.name, name) for name in names]
        if len(series[0][0]) < _STEPS:
            return []
        at_zero = all(bool(np.all(values == 0)) for _, _, values in series)
        (zero if at_zero else others).append(info)
        first = (int(series[0][1][0]), int(series[0][0][0])) if at_zero and not first else first
    if not zero or first is None:
        return []
    order = [info.name for info in history.layers]
    if others and max(map(order.index, names_of(zero))) > min(map(order.index, names_of(others))):
        return []  # a branch that the loss leaves out, not the first layers of the network
    names = tuple(info.name for info in zero)
    # Where all have none, the output does not depend on the weights, or the loss not on the output.
    layer = names[-1] if not others else names[0]
    evidence = (
        f"the gradient of {len(zero)} of {len(zero) + len(others)} layers with a kernel was "
        "exactly 0 at every recorded step."
    )
    advice = (
        f"Look behind '{names[-1]}' for an output that is constant, a loss that does not depend on "
        "it, and weights that are all 0."
    )
    return [Finding("zero_gradient", layer, *first, evidence, advice, names, WARNING, 0.9)]


def names_of(layers: list[LayerInfo]) -> list[str]:
    """Return the names of some layers."""
    return [info.name for info in layers]
