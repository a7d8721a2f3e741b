"""A record as CSV, one value a line, written during training."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Histogram, Key
from keras_course_ext.monitoring.sinks.file_sink import FileSink

_COLUMNS = ("step", "epoch", *Key._fields, "value")
_HEADER = ",".join(_COLUMNS).encode() + b"\r\n"
_BEGINNING = re.compile(rb"[0-9]+,[0-9]+,")
_WHOLE = re.compile(r"[0-9]{1,18}")


class CSVSink(FileSink):
    """Appends the record of a `GradientMonitor` to a CSV file, one value a line.

    The columns are `step, epoch, layer, tensor, statistic, value`, as `history.save("x.csv")`
    writes them. A value has nine digits, enough to be the same float32 when it is read; one that
    is not finite is `nan`, `inf` or `-inf`. Histograms are left out. A line has some 40 to 60
    bytes; `kce.monitoring.sinks.JSONLinesSink` needs a third of that, and can be read again by
    `kce.monitoring.GradientHistory.load`.

    Args:
        path: The file. A folder that does not exist is made. Where training begins at step 0, what
            is in the file is replaced; where it is resumed, only what comes from the first resumed
            step on.

    Raises:
        OSError: By `fit`, before training starts: if the file cannot be written.
        ValueError: By `fit`, before training starts: if the file holds something else.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from keras_course_ext.monitoring import GradientHistory, Key
        >>> from keras_course_ext.monitoring.sinks import CSVSink
        >>> path = Path(tempfile.mkdtemp(), "record.csv")
        >>> sink = CSVSink(path)
        >>> sink.open(0, GradientHistory())
        >>> sink.write([7], [0], [Key("dense", "kernel", "grad_norm")], np.float32([[0.5]]))
        >>> print(path.read_text())
        step,epoch,layer,tensor,statistic,value
        7,0,dense,kernel,grad_norm,0.5
    """

    def write(
        self,
        steps: Sequence[int] | np.ndarray,
        epochs: Sequence[int] | np.ndarray,
        keys: Sequence[Key],
        values: np.ndarray,
    ) -> None:
        """Append a block of rows; see `kce.monitoring.sinks.Sink`."""
        text = io.StringIO(newline="")
        csv.writer(text).writerows(
            (step, epoch, *key, f"{value:.9g}")
            for step, epoch, row in zip(steps, epochs, np.asarray(values).tolist(), strict=True)
            for key, value in zip(keys, row, strict=True)
        )
        self.append(text.getvalue())

    def write_histograms(self, histograms: Sequence[Histogram]) -> None:
        """Do nothing: a histogram is not one value a line."""

    def header(self, history: GradientHistory) -> bytes:
        """Return the names of the columns."""
        return _HEADER

    def is_header(self, line: bytes) -> bool:
        """Say whether a line has the names of the columns."""
        return line == _HEADER

    def step_of(self, line: bytes) -> int:
        """Return the step that a line belongs to."""
        try:
            rows = list(csv.reader([line.decode()], strict=True))
        except csv.Error as error:
            raise ValueError(str(error)) from error
        if len(rows) != 1 or len(rows[0]) != len(_COLUMNS):
            raise ValueError(f"it does not have the {len(_COLUMNS)} columns {_HEADER.decode()!r}")
        step, epoch, *_, value = rows[0]
        if not (_WHOLE.fullmatch(step) and _WHOLE.fullmatch(epoch)):
            raise ValueError("its step or epoch is not a whole number")
        float(value)
        return int(step)

    def lines_of(self, file: Iterable[bytes]) -> Iterator[bytes]:
        """Return the lines of a file; a name in quotes may have newlines in it."""
        unfinished = b""
        for line in file:
            if unfinished and _BEGINNING.match(line):
                yield unfinished  # a quote too many, for `step_of` to refuse
                unfinished = b""
            unfinished += line
            if unfinished.count(b'"') % 2 == 0:
                yield unfinished
                unfinished = b""
        # A killed process may have left the last line unfinished in the middle of a name.
        if unfinished:
            yield unfinished.rstrip(b"\r\n")
