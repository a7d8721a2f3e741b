"""Replays rules on the records of `record.py` and prints the tables; needs no TensorFlow.

python benchmarks/diagnosis/replay.py runs                    # the half for setting thresholds
python benchmarks/diagnosis/replay.py runs --part "held out"  # once, when they are set
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from faults import FAULTS
from published import PUBLISHED
from record_index import HEALTHY, part_of

from keras_course_ext.monitoring import GradientHistory, diagnose

# A faulty run that ends this close to its healthy twin shows no fault: it is left out, and counted.
CLOSE = 0.05


class Run:
    """A recorded run.

    Attributes:
        entry: Its line of the index.
        twin: Score of the healthy twin: same task, same seed.
        history: The record.
    """

    def __init__(self, folder: Path, entry: dict[str, Any], twin: float) -> None:
        self.entry, self.twin = entry, twin
        self.history = GradientHistory.load(folder / entry["file"])

    @property
    def is_faulty(self) -> bool:
        """Whether a fault was made."""
        return self.entry["fault"] != HEALTHY

    @property
    def is_harmful(self) -> bool:
        """Whether the fault shows in the outcome."""
        return self.entry["score"] < self.twin - CLOSE * max(abs(self.twin), 1e-9)


def load(folder: Path, part: str) -> list[Run]:
    """Return the runs of a half whose healthy twin was recorded."""
    lines = (folder / "index.jsonl").read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    twins = {(e["task"], e["seed"]): e["score"] for e in entries if e["fault"] == HEALTHY}
    return [
        Run(folder, entry, twins[entry["task"], entry["seed"]])
        for entry in entries
        if (entry["task"], entry["seed"]) in twins
        and part in ("all", part_of(entry["task"], entry["fault"]))
    ]


def tally(runs: list[Run], found: Callable[[GradientHistory], bool]) -> dict[str, float]:
    """Return how often a diagnosis reports something, on faulty and on healthy runs."""
    counts = Counter((run.is_faulty, bool(found(run.history))) for run in runs)
    tp, fn = counts[True, True], counts[True, False]
    fp, tn = counts[False, True], counts[False, False]
    recall, precision = tp / max(tp + fn, 1), tp / max(tp + fp, 1)
    f1 = 2 * recall * precision / max(recall + precision, 1e-9)
    alarms = fp / max(fp + tn, 1)
    names = ("tp", "fn", "fp", "tn", "recall", "precision", "false alarms", "F1")
    return dict(zip(names, (tp, fn, fp, tn, recall, precision, alarms, f1), strict=True))


def line(name: str, t: dict[str, float]) -> str:
    """Return a row of the table of all diagnoses."""
    counts = f"{t['tp']:5.0f}{t['fn']:5.0f}{t['fp']:5.0f}{t['tn']:5.0f}"
    rates = "".join(f"{t[n]:8.2f}" for n in ("recall", "precision", "false alarms", "F1"))
    return f"{name:16}{counts}{rates}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=["dev", "held out", "all"], default="dev")
    parser.add_argument("--quiet", action="store_true", help="print no line for each miss")
    arguments = parser.parse_args()
    every = load(arguments.folder, arguments.part)
    runs = [run for run in every if not run.is_faulty or run.is_harmful]
    print(f"{len(every)} runs, of which {len(every) - len(runs)} with a fault that did no harm")
    print(f"{'':16}{'TP':>5}{'FN':>5}{'FP':>5}{'TN':>5}  recall  precis  alarms      F1")
    print(line("this package", tally(runs, lambda h: bool(diagnose(h)))))
    for name, rule in PUBLISHED.items():
        print(line(name, tally(runs, rule)))
    right: dict[str, list[bool]] = defaultdict(list)
    confidences = []
    for run in runs:
        findings = diagnose(run.history)
        first = findings[0] if findings else None
        name = f"{run.entry['task']}, {run.entry['fault']}, {run.entry['seed']}"
        said = f"{first.kind} in '{first.layer}'" if first else "nothing"
        if not run.is_faulty:
            if first and not arguments.quiet:
                print(f"false alarm  {name}: {said} ({run.entry['score']:.2f})")
            continue
        fault = FAULTS[run.entry["fault"]]
        if first is None:
            print(f"miss         {name} ({run.entry['score']:.2f} of {run.twin:.2f})")
            continue
        kind = first.kind in fault.kinds
        right["kind"].append(kind)
        if fault.layer is not None and kind:
            right["layer"].append(first.layer == fault.layer)
        right["epoch"].append(first.epoch <= 1)
        confidences.append((first.confidence, kind))
        if not (kind and right["layer"][-1:] != [False]) and not arguments.quiet:
            print(f"other        {name}: {said}")
    for name, values in right.items():
        print(f"right {name}: {np.mean(values):.2f} of {len(values)}")
    for low, high in ((0.0, 0.8), (0.8, 0.9), (0.9, 0.96), (0.96, 1.01)):
        inside = [kind for confidence, kind in confidences if low <= confidence < high]
        if inside:
            print(
                f"confidence {low:.2f} to {high:.2f}: right {np.mean(inside):.2f} of {len(inside)}"
            )


if __name__ == "__main__":
    main()
