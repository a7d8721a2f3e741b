"""Symmetric units: all units of a layer start alike, and so stay alike."""

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.finding import ERROR, NOTE, Finding
from keras_course_ext.monitoring.diagnosis.outcome import outcome_of
from keras_course_ext.monitoring.record.first_values import first_values
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Key, LayerInfo

CONSTANT = ("Zeros", "Ones", "Constant")
GOOD = 0.7


def find(history: GradientHistory) -> list[Finding]:
    """Find hidden layers whose kernel starts constant.

    Units with equal weights get equal gradients, so the layer is one unit, computed several times.
    A zero kernel at the end of a residual branch is a method; the outcome tells.
    """
    outcome = outcome_of(history)
    hidden = _hidden(history)
    alike = [info for info in hidden if _is_alike(history, info)]
    if not alike or outcome.progress is None:
        return []
    harmful = outcome.below(GOOD)
    if any(info.inputs is not None and len(info.inputs) > 1 for info in history.layers):
        harmful = outcome.below(0.1)
    first = alike[0]
    value = {"Zeros": "0", "Ones": "1"}.get(str(first.initializer), "one value")
    evidence = (
        f"all weights of the kernel of '{first.name}' start at {value}, so its {first.units} units "
        "compute the same and get the same gradient."
    )
    relu = first.activation in (None, "relu", "linear")
    return [
        Finding(
            "symmetric",
            first.name,
            *outcome.began,
            evidence,
            layers=tuple(info.name for info in alike),
            severity=ERROR if harmful else NOTE,
            confidence=0.95,
            cause="The initializer is a constant.",
            remedies=(remedy.initialize("he_normal" if relu else "glorot_uniform"),),
        )
    ]


def _hidden(history: GradientHistory) -> list[LayerInfo]:
    with_kernel = [info for info in history.layers if info.main_weights]
    return [i for i in with_kernel[:-1] if (i.units or 0) > 1]


def _is_alike(history: GradientHistory, info: LayerInfo) -> bool:
    """Say whether a kernel starts constant, as its initializer says and its norm confirms."""
    if info.initializer not in CONSTANT:
        return False
    if info.initializer != "Zeros":
        return True
    # Weights that were loaded are no zeros.
    norms = first_values(history, Key(info.name, info.main_weights[0], "weight_norm"))
    return bool((norms == 0).all())
