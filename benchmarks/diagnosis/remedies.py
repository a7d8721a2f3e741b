"""Applies the first remedy of the first finding to each faulty run, and two baselines beside it.

python benchmarks/diagnosis/remedies.py runs --part "held out" --seconds 500

A remedy succeeds if the finding is gone and the score comes within 5 % of the healthy twin's. The
baselines are a random remedy out of all that were given, and always "Adam with 0.001, He
initialization, standardized inputs".
"""

import argparse
import json
import random
import time
from pathlib import Path
from typing import Any

from faults import FAULTS
from record import run
from replay import Run, load
from tasks import TASKS

from keras_course_ext.monitoring import diagnose
from keras_course_ext.monitoring.diagnosis.remedy import Remedy

ADAM = Remedy(
    "Always Adam.",
    (
        ("optimizer", "adam"),
        ("learning_rate", 0.001),
        ("initializer", "he_normal"),
        ("inputs", "standardized"),
    ),
)
CLOSE, MOST_EPOCHS = 0.05, 120


def applied(settings: dict[str, Any], remedy: Remedy) -> dict[str, Any]:
    """Return the settings of a faulty network after a remedy."""
    new = dict(settings)
    for name, value in remedy.changes:
        if name == "inputs":
            new |= (
                {"bad_rows": 0} if value == "finite" else {"input_factor": 1.0, "input_shift": 0.0}
            )
        elif name == "targets":
            new |= {"target_factor": 1.0, "target_shift": 0.0}
        elif name == "labels":
            new |= {"labels": "as they are"} if settings["labels"] != "constant" else {}
        elif name == "epochs_factor":
            new["epochs"] = min(MOST_EPOCHS, settings["epochs"] * value)
        elif name in new:
            new[name] = value
    return new


def outcome(case: Run, remedy: Remedy | None) -> bool | None:
    """Train with a remedy; return whether it succeeded, None if it cannot be applied."""
    task, seed = TASKS[case.entry["task"]], case.entry["seed"]
    settings = task.healthy()
    settings |= FAULTS[case.entry["fault"]].change(settings)
    if remedy is None or applied(settings, remedy) == settings:
        return False
    kind = diagnose(case.history)[0].kind
    try:
        history, score = run(task, applied(settings, remedy), seed)
    except Exception:
        return False
    gone = kind not in [finding.kind for finding in diagnose(history)]
    return gone and score >= case.twin - CLOSE * abs(case.twin)


def main() -> None:
    """Print and append a line a case, and the shares of successes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=["dev", "held out", "all"], default="held out")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--every", type=int, default=1, help="take every n-th case only")
    arguments = parser.parse_args()
    results = arguments.folder / "remedies.jsonl"
    lines = results.read_text("utf-8").splitlines() if results.exists() else []
    known = {(e["task"], e["fault"], e["seed"]) for e in map(json.loads, lines)}
    cases = [r for r in load(arguments.folder, arguments.part) if r.is_faulty and r.is_harmful]
    cases = [case for case in cases if diagnose(case.history)][:: arguments.every]
    pool = [diagnose(case.history)[0].remedies for case in cases]
    every = [remedy for remedies in pool for remedy in remedies if remedy.changes]
    chance = random.Random(0)
    end = time.monotonic() + arguments.seconds
    for case in cases:
        place = (case.entry["task"], case.entry["fault"], case.entry["seed"])
        other = chance.choice(every)
        if place in known:
            continue
        if time.monotonic() > end:
            break
        own = diagnose(case.history)[0].remedies[:1]
        tried = {"first": own[0] if own else None, "random": other, "always Adam": ADAM}
        entry = dict(zip(("task", "fault", "seed"), place, strict=True))
        entry |= {name: outcome(case, remedy) for name, remedy in tried.items()}
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        print(entry, flush=True)
    entries = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    for name in ("first", "random", "always Adam"):
        share = sum(bool(e[name]) for e in entries) / max(len(entries), 1)
        print(f"{name}: {share:.2f} of {len(entries)}")


if __name__ == "__main__":
    main()
