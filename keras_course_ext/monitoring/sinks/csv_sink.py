"""A record as CSV, one value a line, written during training."""

import csv
import io
from collections.abc import Sequence

import numpy as np

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Histogram, Key
from keras_course_ext.monitoring.sinks.file_sink import FileSink

_HEADER = ",".join(("step", "epoch", *Key._fields, "value")).encode() + b"\r\n"


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
        return int(line.split(b",", 1)[0])
