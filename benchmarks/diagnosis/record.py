"""Trains the healthy and faulty networks and keeps their records.

python benchmarks/diagnosis/record.py runs                 # all, some hours
python benchmarks/diagnosis/record.py runs --seeds 0 --part dev --seconds 500

Each run becomes a `.jsonl` in the folder and a line of its `index.jsonl`. Runs that are in the
index are not repeated, so the command can be given again until all are done.
"""

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
from faults import FAULTS
from networks import network, prepared, score
from record_index import HEALTHY, part_of
from tasks import TASKS, Task

import keras_course_ext as kce


def run(task: Task, settings: dict[str, Any], seed: int) -> tuple[Any, float]:
    """Train a network; return its record and its score."""
    keras.utils.set_random_seed(seed)
    x, y, x_test, y_test = prepared(task, settings, seed)
    answers = y_test.shape[-1] if y_test.ndim > 1 else int(y_test.max()) + 1
    answers += settings["labels"] == "from 1" and task.kind == "classes"
    model = network(task, settings, x, answers)
    monitor = kce.callbacks.GradientMonitor(on_finding="ignore")
    how = {"batch_size": settings["batch"], "epochs": settings["epochs"], "verbose": 0}
    model.fit(x, y, callbacks=[monitor], **how)
    return monitor.history, score(task, settings, model, x_test, y_test)


def pairs(part: str | None) -> list[tuple[str, str]]:
    """Return the tasks and faults of a half, the healthy ones first."""
    found = [(task, HEALTHY) for task in TASKS]
    found += [
        (t, f) for f, fault in FAULTS.items() for t, task in TASKS.items() if fault.fits(task)
    ]
    return [pair for pair in found if part in (None, "all", part_of(*pair))]


def main() -> None:
    """Train what is not in the index yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=["dev", "held out", "all"], default=None)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--every", type=int, default=1, help="take every n-th pair only")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "index.jsonl"
    done = set()
    if index.exists():
        entries = map(json.loads, index.read_text("utf-8").splitlines())
        done = {(e["task"], e["fault"], e["seed"]) for e in entries}
    wanted = [(*pair, seed) for seed in arguments.seeds for pair in pairs(arguments.part)]
    wanted = [w for i, w in enumerate(wanted) if w[1] == HEALTHY or i % arguments.every == 0]
    end = time.monotonic() + arguments.seconds
    for name, fault, seed in wanted:
        if (name, fault, seed) in done:
            continue
        if time.monotonic() > end:
            print("time is up; give the command again")
            break
        task = TASKS[name]
        settings = task.healthy()
        if fault != HEALTHY:
            settings |= FAULTS[fault].change(settings)
        began = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                history, found = run(task, settings, seed)
            except Exception as error:
                print(f"{name}, {fault}, {seed}: raised {error!r:.200}")
                continue
        seconds = time.process_time() - began
        file = f"{name}-{fault}-{seed}.jsonl".replace(" ", "_").replace(",", "")
        history.save(folder / file)
        entry = {"task": name, "fault": fault, "seed": seed, "score": found, "file": file}
        with index.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(entry | {"seconds": round(seconds, 1)}) + "\n")
        print(f"{name:16}{fault:42}{seed:3}{np.round(found, 3):9}{seconds:7.1f} s", flush=True)


if __name__ == "__main__":
    main()
