"""Finding: one thing that is wrong with a run, where, since when, how it shows, what to change."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One diagnosis.

    Attributes:
        kind: `"vanishing"`, `"exploding"` or `"non_finite"`.
        layer: Name of the layer where it shows most.
        epoch: Epoch in which it was first seen.
        step: First step of the window in which it was first seen; for `"non_finite"` the step at
            which it arose.
        evidence: The figures it rests on, in a sentence.
        advice: What to change, in a sentence.
        layers: Names of all layers concerned, in forward order.
    """

    kind: Literal["vanishing", "exploding", "non_finite"]
    layer: str
    epoch: int
    step: int
    evidence: str
    advice: str
    layers: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the finding as a paragraph."""
        kind = self.kind.replace("_", "-")
        return (
            f"{kind} gradient in '{self.layer}' (epoch {self.epoch}): {self.evidence} {self.advice}"
        )
