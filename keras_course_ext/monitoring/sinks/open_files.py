"""Which sink of this process writes to which file: two at once would mix their lines."""

import itertools
import weakref
from pathlib import Path
from typing import Any

_numbers = itertools.count(1)
# The sink that opened a file last and has not closed it, and when. An exception in `fit` leaves a
# sink unclosed, and a traceback can keep it alive: so a sink that is still here may be of a
# training that has ended.
_open: dict[Path, tuple[weakref.ref[Any], int]] = {}


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
        ValueError: If another sink of the same training writes to the file.
    """
    other, opened = _open.get(path, (None, 0))
    owner = other() if other else None
    if owner is not None and owner is not sink and opened > prepared:
        raise ValueError(
            f"{sink!r} cannot write: another monitor of the same training writes to this file, "
            "and every value would stand in it twice. Use one monitor, or give each a file of its "
            "own."
        )
    _open[path] = weakref.ref(sink), now()


def check(path: Path, sink: Any) -> None:
    """Refuse to write if another sink has opened the file since.

    Raises:
        ValueError: If it has.
    """
    other, _ = _open.get(path, (None, 0))
    owner = other() if other else None
    if owner is not None and owner is not sink:
        raise ValueError(
            "another monitor has opened this file since. Give each monitor a file of its own"
        )


def release(path: Path, sink: Any) -> None:
    """Forget that a sink writes to a file."""
    other, _ = _open.get(path, (None, 0))
    if other and other() is sink:
        del _open[path]
