"""The base of all sinks that append lines to a file."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Histogram, Key
from keras_course_ext.monitoring.sinks import open_files
from keras_course_ext.monitoring.sinks.file_lock import LOCKS


class FileSink:
    """Appends whole lines to a file.

    The file is opened for every block and closed again. So the operating system has everything
    that was written when `write` returns, and an exception in `fit` leaves no open file behind.

    Args:
        path: The file. A folder that does not exist is made. What is relative is relative to the
            working directory at the start of training.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = os.fspath(path)
        self._file = Path(self.path)
        self._prepared: int | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    def prepare(self) -> None:
        """Note that a training with this sink begins, whose other sinks are not open yet."""
        self._prepared = open_files.now()

    def open(self, first_step: int, history: GradientHistory) -> None:
        """Make the file, or remove from an existing one the lines from `first_step` on.

        Args:
            first_step: Number of the first step. At 0 the file begins anew.
            history: The `GradientHistory` that is written.

        Raises:
            OSError: If the file cannot be written.
            ValueError: If the file exists and is not a record of this kind, or another monitor of
                the same training writes to it, or another process.
        """
        prepared = open_files.now() if self._prepared is None else self._prepared
        try:
            # A link stays a link: the file that it leads to is the one to be replaced.
            self._file = Path(self.path).resolve()
            self._file.parent.mkdir(parents=True, exist_ok=True)
            if self._file.exists() and not self._file.is_file():
                what = "a folder" if self._file.is_dir() else "not an ordinary file"
                raise ValueError(
                    f"{self!r} cannot write: the path is {what}. Give the path of a file in it, "
                    f"such as '{Path(self.path, 'record').with_suffix(self._file.suffix)}'."
                )
            open_files.claim(self._file, self, prepared)
            try:
                self._replace(first_step, history)
            except BaseException:
                open_files.release(self._file, self)
                raise
        except OSError as error:
            raise OSError(
                error.errno,
                f"{self!r} cannot write: {error.strerror} ('{error.filename or self._file}'). Give "
                "a path that this process may write to, on a disk with space left",
            ) from error

    def write(
        self, steps: np.ndarray, epochs: np.ndarray, keys: Sequence[Key], values: np.ndarray
    ) -> None:
        """Append a block of rows; see `kce.monitoring.sinks.Sink`.

        Args:
            steps: Step of each row, ascending, an array of shape `(rows,)`.
            epochs: Epoch of each row, an array of shape `(rows,)`.
            keys: A `Key` for each column.
            values: float32 of shape `(rows, len(keys))`.
        """
        raise NotImplementedError

    def write_histograms(self, histograms: Sequence[Histogram]) -> None:
        """Append the histograms of some steps; see `kce.monitoring.sinks.Sink`.

        Args:
            histograms: A sequence of `Histogram`, at least one, in the order of the steps.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Let another sink write to the file, which is closed after every block."""
        open_files.release(self._file, self)

    def header(self, history: GradientHistory) -> bytes:
        """Return the first line of the file.

        Args:
            history: The `GradientHistory` that is written.

        Returns:
            The line, its end included.
        """
        raise NotImplementedError

    def beginning(self, history: GradientHistory) -> bytes:
        """Return what stands before the lines of a fit, behind those of earlier ones.

        Args:
            history: The `GradientHistory` that is written.

        Returns:
            Whole lines. Defaults to none.
        """
        del history
        return b""

    def is_header(self, line: bytes) -> bool:
        """Say whether a file that begins with this line is a record of this kind.

        Args:
            line: The first line of a file, its end included.

        Returns:
            True if it is.
        """
        raise NotImplementedError

    def step_of(self, line: bytes) -> int | None:
        """Return the step that a line belongs to.

        Args:
            line: A line of a file below the first, its end included.

        Returns:
            The number of the step, None if it belongs to none.

        Raises:
            ValueError: If the line is broken.
        """
        raise NotImplementedError

    def lines_of(self, file: Iterable[bytes]) -> Iterator[bytes]:
        """Return the lines of a file, as `step_of` takes them.

        Args:
            file: An iterable of bytes, what was read of it, split at the newlines.

        Returns:
            An iterator over lines, their ends included.
        """
        return iter(file)

    def append(self, text: str) -> None:
        """Append whole lines, all of them or none.

        Args:
            text: String of the lines, their ends included.
        """
        open_files.check(self._file, self)
        data = text.encode()
        with self._file.open("r+b", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            try:
                written = 0
                while written < len(data):
                    written += file.write(data[written:])
            except OSError:
                file.truncate(end)
                raise

    def _replace(self, first_step: int, history: GradientHistory) -> None:
        """Write the lines that are kept to a new file, and put it in the place of the old one."""
        new = self._file.with_name(self._file.name + ".part")
        lock: int | None = open_files.new_file(new, self)
        try:
            with os.fdopen(os.dup(lock), "wb") as file:
                file.write(self.header(history))
                if self._file.exists():
                    # Opened for writing: a file that is write-protected is not to be replaced.
                    with self._file.open("r+b") as old:
                        file.writelines(self._kept(old, first_step))
                    shutil.copymode(self._file, new)
                file.write(self.beginning(history))
            if not LOCKS:
                os.close(lock)
                lock = None
            os.replace(new, self._file)
        except BaseException:
            new.unlink(missing_ok=True)
            if lock is not None:
                os.close(lock)
            raise
        open_files.replaced(self._file, lock)

    def _kept(self, lines: Iterable[bytes], first_step: int) -> Iterator[bytes]:
        """Return the lines below the header that belong to steps before `first_step`."""
        lines = self.lines_of(lines)
        first = next(lines, None)
        if first is not None and not self.is_header(first):
            raise ValueError(
                f"{self!r} would overwrite a file that is no such record: it begins with "
                f"{first[:60]!r}. Give another path, or remove the file."
            )
        for number, line in enumerate(lines, 2):
            # A killed process may have left a last line unfinished.
            if not first_step or not line.endswith(b"\n"):
                return
            try:
                step = self.step_of(line)
            except ValueError as error:
                raise ValueError(
                    f"{self!r} cannot go on with the file: its line {number} is not one of a "
                    f"record, but {line[:60]!r}: {error}. Give another path, or remove the file."
                ) from error
            if step is None or step < first_step:
                yield line
