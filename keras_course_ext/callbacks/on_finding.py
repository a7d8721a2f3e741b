"""What a monitor does when something is found: log it, stop, raise, or call a function."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from keras_course_ext.monitoring.diagnosis.finding import ERROR, Finding

ACTIONS = ("warn", "stop", "raise", "ignore")
# What a finding says of one epoch may be gone after the next: a run may begin slowly.
_IN_A_ROW = 2
# That a run is too short is known when it has ended.
_AT_END = ("update_too_small",)
_SURE = 0.9
_LOGGER = logging.getLogger("keras_course_ext")

OnFinding = str | Callable[[Finding], Any]


class FindingError(RuntimeError):
    """Raised by `fit` if a monitor with `on_finding="raise"` finds something.

    Args:
        finding: The `Finding`; the error has it as its attribute `finding`.

    Example:
        >>> import keras_course_ext as kce
        >>> finding = kce.monitoring.Finding("stalled", "out", 3, 30, "It is.", "Change it.")
        >>> print(kce.callbacks.FindingError(finding))
        stalled training in 'out' (epoch 3): It is. Change it.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def checked_on_finding(on_finding: Any) -> OnFinding:
    """Return the argument, or refuse it.

    Raises:
        ValueError: If it is neither one of the words nor callable.
    """
    if on_finding in ACTIONS or callable(on_finding):
        return on_finding
    raise ValueError(
        f"`on_finding` must be one of {', '.join(map(repr, ACTIONS))}, or a function that takes a "
        f'Finding. Received: {on_finding!r}. Write `on_finding="stop"` to stop training.'
    )


def is_sure(finding: Finding) -> bool:
    """Say whether a finding needs no second epoch to confirm it."""
    return finding.severity == ERROR or finding.confidence >= _SURE


class Reaction:
    """Acts on findings, once on each.

    Args:
        on_finding: `"warn"`, `"stop"`, `"raise"`, `"ignore"` or a function.
        model: The model, whose `stop_training` is set.
    """

    def __init__(self, on_finding: OnFinding, model: Any) -> None:
        self._on_finding, self._model = on_finding, model
        self._done: set[tuple[str, str]] = set()
        self._seen: dict[tuple[str, str], int] = {}

    @property
    def is_wanted(self) -> bool:
        """Whether anything is done."""
        return self._on_finding != "ignore"

    def act(self, findings: Sequence[Finding], at_end: bool = False) -> list[Finding]:
        """Act on the findings of an epoch.

        On what is sure at once; on a matter of degree if two epochs in a row show it, or the last.

        Args:
            findings: The findings.
            at_end: Whether training has ended.

        Returns:
            Those that were acted on, now or before.
        """
        now = {(f.kind, f.layer): f for f in findings}
        self._seen = {place: self._seen.get(place, 0) + 1 for place in now}
        shown = [f for p, f in now.items() if at_end or is_sure(f) or self._is_confirmed(p)]
        for finding in shown:
            place = (finding.kind, finding.layer)
            if place not in self._done:
                self._done.add(place)
                self._act_on(finding)
        return shown

    def _is_confirmed(self, place: tuple[str, str]) -> bool:
        return self._seen[place] >= _IN_A_ROW and place[0] not in _AT_END

    def _act_on(self, finding: Finding) -> None:
        if callable(self._on_finding):
            self._on_finding(finding)
        elif self._on_finding == "raise":
            raise FindingError(finding)
        elif self._on_finding != "ignore":
            _LOGGER.warning("GradientMonitor: %s", finding)
            if self._on_finding == "stop":
                self._model.stop_training = True
