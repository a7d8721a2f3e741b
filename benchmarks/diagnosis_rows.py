"""The scoreboard's rows of `diagnosis/digits.py`: in how many runs the diagnosis was right."""

import sys
from collections.abc import Iterator
from pathlib import Path

from rows import Row, measured_once

# Its files import each other by name, as they do when one is run as a script.
sys.path.insert(0, str(Path(__file__).parent / "diagnosis"))

from digits import findings  # pyright: ignore[reportMissingImports]
from digits_runs import HEALTHY, SICK  # pyright: ignore[reportMissingImports]

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
