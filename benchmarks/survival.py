"""Count in how many configurations of training an optimizer works, ours and Keras's.

python benchmarks/survival.py [--pairwise | --sample 50] [--optimizers SGD Adam]

`survival_cells.py` defines the cells and survival. A cell takes one or two seconds: about twenty
minutes for the whole matrix of one optimizer, one or two for `--pairwise`, which covers every pair
of values of two axes. TensorFlow keeps all compiled functions, 5 GB at the end of a whole matrix,
so run the optimizers one by one.
"""

import argparse
import itertools
import json
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pairwise import pairwise
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rows import Row, measured_once
from survival_cells import APART, AXES, OVER_DEVICES, Cell, Outcome, keras_has, outcome, two_devices

Found: TypeAlias = Mapping[Cell, Mapping[str, Outcome]]
"""The outcomes by cell and library; a library that lacks the optimizer is left out."""

QUICK_CELLS = 12
MEANING = {"trainer": "the trainer itself fails", "wrong": "wrong", "raised": "raised"}


def cells_to_run(optimizers: Sequence[str], cover: bool, sample: int | None) -> list[Cell]:
    """Return the whole matrix, its pairwise cover, or a random part of it.

    One cell that Keras's trainer cannot run is added to the cover, to show whether it still cannot.

    Args:
        optimizers: The values of the first axis.
        cover: Whether it is the pairwise cover.
        sample: Number of cells; `None` for all.
    """
    axes = AXES | {"optimizer": tuple(optimizers)}
    if cover:
        return [*(Cell(**row) for row in pairwise(axes, APART)), OVER_DEVICES]
    cells = [Cell(*values) for values in itertools.product(*axes.values())]
    return cells if sample is None else random.sample(cells, min(sample, len(cells)))


def run(cells: Sequence[Cell], libraries: Sequence[str], console: Console) -> Found:
    """Run the cells, with a progress bar."""
    mirrored = two_devices()
    with Progress(console=console) as progress:
        return {
            cell: {
                library: outcome(cell, library, mirrored)
                for library in libraries
                if library == "ours" or keras_has(cell.optimizer)
            }
            for cell in progress.track(cells, description="cells")
        }


def table(found: Found, libraries: Sequence[str]) -> Table:
    """Return the counts, one row per value of every axis."""
    rows = Table("axis", "value", title="survived, of the cells that Keras's trainer can run")
    for column in ("cells", "can run", *libraries):
        rows.add_column(column, justify="right")
    for axis, value in [("", "all"), *_values(found)]:
        part = [o for cell, o in found.items() if value in ("all", getattr(cell, axis, None))]
        able = [o for o in part if all(x.verdict != "trainer" for x in o.values())]
        counts = [_survived([o[name] for o in able if name in o]) for name in libraries]
        rows.add_row(axis, value, str(len(part)), str(len(able)), *counts)
    return rows


def _values(cells: Iterable[Cell]) -> list[tuple[str, str]]:
    """The (axis, value) that occur, in the order of the axes."""
    met = {pair for cell in cells for pair in cell._asdict().items()}
    known = [(axis, value) for axis, values in AXES.items() for value in values]
    return sorted(met, key=lambda pair: (known + sorted(met)).index(pair))


def _survived(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(o.verdict == 'ok' for o in outcomes)} of {len(outcomes)}"


def failures(found: Found, library: str) -> list[str]:
    """Return a line for every kind of failure: its message, how often, and where."""
    groups: dict[tuple[str, str], dict[Cell, Outcome]] = {}
    for cell, outcomes in found.items():
        if library in outcomes and outcomes[library].verdict != "ok":
            verdict, detail = outcomes[library]
            what = cell.option if verdict == "wrong" else detail.partition(":")[0]
            groups.setdefault((verdict, what), {})[cell] = outcomes[library]
    return [
        f"{MEANING[verdict]} in {len(group)}, e.g. {next(iter(group.values())).detail}\n"
        f"    at {_where(group, found)}"
        for (verdict, _), group in sorted(groups.items())
    ]


def _where(cells: Iterable[Cell], among: Iterable[Cell]) -> str:
    """The values of the given cells, on the axes on which they do not take all values."""
    here, there = _values(cells), _values(among)
    parts = []
    for axis in AXES:
        values = [value for name, value in here if name == axis]
        if len(values) < sum(name == axis for name, _ in there):
            parts.append(" | ".join(values))
    return ", ".join(parts) or "every kind of cell"


def rows(quick: bool) -> Iterator[Row]:
    """Yield the scoreboard's row of each optimizer: cells that ours survives, and Keras's."""
    optimizers = ["Adam"] if quick else AXES["optimizer"]
    for optimizer in optimizers:
        if not keras_has(optimizer):
            continue
        cells = cells_to_run([optimizer], cover=True, sample=None)
        found = run(
            cells[: QUICK_CELLS if quick else None], ["keras", "ours"], Console(stderr=True)
        )
        able = [o for o in found.values() if all(x.verdict != "trainer" for x in o.values())]
        counts = [sum(o[name].verdict == "ok" for o in able) for name in ("ours", "keras")]
        of = f"of {len(able)}"
        yield measured_once(f"survival, {optimizer}, pairwise cover", counts[0], counts[1], of)


def main() -> None:
    """Run the cells, print the counts and the failures, and with `--json` write the outcomes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--optimizers", nargs="+", default=AXES["optimizer"], metavar="NAME")
    parser.add_argument("--libraries", nargs="+", default=["keras", "ours"])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--pairwise", action="store_true", help="a cover of all pairs of values")
    which.add_argument("--sample", type=int, help="number of random cells to run")
    parser.add_argument("--json", type=Path, help="file to write the outcomes to")
    given, console = parser.parse_args(), Console()
    cells = cells_to_run(given.optimizers, given.pairwise, given.sample)
    found = run(cells, given.libraries, console)
    if given.json:
        rows = [[cell, outcomes] for cell, outcomes in found.items()]
        given.json.write_text(json.dumps(rows, ensure_ascii=False))
    console.print(table(found, given.libraries))
    for library in given.libraries:
        console.print(f"\nwhere [b]{library}[/b] does not survive:")
        for line in failures(found, library):
            console.print("  " + line, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
