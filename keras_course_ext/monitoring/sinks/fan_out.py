"""Writes a growing record to its sinks; an error in a sink does not stop the training."""

import warnings
from collections.abc import Sequence

from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.sinks.sink import Sink


class FanOut:
    """The sinks of one `fit`, and how much of the record has been written to them.

    Args:
        sinks: Where to write.
    """

    def __init__(self, sinks: Sequence[Sink] = ()) -> None:
        self._sinks = list(sinks)
        self._open: list[Sink] = []
        self._rows: list[int] = []
        self._histograms = 0
        self._observations = 0
        self._findings: list[Finding] = []

    def open(self, first_step: int, history: GradientHistory) -> None:
        """Open all sinks, or none if one of them cannot be opened.

        Args:
            first_step: Number of the first step of this run.
            history: The record; what it holds already is not written again.
        """
        self.skip(history)
        opened: list[Sink] = []
        try:
            for sink in self._sinks:
                sink.open(first_step, history)
                opened.append(sink)
        except BaseException:
            for sink in opened:
                sink.close()
            raise
        self._open = opened

    def send(self, history: GradientHistory) -> None:
        """Write what has been added to the record since the last call.

        A sink that raises is closed and left out from then on, with one warning: a full disk must
        not end the training.
        """
        blocks = [block for block in history.blocks(self._rows) if len(block.steps)]
        histograms = history.histograms[self._histograms :]
        observations = history.observations[self._observations :]
        self.skip(history)
        for sink in list(self._open):
            try:
                for block in blocks:
                    sink.write(block.steps, block.epochs, block.keys, block.values)
                if histograms:
                    sink.write_histograms(histograms)
                # A sink of the user's own need not have this method.
                if observations and hasattr(sink, "write_observations"):
                    sink.write_observations(observations)
            except Exception as error:
                self._open.remove(sink)
                _close_and_warn(sink, error)

    def skip(self, history: GradientHistory) -> None:
        """Count what the record holds as written."""
        self._rows = [len(block.steps) for block in history.blocks()]
        self._histograms = len(history.histograms)
        self._observations = len(history.observations)

    def send_findings(self, findings: Sequence[Finding]) -> None:
        """Pass the findings to the sinks that take findings, if they are new."""
        if list(findings) == self._findings:
            return
        self._findings = list(findings)
        for sink in list(self._open):
            write_findings = getattr(sink, "write_findings", None)
            try:
                if write_findings is not None:
                    write_findings(findings)
            except Exception as error:
                self._open.remove(sink)
                _close_and_warn(sink, error)

    def close(self) -> None:
        """Close the sinks that are still open."""
        while self._open:
            sink = self._open.pop()
            try:
                sink.close()
            except Exception as error:
                _warn(sink, error)


def _close_and_warn(sink: Sink, error: Exception) -> None:
    try:
        sink.close()
    except Exception as another:
        error.add_note(f"and closing it raised {another!r}")
    _warn(sink, error)


def _warn(sink: Sink, error: Exception) -> None:
    warnings.warn(
        f"GradientMonitor writes no more to {sink!r}, which raised {type(error).__name__}: "
        f"{error}. Training goes on and `monitor.history` holds the whole record; "
        "`monitor.history.save(path)` writes it somewhere else.",
        stacklevel=2,
    )
