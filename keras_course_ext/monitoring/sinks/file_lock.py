"""Locks of the operating system on files, which end with the process that holds them."""

import os
from types import ModuleType

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

LOCKS = fcntl is not None
"""Whether there are such locks; without them an open file cannot be replaced either."""


def locked(descriptor: int) -> bool:
    """Lock an open file for this process; return False if another process holds the lock.

    True where the operating system or the file system has no such locks.

    Args:
        descriptor: The file, as `os.open` returned it. The lock ends when it and all its
            duplicates are closed.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network file system without locks
        return True
    return True


def locked_file(path: str | os.PathLike, flags: int) -> int | None:
    """Open and lock a file; return its descriptor, or None if another process holds the lock.

    Args:
        path: The file.
        flags: As for `os.open`.

    Raises:
        OSError: If it cannot be opened.
    """
    descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)
    if locked(descriptor):
        return descriptor
    os.close(descriptor)
    return None
