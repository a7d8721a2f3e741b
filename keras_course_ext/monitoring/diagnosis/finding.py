"""Finding: what is wrong with a run, where, since when, the evidence, and what to change."""

from collections.abc import Iterable
from dataclasses import dataclass

_NAMES = {
    "non_finite": "non-finite gradient",
    "no_gradient": "no gradient",
    "exploding": "exploding gradient",
    "vanishing": "vanishing gradient",
    "dead": "dead units",
    "saturated": "saturated units",
    "large_updates": "too large updates",
    "small_updates": "too small updates",
}

_STATES = {
    "non_finite": "NaN or inf",
    "no_gradient": "no gradient",
    "exploding": "explodes",
    "vanishing": "starves",
    "dead": "dead",
    "saturated": "saturated",
    "large_updates": "too fast",
    "small_updates": "too slow",
}


@dataclass(frozen=True)
class Finding:
    """One diagnosis.

    Attributes:
        kind: `"non_finite"`, `"no_gradient"`, `"exploding"` or `"vanishing"` for a gradient;
            `"dead"` or `"saturated"` for the units of a layer; `"large_updates"` or
            `"small_updates"` for how far a step moves the weights; or the word of a rule of your
            own.
        layer: Name of the layer where it shows most.
        epoch: Number of the epoch in which it was first seen.
        step: Number of the first step of the window in which it was first seen; for
            `"non_finite"` of the step at which it arose.
        evidence: The figures it rests on, a string of one sentence.
        advice: What to change, a string of one sentence.
        layers: Names of all layers concerned, in forward order.

    Example:
        >>> from keras_course_ext.monitoring import Finding
        >>> finding = Finding("dead", "dense", 0, 7, "All units are 0.", "Lower the learning rate.")
        >>> finding.kind, finding.layer, finding.step
        ('dead', 'dense', 7)
    """

    kind: str
    layer: str
    epoch: int
    step: int
    evidence: str
    advice: str
    layers: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the finding as a paragraph."""
        name = _NAMES.get(self.kind, self.kind.replace("_", " "))
        return f"{name} in '{self.layer}' (epoch {self.epoch}): {self.evidence} {self.advice}"


def states(findings: Iterable[Finding]) -> dict[str, str]:
    """Return a word for the state of every layer concerned, by its name.

    Args:
        findings: Findings, the gravest first; a layer has the state of the gravest.
    """
    words: dict[str, str] = {}
    for finding in findings:
        for layer in finding.layers:
            words.setdefault(layer, _STATES.get(finding.kind, finding.kind.replace("_", " ")))
    return words
