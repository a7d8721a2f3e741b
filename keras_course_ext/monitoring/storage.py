"""Gradient records as files: CSV for spreadsheets, JSON and JSON Lines for everything else."""

import csv
import json
import math
import os
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from keras_course_ext.monitoring import json_lines
from keras_course_ext.monitoring.history import GradientHistory, Key

FORMAT = "keras_course_ext.GradientHistory/1"


def save(history: GradientHistory, path: str | os.PathLike) -> None:
    """Write a history to `path`, whose ending is `.csv`, `.json` or `.jsonl`."""
    path = Path(path)
    writers = {".csv": _write_csv, ".json": _write_json, ".jsonl": _write_json_lines}
    if path.suffix not in writers:
        raise ValueError(
            f"A history is saved as .csv, .json or .jsonl. Received: '{path}'. "
            f"Write for example '{path.with_suffix('.json')}'."
        )
    writers[path.suffix](history, path)


def load(path: str | os.PathLike) -> GradientHistory:
    """Read a history from a `.json` or `.jsonl` file that `save` or a sink wrote.

    Raises:
        ValueError: If the file is not one.
    """
    path = Path(path)
    try:
        if path.suffix == ".jsonl":
            with path.open("rb") as file:
                return json_lines.decode(file)
        return from_dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(
            f"'{path}' is not a saved GradientHistory (.json or .jsonl): {error}"
        ) from error


def to_dict(history: GradientHistory) -> dict[str, Any]:
    """Return a history as what JSON can hold: one entry a key, with its steps and values.

    JSON has no NaN and no infinity, and most readers refuse the bare words that Python writes for
    them, so such a value becomes the string `"nan"`, `"inf"` or `"-inf"`. A finite one has the
    fewest digits that make the same float32 again.
    """
    series = []
    for key in history.keys:
        steps, epochs, values = history.series(*key)
        columns = {
            "steps": steps.tolist(),
            "epochs": epochs.tolist(),
            "values": [_shortest(value) for value in values],
        }
        series.append({**key._asdict(), **columns})
    return {
        "format": FORMAT,
        "loss_scaled": history.loss_scaled,
        "layers": [asdict(layer) for layer in history.layers],
        "series": series,
        "histograms": [json_lines.entry_of(h) for h in history.histograms],
    }


def from_dict(document: Any) -> GradientHistory:
    """Return the history that `to_dict` turned into a dictionary."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(
            f"its \"format\" is not '{FORMAT}'. Give what `history.save('name.json')` wrote."
        )
    layers = [json_lines.layer_of(entry) for entry in document["layers"]]
    history = GradientHistory(layers, document["loss_scaled"])
    # Keys recorded at the same steps become one block again.
    by_steps = groupby(document["series"], key=lambda s: (s["steps"], s["epochs"]))
    for (steps, epochs), group in by_steps:
        block = list(group)
        keys = [Key(s["layer"], s["tensor"], s["statistic"]) for s in block]
        values = [[float(value) for value in s["values"]] for s in block]
        history.append(steps, epochs, keys, np.array(values).T)
    history.histograms = [json_lines.histogram_of(h) for h in document.get("histograms", [])]
    return history


def _write_csv(history: GradientHistory, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["step", "epoch", *Key._fields, "value"])
        writer.writeheader()
        writer.writerows(history.to_records())


def _write_json(history: GradientHistory, path: Path) -> None:
    text = json.dumps(to_dict(history), allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _write_json_lines(history: GradientHistory, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(json_lines.encode(history))


def _shortest(value: np.float32) -> float | str:
    return float(str(value)) if math.isfinite(value) else str(value)
