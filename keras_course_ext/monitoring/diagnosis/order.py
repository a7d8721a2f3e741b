"""Which finding leads, and which are its symptoms."""

from collections.abc import Sequence
from dataclasses import replace

from keras_course_ext.monitoring.diagnosis.finding import ERROR, Finding
from keras_course_ext.monitoring.record.history import GradientHistory

# Contradictions in the model itself: each is a fault, whatever else there is.
CONTRADICTIONS = ("zero_gradient", "output_range", "labels", "loss_mismatch")
# The order of all others: causes before their effects.
_ORDER = (
    "no_gradient",
    "symmetric",
    "unscaled_input",
    "unscaled_target",
    "update_too_small",
    "non_finite",
    "update_too_large",
    "exploding",
    "dead_units",
    "saturated",
    "vanishing",
    "fading",
    "zero_gradient",
    "capacity",
    "loss_mismatch",
    "unstable",
    "stalled",
)
_SURE = 0.8


def ordered(findings: Sequence[Finding], history: GradientHistory) -> list[Finding]:
    """Return the findings that lead, with the others as symptoms of the first.

    A contradiction in the model explains whatever the run shows; without one the first cause in
    the order of causes and effects does.

    Args:
        findings: What the rules found.
        history: The record.
    """
    if any(f.kind == "update_too_large" for f in findings):
        # Weights that a step threw away stand still afterwards.
        findings = [f for f in findings if f.kind != "update_too_small"]
    contradictions = [f for f in findings if f.kind in CONTRADICTIONS and f.severity == ERROR]
    rest = sorted((f for f in findings if f not in contradictions), key=_place)
    if contradictions:
        lead, *others = sorted(contradictions, key=lambda f: CONTRADICTIONS.index(f.kind))
        same = [f for f in others if set(f.layers) & set(lead.layers)]
        separate = [f for f in others if f not in same]
        return [replace(lead, symptoms=(*same, *rest)), *separate]
    if not rest:
        return []
    lead = rest[0]
    if lead.kind == "update_too_small" and lead.severity != ERROR:
        # Of a run that is short or slow and has lost its signal on the way, the signal is first.
        lead = next((f for f in rest if f.kind == "vanishing"), lead)
    return [replace(lead, symptoms=tuple(f for f in rest if f is not lead))]


def _place(finding: Finding) -> int:
    if finding.kind == "update_too_small" and finding.severity == ERROR:
        return 0  # weights that stand still learn nothing, whatever the data is
    if finding.kind in ("unscaled_input", "unscaled_target") and finding.confidence < _SURE:
        return _ORDER.index("unstable")  # a little out of scale: any other cause is likelier
    return 1 + _ORDER.index(finding.kind) if finding.kind in _ORDER else 0
