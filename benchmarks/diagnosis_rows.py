"""The scoreboard's rows of `diagnosis.py`: in how many runs the diagnosis was right."""

from collections.abc import Iterator

from diagnosis import HEALTHY, SICK, findings
from rows import Row, measured_once

QUICK = 4  # runs of each kind


def rows(quick: bool) -> Iterator[Row]:
    """Yield the share of healthy and of faulty runs that were told to be what they are."""
    for kind, runs in (("healthy", HEALTHY), ("faulty", SICK)):
        chosen = list(runs.values())[: QUICK if quick else None]
        right = 0
        for run in chosen:
            kinds = [finding.kind for finding in findings(run, 0)]
            right += kinds[0] in run[3] if kinds and run[3] else not kinds and not run[3]
        of = len(chosen)
        yield measured_once(f"diagnosis, {kind} networks, right", right, of, f"of {of}")
