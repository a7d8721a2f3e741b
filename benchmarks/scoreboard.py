"""The benchmarks that the scoreboard runs, its table, and the comparison with a baseline."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from goals import goal_of
from rows import Row, from_json, number, of_lines, to_json

HERE = Path(__file__).parent
BASELINE = HERE / "baseline.json"
# How far a ratio may be off that has no interval: Keras against itself gave 1.00 to 1.05.
WITHOUT_INTERVAL = 0.05


@dataclass(frozen=True)
class Benchmark:
    """A benchmark of the scoreboard.

    Attributes:
        name: Its name on the command line.
        module: The file in this folder, without its ending.
        function: Its function `(quick: bool) -> Iterable[Row]`.
        needs: A package without which it is left out.
    """

    name: str
    module: str
    function: str = "rows"
    needs: str | None = None

    @property
    def missing(self) -> str | None:
        """What it lacks; None if it can run."""
        for name in (self.module, self.needs):
            if name and find_spec(name) is None:
                return name
        return None


# A new benchmark is one entry. Those whose file or package is not there are left out.
BENCHMARKS = [
    Benchmark("updates", "optimizer_step", "update_rows"),
    Benchmark("lazy", "optimizer_step", "lazy_rows"),
    Benchmark("fit", "optimizer_step", "fit_rows"),
    Benchmark("explicit", "explicit_dense"),
    Benchmark("activations", "activations"),
    Benchmark("monitor", "monitor_overhead"),
    Benchmark("start", "monitor_start"),
    Benchmark("memory", "explicit_dense", "memory_rows"),
    Benchmark("import", "import_time"),
    Benchmark("diagnosis", "diagnosis_rows", needs="sklearn"),
    Benchmark("survival", "survival", "rows", needs="rich"),
    Benchmark("which", "which_optimizer", needs="sklearn"),
    Benchmark("peers", "peers"),
]


def run(benchmark: Benchmark, quick: bool, limit: float) -> tuple[list[Row], str]:
    """Run a benchmark in its own process; return its rows, and what went wrong.

    A process each: what one compiled or kept in memory does not slow the next one down.
    """
    code = (
        f"import {benchmark.module} as module\nfrom rows import as_line\n"
        f"for row in module.{benchmark.function}({quick}):\n    print(as_line(row), flush=True)\n"
    )
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=HERE,
        env=environment | {"PYTHONPATH": os.pathsep.join([str(HERE.parent), *_paths()])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        output, errors = process.communicate(timeout=limit)
        wrong = "" if process.returncode == 0 else (errors.strip() or "?").splitlines()[-1]
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        wrong = f"stopped after {limit:.0f} s"
    return list(of_lines(output.splitlines())), wrong


def _paths() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def verdict(row: Row) -> tuple[float | None, str]:
    """Return the goal of a row, and whether it is met.

    A variant against itself has no goal. If its interval does not include 1, the rows that were
    measured beside it are worth nothing.
    """
    if row.is_noise:
        fine = row.low is None or row.high is None or row.low <= 1 <= row.high
        return None, "" if fine else "noise"
    goal = goal_of(row.name)
    if goal is None:
        return None, ""
    met = row.ratio >= goal if row.more_is_better else row.ratio <= goal
    return goal, "met" if met else "missed"


def table(rows: Iterable[Row]) -> list[str]:
    """Return the lines of the scoreboard."""
    cells = [["", "ours", "peer", "", "ratio", "95 %", "goal", ""]]
    for row in rows:
        goal, met = verdict(row)
        interval = "" if row.low is None else f"{row.low:.3f} .. {row.high:.3f}"
        goal_cell = "" if goal is None else f"{goal:.2f}"
        figures = [number(row.ours), number(row.theirs), row.unit, f"{row.ratio:.3f}"]
        cells.append([row.name, *figures, interval, goal_cell, met])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def worse(rows: Iterable[Row], baseline: Iterable[Row]) -> list[str]:
    """Return a line for every row that is worse than in the baseline beyond both intervals."""
    before = {row.name: row for row in baseline}
    lines = []
    for row in rows:
        old = before.get(row.name)
        if old is None or row.is_noise:
            continue
        (low, high), (old_low, old_high) = _interval(row), _interval(old)
        if high < old_low if row.more_is_better else low > old_high:
            lines.append(
                f"{row.name}: {row.ratio:.3f} [{low:.3f}, {high:.3f}], "
                f"before {old.ratio:.3f} [{old_low:.3f}, {old_high:.3f}]"
            )
    return lines


def _interval(row: Row) -> tuple[float, float]:
    if row.low is None or row.high is None:
        return row.ratio - WITHOUT_INTERVAL, row.ratio + WITHOUT_INTERVAL
    return row.low, row.high


def machine() -> dict[str, Any]:
    """Return the machine and the versions that the figures belong to."""
    found: dict[str, Any] = {"python": platform.python_version(), "cpus": os.cpu_count()}
    found["processor"] = _processor()
    for package in ("keras", "tensorflow", "tensorflow-cpu", "tf_keras", "torch", "optax"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def write(path: Path, rows: Sequence[Row], about: Mapping[str, Any]) -> None:
    """Write rows and what they belong to as JSON."""
    document = {**about, "machine": machine(), "rows": to_json(rows)}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read(path: Path) -> list[Row]:
    """Return the rows of a file that `write` wrote."""
    return from_json(json.loads(path.read_text("utf-8"))["rows"])
