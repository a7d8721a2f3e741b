"""One measured figure of a benchmark: a row of its own table, and of the scoreboard."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from lockstep import Ratio


@dataclass(frozen=True)
class Row:
    """A figure of ours beside that of a peer.

    Attributes:
        name: What was measured, the parts separated by `", "`; unique on the scoreboard.
        ratio: Ours divided by the peer's.
        low: Lower end of its 95 % interval; None if it was measured once.
        high: Upper end.
        pairs: Number of pairs of measurements.
        ours: Our figure.
        theirs: The peer's figure.
        unit: Unit of the two: `"s"`, `"MB"`, or `"of N"` for counts, where more is better.
        detail: What else there is to say.
    """

    name: str
    ratio: float
    low: float | None = None
    high: float | None = None
    pairs: int = 1
    ours: float | None = None
    theirs: float | None = None
    unit: str = "s"
    detail: str = ""

    @property
    def more_is_better(self) -> bool:
        """Whether a larger ratio is the better one."""
        return self.unit.startswith("of ")

    @property
    def is_noise(self) -> bool:
        """Whether it compares a variant with itself, so that its ratio should be 1."""
        return self.name.endswith("against itself")

    def __str__(self) -> str:
        """Return the figures on one line."""
        interval = "" if self.low is None else f" [{self.low:.3f}, {self.high:.3f}]"
        figures = f"{number(self.ours)} to {number(self.theirs)} {self.unit}"
        pairs = f", {self.pairs} pairs" if self.pairs > 1 else ""
        detail = f"; {self.detail}" if self.detail else ""
        return f"{self.name:60} {self.ratio:.3f}{interval}, {figures}{pairs}{detail}"


def row_of(name: str, ratio: Ratio, detail: str = "") -> Row:
    """Return the row of a ratio of two times."""
    return Row(
        name,
        ratio.median,
        ratio.low,
        ratio.high,
        ratio.pairs,
        ratio.median * ratio.seconds,
        ratio.seconds,
        detail=detail,
    )


def measured_once(name: str, ours: float, theirs: float, unit: str, detail: str = "") -> Row:
    """Return the row of two figures that have no interval; a peer that has 0 counts as 1."""
    return Row(name, ours / (theirs or 1), None, None, 1, ours, theirs, unit, detail)


def number(value: float | None) -> str:
    """Return a figure with three digits, `"-"` for none."""
    return "-" if value is None else f"{value:.3g}"


def printed(rows: Iterable[Row]) -> None:
    """Print rows as they are measured."""
    for row in rows:
        print(row, flush=True)


def to_json(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return rows as a list for JSON."""
    return [asdict(row) for row in rows]


def from_json(entries: Iterable[dict[str, Any]]) -> list[Row]:
    """Return the rows that `to_json` turned into a list."""
    return [Row(**entry) for entry in entries]


def as_line(row: Row) -> str:
    """Return a row as one line that `of_lines` finds among whatever else is printed."""
    return MARK + json.dumps(asdict(row))


def of_lines(text: Iterable[str]) -> Iterator[Row]:
    """Yield the rows among some lines."""
    for line in text:
        if line.startswith(MARK):
            yield Row(**json.loads(line[len(MARK) :]))


MARK = "::row "
