"""The report of a monitor: printed, as text, or as a page."""

import io
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keras_course_ext.monitoring.diagnosis.report import print_report
from keras_course_ext.monitoring.page.page import write_page
from keras_course_ext.monitoring.record.history import GradientHistory

if TYPE_CHECKING:
    from rich.console import Console

_COLUMNS = 80


def monitor_report(
    history: GradientHistory,
    path: str | os.PathLike | None,
    language: str | None,
    console: "Console | None",
    configuration: Mapping[str, Any],
) -> None:
    """Print a report, or write it to a file as a page.

    Raises:
        ValueError: If `path` is not a path.
    """
    if path is None:
        print_report(history, console, language)
    elif isinstance(path, str | os.PathLike):
        shown = {name: str(value) for name, value in configuration.items() if value is not None}
        write_page(history, path, language, shown)
    else:
        raise ValueError(
            f"`path` of `report` must be the path of a page, such as 'report.html'. Received: "
            f"{path!r}. Write `report(console=...)` for a console."
        )


def report_text(history: GradientHistory) -> str:
    """Return what is printed to a terminal of 80 columns, without colours."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=_COLUMNS)
    print_report(history, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().rstrip()
