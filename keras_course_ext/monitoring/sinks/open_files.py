"""Which sink of which process writes to which file: two at once would mix their lines."""

import itertools
import os
import weakref
from pathlib import Path
from typing import Any, NamedTuple

from keras_course_ext.monitoring.sinks.file_lock import LOCKS, locked_file

_numbers = itertools.count(1)


class _Owner(NamedTuple):
    """The sink that opened a file last and has not closed it, when, and the lock on the file.

    An exception in `fit` leaves a sink unclosed, and a traceback can keep it alive: so a sink that
    is still here may be of a training that has ended.
    """

    sink: weakref.ref[Any]
    opened: int
    lock: int | None = None


_open: dict[Path, _Owner] = {}


def now() -> int:
    """Return a number that is larger than all before it."""
    return next(_numbers)


def claim(path: Path, sink: Any, prepared: int) -> None:
    """Make a sink the one that writes to a file.

    The callbacks of one `fit` all prepare their sinks before the first of them opens one. A sink
    that opened the file before this one was prepared is thus one of another `fit`: of an ended one,
    or of one in another thread, whose next `check` fails.

    Args:
        path: The file, resolved.
        sink: The sink.
        prepared: What `now` returned when the training of the sink began.

    Raises:
        OSError: If the file exists and cannot be read and written.
        ValueError: If another sink of the same training writes to the file, or another process.
    """
    owner, opened = _sink_of(path), _open[path].opened if path in _open else 0
    if owner is not None and owner is not sink and opened > prepared:
        raise ValueError(
            f"{sink!r} cannot write: another monitor of the same training writes to this file, "
            "and every value would stand in it twice. Use one monitor, or give each a file of its "
            "own."
        )
    _forget(path)
    lock = None
    if LOCKS and path.exists():
        lock = locked_file(path, os.O_RDWR)
        if lock is None:
            raise _in_use(sink)
    _open[path] = _Owner(weakref.ref(sink, lambda ref: _forget(path, ref)), now(), lock)


def new_file(path: Path, sink: Any) -> int:
    """Open and lock the file that is to take the place of another one; return its descriptor.

    Raises:
        OSError: If it cannot be written.
        ValueError: If another process is writing it.
    """
    # Not truncated before it is locked: another process may be writing it.
    lock = locked_file(path, os.O_RDWR | os.O_CREAT)
    if lock is None:
        raise _in_use(sink)
    os.truncate(lock, 0)
    return lock


def replaced(path: Path, lock: int | None) -> None:
    """Keep the lock on the file that has taken the place of the claimed one, until it is released.

    Args:
        path: The file that was claimed.
        lock: What `new_file` returned; None if it was closed.
    """
    owner = _open[path]
    _open[path] = owner._replace(lock=lock)
    if owner.lock is not None:
        os.close(owner.lock)


def check(path: Path, sink: Any) -> None:
    """Refuse to write if another sink has opened the file since.

    Raises:
        ValueError: If it has.
    """
    owner = _sink_of(path)
    if owner is not None and owner is not sink:
        raise ValueError(
            "another monitor has opened this file since. Give each monitor a file of its own"
        )


def release(path: Path, sink: Any) -> None:
    """Forget that a sink writes to a file."""
    if _sink_of(path) is sink:
        _forget(path)


def _sink_of(path: Path) -> Any:
    return _open[path].sink() if path in _open else None


def _forget(path: Path, ref: Any = None) -> None:
    """Drop an entry, if it is that of a given sink, and unlock the file."""
    if path in _open and (ref is None or _open[path].sink is ref):
        lock = _open.pop(path).lock
        if lock is not None:
            os.close(lock)


def _in_use(sink: Any) -> ValueError:
    return ValueError(
        f"{sink!r} cannot write: another process writes to this file, and the lines of both would "
        "be mixed. Give each process a file of its own, for example with `os.getpid()` in its "
        "name, or end the other process."
    )
