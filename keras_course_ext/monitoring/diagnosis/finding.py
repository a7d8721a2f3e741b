"""Finding: what is wrong with a run, where, since when, the evidence, and what to change."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from keras_course_ext.monitoring.diagnosis.remedy import Remedy
from keras_course_ext.monitoring.record import display
from keras_course_ext.monitoring.record.names import printable

ERROR, WARNING, NOTE = "error", "warning", "note"
"""Severities: the network cannot learn like this; it learns badly; it does no harm so far."""

_NAMES = {
    "non_finite": "non-finite gradient",
    "no_gradient": "no gradient",
    "zero_gradient": "zero gradient",
    "exploding": "exploding gradient",
    "vanishing": "vanishing gradient",
    "fading": "fading gradient",
    "dead_units": "dead units",
    "saturated": "saturated units",
    "symmetric": "symmetric units",
    "update_too_large": "too large updates",
    "update_too_small": "too small updates",
    "output_range": "targets out of the output's range",
    "loss_mismatch": "loss that does not fit the output",
    "unscaled_input": "unscaled inputs",
    "unscaled_target": "unscaled targets",
    "labels": "wrong labels",
    "capacity": "too little capacity",
    "unstable": "unstable loss",
    "stalled": "stalled training",
}

_STATES = {
    "non_finite": "NaN or inf",
    "no_gradient": "no gradient",
    "zero_gradient": "gradient 0",
    "exploding": "explodes",
    "vanishing": "starves",
    "fading": "fades",
    "dead_units": "dead",
    "saturated": "saturated",
    "symmetric": "symmetric",
    "update_too_large": "too fast",
    "update_too_small": "too slow",
    "output_range": "out of range",
    "loss_mismatch": "wrong loss",
    "capacity": "linear",
    "unscaled_input": "unscaled inputs",
    "unscaled_target": "unscaled targets",
    "labels": "wrong labels",
    "unstable": "unstable loss",
    "stalled": "stalled training",
}


@dataclass(frozen=True)
class Finding:
    """One diagnosis.

    Attributes:
        kind: A word such as `"vanishing"`; `docs/diagnosis.md` lists them, and rules of your own
            may have others.
        layer: Name of the first layer concerned, or the one where it shows most; `""` where it is
            no layer but the data or the whole run.
        epoch: Number of the epoch in which it was first seen.
        step: Number of the first step of the window in which it was first seen; for
            `"non_finite"` of the step at which it arose.
        evidence: The figures it rests on, a string of one sentence.
        advice: What to change, a string of one or a few sentences. Defaults to "", the remedies
            in order.
        layers: Names of all layers concerned, in forward order.
        severity: String, `"error"` (the network cannot learn like this), `"warning"`, or `"note"`
            (it does no harm so far). Defaults to "warning".
        confidence: Number from 0 to 1: how often a finding with such evidence is right.
        cause: The likely cause, a string of one sentence, or `""`.
        remedies: Tuple of `Remedy`, the first one first.
        symptoms: Tuple of the findings that this one explains.

    Example:
        >>> from keras_course_ext.monitoring import Finding
        >>> finding = Finding("dead_units", "dense", 0, 7, "All are 0.", "Lower the learning rate.")
        >>> finding.kind, finding.layer, finding.step
        ('dead_units', 'dense', 7)
    """

    kind: str
    layer: str
    epoch: int
    step: int
    evidence: str
    advice: str = ""
    layers: tuple[str, ...] = ()
    severity: str = WARNING
    confidence: float = 0.9
    cause: str = ""
    remedies: tuple[Remedy, ...] = ()
    symptoms: tuple["Finding", ...] = ()

    def __post_init__(self) -> None:
        if not self.advice and self.remedies:
            texts = [remedy.text for remedy in self.remedies]
            object.__setattr__(self, "advice", in_order(texts))

    @property
    def name(self) -> str:
        """What it is called, such as "vanishing gradient"."""
        return _NAMES.get(self.kind, self.kind.replace("_", " "))

    def _repr_html_(self) -> str | None:
        """Return the finding as a notebook shows it."""
        return display.summary(self)

    def __str__(self) -> str:
        """Return the finding as a paragraph."""
        where = f" in '{self.layer}'" if self.layer else ""
        parts = [f"{self.name}{where} (epoch {self.epoch}):", self.evidence]
        parts += [self.cause, self.advice]
        if self.symptoms:
            parts.append(f"It explains: {', '.join(s.name for s in self.symptoms)}.")
        # A layer's name may hold what moves the cursor of a terminal.
        return printable(" ".join(part for part in parts if part))


def in_order(texts: Sequence[str]) -> str:
    """Return the texts of some remedies, at least one, as a paragraph."""
    first, *others = texts
    return " ".join([first, *(f"Or: {text[0].lower()}{text[1:]}" for text in others)])


def states(findings: Iterable[Finding]) -> dict[str, str]:
    """Return a word for the state of every layer concerned, by its name.

    Args:
        findings: Findings, the gravest first; a layer has the state of the gravest.
    """
    words: dict[str, str] = {}
    for finding in _all(findings):
        for layer in finding.layers:
            words.setdefault(layer, _STATES.get(finding.kind, finding.kind.replace("_", " ")))
    return words


def _all(findings: Iterable[Finding]) -> Iterator[Finding]:
    for finding in findings:
        yield finding
        yield from _all(finding.symptoms)
