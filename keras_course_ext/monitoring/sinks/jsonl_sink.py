"""A record as JSON Lines, written while training runs."""

import os
from collections.abc import Sequence

import numpy as np

from keras_course_ext.monitoring.record import json_lines
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Histogram, Key
from keras_course_ext.monitoring.record.task import Observation
from keras_course_ext.monitoring.sinks.file_sink import FileSink


class JSONLinesSink(FileSink):
    """Appends the record of a `GradientMonitor` to a file of JSON Lines, one step a line.

    `kce.monitoring.GradientHistory.load(path)` reads it, layers and histograms included, also while
    training is running, and after a process was killed: the file then lacks at most the last
    window of steps, and a last line that was left unfinished is passed over. A value has nine
    digits, enough to be the same float32 again, and takes some 13 bytes. One that is not finite is
    the string `"nan"`, `"inf"` or `"-inf"`.

    Args:
        path: The file. A folder that does not exist is made. Where training begins at step 0, what
            is in the file is replaced; where it is resumed, only what comes from the first resumed
            step on.

    Raises:
        OSError: By `fit`, before training starts: if the file cannot be written.
        ValueError: By `fit`, before training starts: if the file holds something else.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from keras_course_ext.monitoring import GradientHistory, Key
        >>> from keras_course_ext.monitoring.sinks import JSONLinesSink
        >>> path = os.path.join(tempfile.mkdtemp(), "record.jsonl")
        >>> sink = JSONLinesSink(path)
        >>> sink.open(0, GradientHistory())
        >>> sink.write([7], [0], [Key("dense", "kernel", "grad_norm")], np.float32([[0.5]]))
        >>> sink.write_observations([])
        >>> GradientHistory.load(path).series("dense", "kernel")
        (array([7]), array([0]), array([0.5], dtype=float32))
    """

    def __init__(self, path: str | os.PathLike) -> None:
        super().__init__(path)
        self._history = GradientHistory()
        self._encoder = json_lines.Encoder()
        self._decoder = json_lines.Decoder()

    def open(self, first_step: int, history: GradientHistory) -> None:
        """Make the file, or remove from an existing one the lines from `first_step` on.

        Args:
            first_step: Number of the first step. At 0 the file begins anew.
            history: The `GradientHistory` that is written.

        Raises:
            OSError: If the file cannot be written.
            ValueError: If the file exists and is not a record of this kind.
        """
        self._history = history
        self._encoder = json_lines.Encoder()
        # Reads the lines that are kept: what `GradientHistory.load` would refuse is refused here.
        self._decoder = json_lines.Decoder()
        super().open(first_step, history)

    def write(
        self,
        steps: Sequence[int] | np.ndarray,
        epochs: Sequence[int] | np.ndarray,
        keys: Sequence[Key],
        values: np.ndarray,
    ) -> None:
        """Append a block of rows; see `kce.monitoring.sinks.Sink`."""
        lines = self._encoder.block(self._history.layers, steps, epochs, keys, values)
        self.append("".join(lines))

    def write_histograms(self, histograms: Sequence[Histogram]) -> None:
        """Append the histograms of some steps; see `kce.monitoring.sinks.Sink`."""
        self.append("".join(map(json_lines.of_histogram, histograms)))

    def write_observations(self, observations: Sequence[Observation]) -> None:
        """Append what was observed of the task in some epochs.

        Args:
            observations: A sequence of them, at least one, in the order of the epochs.
        """
        self.append("".join(map(json_lines.of_observation, observations)))

    def header(self, history: GradientHistory) -> bytes:
        """Return the line that names the format."""
        return json_lines.header(history.loss_scaled).encode()

    def beginning(self, history: GradientHistory) -> bytes:
        """Return the line that says where the fit begins."""
        return "".join(map(json_lines.of_fit, history.fits[-1:])).encode()

    def is_header(self, line: bytes) -> bool:
        """Say whether a line names the format."""
        return json_lines.is_header(line)

    def step_of(self, line: bytes) -> int | None:
        """Return the step that a line belongs to; None if to none."""
        step = self._decoder.read(line)
        self._decoder.forget()
        return step
