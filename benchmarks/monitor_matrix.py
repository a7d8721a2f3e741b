"""Where the monitor is exact and harmless: every way to train, against an independent oracle.

python benchmarks/monitor_matrix.py [--pairwise | --sample 50 --seed 1] [--only model=LSTM]

What the cells are and what must hold in one stands in `monitor_cells.py`. A cell takes two to six
seconds, so the whole matrix takes hours; `--pairwise`, in which every two values of two axes meet,
takes minutes. TensorFlow keeps what it has compiled: run a large sample in several processes.
"""

import argparse
import itertools
import json
import os
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from monitor_cells import AXES, Cell, Outcome, outcome, two_devices
from pairwise import pairwise
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

VERDICTS = ("ok", "wrong", "changed", "raised", "refused", "trainer")

APART = {
    (("mode", "jit"), ("devices", "two")),
    (("steps", "7"), ("devices", "two")),
    (("devices", "two"), ("option", "accumulation")),
    (("dtype", "mixed_float16"), ("devices", "two")),
}
"""Keras's trainer runs none of the first three on CPUs, so the pairwise cover leaves them out.
The last one is in the cover as `SCALED`."""

BEYOND = (
    Cell("Sequential", "float32", "jit", "1", "two", "plain", "Keras SGD"),
    Cell("Sequential", "float32", "graph", "7", "two", "plain", "Keras SGD"),
    Cell("Sequential", "float32", "graph", "1", "two", "accumulation", "Keras SGD"),
)
"""The plainest cells that `APART` leaves out, and that Keras cannot train."""

SCALED = Cell("Sequential", "mixed_float16", "graph", "1", "two", "plain", "Keras SGD")
"""Loss scaling over devices, which Keras can train; added to the cover."""


def cells_to_run(
    only: Mapping[str, str], cover: bool, sample: int | None, seed: int = 0
) -> list[Cell]:
    """Return the whole matrix, its pairwise cover, or a random part of it.

    What the trainer cannot run stands in the cover once each, to show that it still cannot.

    Args:
        only: Values of axes to stay at.
        cover: Whether it is the pairwise cover.
        sample: How many cells; `None` for all.
        seed: Of the sample.
    """
    axes = {name: (only[name],) if name in only else values for name, values in AXES.items()}
    if cover:
        return [*(Cell(**row) for row in pairwise(axes, APART)), SCALED, *BEYOND]
    cells = [Cell(*values) for values in itertools.product(*axes.values())]
    if sample is None:
        return cells
    return random.Random(seed).sample(cells, min(sample, len(cells)))


def brief_cells() -> list[Cell]:
    """Return few cells for every commit: a cover of all axes but the models, which alternate."""
    axes = {name: values for name, values in AXES.items() if name != "model"}
    axes["optimizer"] = ("Keras Adam", "our SGD", "own subclass")
    models = itertools.cycle(AXES["model"])
    return [*(Cell(next(models), **row) for row in pairwise(axes, APART)), SCALED, *BEYOND]


def table(found: Mapping[Cell, Outcome]) -> Table:
    """Return the counts of verdicts, a row for every value of every axis."""
    rows = Table("axis", "value", title="cells by verdict")
    for column in ("cells", *VERDICTS):
        rows.add_column(column, justify="right")
    for axis, value in [("", "all"), *((a, v) for a, values in AXES.items() for v in values)]:
        part = [o.verdict for cell, o in found.items() if not axis or getattr(cell, axis) == value]
        if part:
            counts = Counter(part)
            rows.add_row(axis, value, str(len(part)), *(str(counts[v]) for v in VERDICTS))
    return rows


def failures(found: Mapping[Cell, Outcome]) -> list[str]:
    """Return a line for every cell that fails, one for those that Keras cannot train."""
    lines, cannot = [], {}
    for cell, (verdict, detail) in found.items():
        if verdict == "trainer":
            cannot.setdefault(detail.partition(":")[0], {})[cell] = detail
        elif verdict != "ok":
            lines.append(f"{verdict}: {cell}\n    {detail}")
    for cells in cannot.values():
        cell, detail = next(iter(cells.items()))
        lines.append(f"Keras cannot train {len(cells)}, e.g. {cell}\n    {detail}")
    return lines


def run(cells: Sequence[Cell], console: Console, path: Path | None) -> dict[Cell, Outcome]:
    """Run the cells with a progress bar; write each outcome when it is known."""
    mirrored, found = two_devices(), {}
    with Progress(console=console) as progress:
        for cell in progress.track(cells, description="cells"):
            found[cell] = outcome(cell, mirrored)
            if path:
                with path.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps([cell, found[cell]], ensure_ascii=False) + "\n")
    return found


def read(paths: Iterable[Path]) -> dict[Cell, Outcome]:
    """Read outcomes that `run` has written."""
    lines = [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]
    return {Cell(*cell): Outcome(*found) for cell, found in lines}


def main() -> None:
    """Run the cells, or read what was run, and print the table and what fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--pairwise", action="store_true", help="every two values of two axes")
    which.add_argument("--brief", action="store_true", help="what every commit is tested with")
    which.add_argument("--sample", type=int, help="so many random cells")
    which.add_argument("--read", nargs="+", type=Path, help="run nothing, read such files")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--only", nargs="+", default=[], metavar="AXIS=VALUE")
    parser.add_argument("--jsonl", type=Path, help="a file to append the outcomes to")
    given, console = parser.parse_args(), Console()
    only = dict(pair.split("=", 1) for pair in given.only)
    for axis, value in only.items():
        if value not in AXES.get(axis, ()):
            parser.error(f"--only {axis}={value}: the axes and values are {AXES}")
    if given.read:
        found = read(given.read)
    else:
        cells = cells_to_run(only, given.pairwise, given.sample, given.seed)
        cells = brief_cells() if given.brief else cells
        found = run(cells, console, given.jsonl)
    console.print(table(found))
    for line in failures(found):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
