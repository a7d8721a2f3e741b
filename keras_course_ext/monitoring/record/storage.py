"""Gradient records as files: CSV for spreadsheets, JSON and JSON Lines for everything else."""

import csv
import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_course_ext.monitoring.record import checks, json_lines, task_files
from keras_course_ext.monitoring.record.schema import Content, Key, block_of

FORMAT = "keras_course_ext.GradientHistory/1"


def save(content: Content, path: str | os.PathLike) -> None:
    """Write a record to `path`, whose ending is `.csv`, `.json` or `.jsonl`."""
    path = Path(path)
    writers = {".csv": _write_csv, ".json": _write_json, ".jsonl": _write_json_lines}
    if path.suffix not in writers:
        raise ValueError(
            f"A history is saved as .csv, .json or .jsonl. Received: '{path}'. "
            f"Write for example '{path.with_suffix('.json')}'."
        )
    writers[path.suffix](content, path)


def load(path: str | os.PathLike) -> Content:
    """Read a record from a `.json` or `.jsonl` file that `save` or a sink wrote.

    Raises:
        ValueError: If the file is not one.
    """
    path = Path(path)
    try:
        if path.suffix == ".jsonl":
            with path.open("rb") as file:
                return json_lines.decode(file)
        return from_dict(checks.parsed(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(
            f"'{path}' is not a saved GradientHistory (.json or .jsonl): {error}"
        ) from error


def to_dict(content: Content) -> dict[str, Any]:
    """Return a record as a dictionary for JSON: one entry a key, with its steps and values.

    JSON has no NaN and no infinity, and most readers refuse the bare words that Python writes for
    them, so such a value is written as the string `"nan"`, `"inf"` or `"-inf"`. A finite value
    has the fewest digits that give the same float32 again.
    """
    series: dict[Key, dict[str, Any]] = {}
    for block in content.blocks:
        steps, epochs = block.steps.tolist(), block.epochs.tolist()
        for key, column in zip(block.keys, block.values.T, strict=True):
            entry = series.setdefault(
                key, {**key._asdict(), "steps": [], "epochs": [], "values": []}
            )
            entry["steps"] += steps
            entry["epochs"] += epochs
            entry["values"] += map(_shortest, column)
    return {
        "format": FORMAT,
        "loss_scaled": content.loss_scaled,
        "layers": [asdict(layer) for layer in content.layers],
        "series": list(series.values()),
        "histograms": [json_lines.entry_of(h) for h in content.histograms],
        "fits": [fit._asdict() for fit in content.fits],
        "thinned": content.thinned,
        "observations": [task_files.entry_of(o) for o in content.observations],
    }


def from_dict(document: Any) -> Content:
    """Return the record that `to_dict` turned into a dictionary."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(
            f"its \"format\" is not '{FORMAT}'. Give what `history.save('name.json')` wrote."
        )
    needed = ("format", "loss_scaled", "layers", "series")
    checks.object_of(document, needed, ["histograms", "fits", "thinned", "observations"])
    layers = tuple(_each(document, "layers", checks.layer_of))
    content = Content(layers, checks.bool_of(document["loss_scaled"]))
    # Keys recorded at the same steps become one block again.
    series = _each(document, "series", _series_of)
    for (steps, epochs), group in groupby(series, key=lambda s: (s.steps, s.epochs)):
        block = list(group)
        keys = checks.distinct([s.key for s in block])
        values = np.array([s.values for s in block]).T
        content.blocks.append(block_of(keys, steps, epochs, values))
    if "histograms" in document:
        content.histograms = _each(document, "histograms", checks.histogram_of)
    if "fits" in document:
        content.fits = _each(document, "fits", checks.fit_of)
    content.thinned = checks.count_of(document.get("thinned", 0))
    if "observations" in document:
        content.observations = _each(document, "observations", task_files.observation_of)
    return content


class _Series(NamedTuple):
    key: Key
    steps: list[int]
    epochs: list[int]
    values: list[float]


def _series_of(value: Any) -> _Series:
    entry = checks.object_of(value, (*Key._fields, "steps", "epochs", "values"))
    steps = checks.list_of(entry["steps"], checks.count_of)
    return _Series(
        Key(*(checks.text_of(entry[name]) for name in Key._fields)),
        steps,
        checks.list_of(entry["epochs"], checks.count_of, len(steps)),
        checks.list_of(entry["values"], checks.number_of, len(steps)),
    )


def _each(document: dict[str, Any], name: str, read: Callable[[Any], Any]) -> list[Any]:
    """Return what `read` makes of each item of a list; an error names the item."""
    found = []
    for number, item in enumerate(checks.list_of(document[name])):
        try:
            found.append(read(item))
        except ValueError as error:
            raise ValueError(f'item {number} of "{name}" cannot be read: {error}.') from error
    return found


def records(content: Content) -> list[dict[str, Any]]:
    """Return every value as a dictionary, in the order of the steps; see `history.to_records`."""
    found = [
        {"step": step, "epoch": epoch, **key._asdict(), "value": value}
        for block in content.blocks
        for step, epoch, row in zip(
            block.steps.tolist(), block.epochs.tolist(), block.values.tolist(), strict=True
        )
        for key, value in zip(block.keys, row, strict=True)
    ]
    return sorted(found, key=lambda record: record["step"])


def _write_csv(content: Content, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["step", "epoch", *Key._fields, "value"])
        writer.writeheader()
        writer.writerows(records(content))


def _write_json(content: Content, path: Path) -> None:
    text = json.dumps(to_dict(content), allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _write_json_lines(content: Content, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(json_lines.encode(content))


def _shortest(value: np.float32) -> float | str:
    return float(str(value)) if math.isfinite(value) else str(value)
