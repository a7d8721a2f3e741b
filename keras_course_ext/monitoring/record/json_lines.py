"""The record as lines of JSON: what `JSONLinesSink` appends and `GradientHistory.load` reads.

The first line names the format. After it come, in any order: the layers, a numbered list of keys,
a row of values that refers to such a list by its number, a histogram, where a fit began, what was
observed of the task in an epoch. A later list of a number takes the place of an earlier one. So any
row or histogram may be left out, and a file continued.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from keras_course_ext.monitoring.record import checks, task_files
from keras_course_ext.monitoring.record.schema import (
    Content,
    Fit,
    Histogram,
    Key,
    LayerInfo,
    block_of,
)
from keras_course_ext.monitoring.record.task import Observation

FORMAT = "keras_course_ext.GradientHistory.lines/1"


def header(loss_scaled: bool) -> str:
    """Return the first line."""
    return _line({"format": FORMAT, "loss_scaled": loss_scaled})


def is_header(line: bytes) -> bool:
    """Say whether a line is the first one of a record."""
    try:
        entry = checks.parsed(line)
    except ValueError:
        return False
    return isinstance(entry, dict) and entry.get("format") == FORMAT


class Encoder:
    """Encodes blocks as lines, the layers and keys that a line refers to before it."""

    def __init__(self) -> None:
        self._layers: tuple[LayerInfo, ...] = ()
        self._numbers: dict[tuple[Key, ...], int] = {}

    def layers(self, layers: tuple[LayerInfo, ...]) -> Iterator[str]:
        """Return the line of the layers, if they are new."""
        if layers != self._layers:
            self._layers = layers
            yield _line({"layers": [asdict(layer) for layer in layers]})

    def block(
        self,
        layers: tuple[LayerInfo, ...],
        steps: Sequence[int] | np.ndarray,
        epochs: Sequence[int] | np.ndarray,
        keys: Sequence[Key],
        values: np.ndarray,
    ) -> Iterator[str]:
        """Return the lines of a block: one a step, and before them the layers and keys if new."""
        yield from self.layers(layers)
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


def of_fit(fit: Fit) -> str:
    """Return the line that says where a fit began."""
    return _line({"fit": fit._asdict()})


def of_observation(observation: Observation) -> str:
    """Return the line of what was observed of the task in an epoch."""
    return _line(task_files.entry_of(observation))


def encode(content: Content) -> Iterator[str]:
    """Return the lines of a whole record."""
    yield header(content.loss_scaled)
    encoder = Encoder()
    yield from encoder.layers(content.layers)
    for block in content.blocks:
        yield from encoder.block(
            content.layers, block.steps, block.epochs, block.keys, block.values
        )
    yield from map(of_histogram, content.histograms)
    yield from map(of_fit, content.fits)
    if content.thinned:
        yield _line({"thinned": content.thinned})
    yield from map(of_observation, content.observations)


class Decoder:
    """Reads the lines of a record one after the other.

    Attributes:
        content: What the lines held. Rows at the end are in it after `finish`.
    """

    def __init__(self) -> None:
        self.content = Content()
        self._keys: dict[int, list[Key]] = {}
        self._of_rows: list[Key] = []
        self._rows: list[tuple[int, int, list[float]]] = []

    def read(self, line: bytes) -> int | None:
        """Take in a line; return the step that it belongs to, None if it belongs to none.

        Raises:
            ValueError: If it is not the line of a record; the message says why.
        """
        entry = checks.parsed(line)
        if not isinstance(entry, dict):
            entry = checks.object_of(entry, ())
        if "losses" in entry:
            observation = task_files.observation_of(entry)
            self.content.observations.append(observation)
            return observation.step
        if "values" in entry:
            return self._read_row(entry)
        if "counts" in entry:
            histogram = checks.histogram_of(entry)
            self.content.histograms.append(histogram)
            return histogram.step
        if "fit" in entry:
            checks.object_of(entry, ("fit",))
            fit = checks.fit_of(entry["fit"])
            self.content.fits.append(fit)
            return fit.step
        if "thinned" in entry:
            checks.object_of(entry, ("thinned",))
            self.content.thinned = checks.count_of(entry["thinned"])
        elif "keys" in entry:
            checks.object_of(entry, ("keys", "are"))
            self._keys[checks.count_of(entry["keys"])] = checks.keys_of(entry["are"])
        elif "layers" in entry:
            checks.object_of(entry, ("layers",))
            self.content.layers = tuple(checks.list_of(entry["layers"], checks.layer_of))
        else:
            checks.object_of(entry, ("format", "loss_scaled"))
            self.content.loss_scaled = checks.bool_of(entry["loss_scaled"])
        return None

    def _read_row(self, entry: dict[str, Any]) -> int:
        checks.object_of(entry, ("step", "epoch", "keys", "values"))
        number = checks.count_of(entry["keys"])
        if number not in self._keys:
            raise ValueError(f"it refers to the list of keys {number}, which is in no line above")
        keys = self._keys[number]
        step, epoch = checks.count_of(entry["step"]), checks.count_of(entry["epoch"])
        values = checks.list_of(entry["values"], checks.number_of, len(keys))
        if keys is not self._of_rows:
            self.finish()
            self._of_rows = keys
        self._rows.append((step, epoch, values))
        return step

    def forget(self) -> None:
        """Drop the rows and all else read so far: only the lists of keys are needed further."""
        self._rows.clear()
        self.content.histograms.clear()
        self.content.observations.clear()

    def finish(self) -> Content:
        """Return the record that the lines so far held."""
        if self._rows:
            steps, epochs, values = zip(*self._rows, strict=True)
            self.content.blocks.append(block_of(self._of_rows, steps, epochs, values))
            self._rows.clear()
        return self.content


def decode(lines: Iterable[bytes]) -> Content:
    """Return the record that lines hold; an unfinished last line is left out.

    Raises:
        ValueError: If the lines are not those of a record; the message says which.
    """
    decoder = Decoder()
    for number, line in enumerate(lines, 1):
        if number == 1 and not is_header(line):
            raise ValueError(f"its first line does not have the \"format\" '{FORMAT}'.")
        try:
            decoder.read(line)
        except ValueError as error:
            if not line.endswith(b"\n"):
                break  # a process was killed in the middle of it
            raise ValueError(f"line {number} cannot be read: {error}.") from error
    return decoder.finish()


def entry_of(histogram: Histogram) -> dict[str, Any]:
    """Return a histogram as a dictionary that JSON can hold."""
    arrays = {"edges": histogram.edges.tolist(), "counts": histogram.counts.tolist()}
    return {**histogram._asdict(), **arrays}


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, allow_nan=False, ensure_ascii=False) + "\n"
