"""The record as lines of JSON: what `JSONLinesSink` appends and `GradientHistory.load` reads.

The first line names the format. After it come, in any order: the layers, a numbered list of keys,
a row of values that refers to such a list by its number, a histogram. A later list of a number
takes the place of an earlier one. So any row or histogram may be left out, and a file continued.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from keras_course_ext.monitoring.record.schema import Content, Histogram, Key, LayerInfo, block_of

FORMAT = "keras_course_ext.GradientHistory.lines/1"


def header(loss_scaled: bool) -> str:
    """Return the first line."""
    return _line({"format": FORMAT, "loss_scaled": loss_scaled})


def is_header(line: bytes) -> bool:
    """Say whether a line is the first one of a record."""
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    return isinstance(entry, dict) and entry.get("format") == FORMAT


class Encoder:
    """Encodes blocks as lines, the layers and keys that a line refers to before it."""

    def __init__(self) -> None:
        self._layers: tuple[LayerInfo, ...] = ()
        self._numbers: dict[tuple[Key, ...], int] = {}

    def block(
        self,
        layers: tuple[LayerInfo, ...],
        steps: Sequence[int] | np.ndarray,
        epochs: Sequence[int] | np.ndarray,
        keys: Sequence[Key],
        values: np.ndarray,
    ) -> Iterator[str]:
        """Return the lines of a block: one a step, and before them the layers and keys if new."""
        if layers != self._layers:
            self._layers = layers
            yield _line({"layers": [asdict(layer) for layer in layers]})
        keys = tuple(keys)
        known = keys in self._numbers
        number = self._numbers.setdefault(keys, len(self._numbers))
        if not known:
            yield _line({"keys": number, "are": [list(key) for key in keys]})
        finite = np.all(np.isfinite(values), axis=1).tolist()
        for step, epoch, row, fine in zip(steps, epochs, values.tolist(), finite, strict=True):
            # Nine digits make the same float32 again. JSON has no NaN and no infinity.
            texts = [f"{x:.9g}" for x in row]
            if not fine:
                texts = [text if np.isfinite(float(text)) else f'"{text}"' for text in texts]
            start = f'{{"step": {step}, "epoch": {epoch}, "keys": {number}, "values": ['
            yield start + ", ".join(texts) + "]}\n"


def of_histogram(histogram: Histogram) -> str:
    """Return the line of a histogram."""
    return _line(entry_of(histogram))


def step_of(line: bytes) -> int | None:
    """Return the step that a line belongs to; None if it belongs to none."""
    entry = json.loads(line)
    if not isinstance(entry, dict):
        raise ValueError(f"{entry!r} is not an object")
    return entry.get("step")


def encode(content: Content) -> Iterator[str]:
    """Return the lines of a whole record."""
    yield header(content.loss_scaled)
    encoder = Encoder()
    for block in content.blocks:
        yield from encoder.block(
            content.layers, block.steps, block.epochs, block.keys, block.values
        )
    yield from map(of_histogram, content.histograms)


def decode(lines: Iterable[bytes]) -> Content:
    """Return the record that lines hold; an unfinished last line is left out.

    Raises:
        ValueError: If the lines are not those of a record; the message says which.
    """
    content = Content()
    keys: dict[int, list[Key]] = {}
    rows: list[dict[str, Any]] = []
    of_rows: list[Key] = []
    for number, line in enumerate(lines, 1):
        if number == 1 and not is_header(line):
            raise ValueError(f"its first line does not have the \"format\" '{FORMAT}'.")
        try:
            entry = json.loads(line, parse_int=_int_but_minus_zero)
            if "values" in entry:
                if rows and keys[entry["keys"]] is not of_rows:
                    _append(content, of_rows, rows)
                of_rows = keys[entry["keys"]]
                rows.append(entry)
            elif "keys" in entry:
                keys[entry["keys"]] = [Key(*key) for key in entry["are"]]
            elif "layers" in entry:
                content.layers = tuple(layer_of(d) for d in entry["layers"])
            elif "counts" in entry:
                content.histograms.append(histogram_of(entry))
            else:
                content.loss_scaled = entry["loss_scaled"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if not line.endswith(b"\n"):
                break  # a process was killed in the middle of it
            raise ValueError(f"line {number} cannot be read: {error!r}") from error
    _append(content, of_rows, rows)
    return content


def _append(content: Content, keys: list[Key], rows: list[dict[str, Any]]) -> None:
    values = [[float(value) for value in row["values"]] for row in rows]
    if rows:
        steps, epochs = [r["step"] for r in rows], [r["epoch"] for r in rows]
        content.blocks.append(block_of(keys, steps, epochs, values))
    rows.clear()


def layer_of(entry: dict[str, Any]) -> LayerInfo:
    """Return the layer that `dataclasses.asdict` turned into a dictionary."""
    lists = {name: tuple(entry.get(name, ())) for name in ("weights", "roles")}
    return LayerInfo(**{**entry, **lists})


def entry_of(histogram: Histogram) -> dict[str, Any]:
    """Return a histogram as a dictionary that JSON can hold."""
    arrays = {"edges": histogram.edges.tolist(), "counts": histogram.counts.tolist()}
    return {**histogram._asdict(), **arrays}


def histogram_of(entry: dict[str, Any]) -> Histogram:
    """Return the histogram that `entry_of` turned into a dictionary."""
    arrays = {"edges": np.array(entry["edges"]), "counts": np.array(entry["counts"])}
    return Histogram(**{**entry, **arrays})


def _int_but_minus_zero(text: str) -> float:
    return -0.0 if text == "-0" else int(text)


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, allow_nan=False, ensure_ascii=False) + "\n"
