"""How a record and a finding display themselves, set by the page, which is above them."""

import os
from collections.abc import Callable
from typing import Any

_summary: Callable[[Any], str | None] | None = None
_write: Callable[[Any, str | os.PathLike, str | None], None] | None = None


def show_with(
    summary: Callable[[Any], str | None],
    write: Callable[[Any, str | os.PathLike, str | None], None],
) -> None:
    """Set what displays records and findings.

    Args:
        summary: Returns the HTML of a record or a finding for a notebook, or None.
        write: Writes the page of a record to a file, in a language.
    """
    global _summary, _write
    _summary, _write = summary, write


def summary(shown: Any) -> str | None:
    """Return the HTML of a record or a finding for a notebook; None for its text."""
    return None if _summary is None else _summary(shown)


def write(history: Any, path: str | os.PathLike, language: str | None) -> None:
    """Write the page of a record."""
    assert _write is not None, "keras_course_ext.monitoring sets it"
    _write(history, path, language)
