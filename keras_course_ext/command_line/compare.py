"""`keras-course-ext compare`: two runs side by side."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from keras_course_ext._language import checked_language
from keras_course_ext.command_line.documents import document_of, print_json
from keras_course_ext.monitoring.diagnosis.diagnose import diagnose
from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.diagnosis.report import gradient_table, tested
from keras_course_ext.monitoring.diagnosis.wording import paragraph
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.names import short_names

_WIDTH = 39


def compare(options: Namespace) -> bool:
    """Print two records side by side; return whether the second one has findings."""
    language = checked_language(options.language)
    paths = [options.record, options.other]
    histories = [GradientHistory.load(path) for path in paths]
    findings = [diagnose(history) for history in histories]
    if options.json:
        documents = map(document_of, paths, histories, findings, [language] * 2)
        kinds = [{finding.kind for finding in found} for found in findings]
        print_json(
            {
                "records": list(documents),
                "resolved": sorted(kinds[0] - kinds[1]),
                "new": sorted(kinds[1] - kinds[0]),
            }
        )
        return bool(findings[1])
    titles = _titles(paths)
    console = Console()
    grid = Table.grid(padding=(0, 2))
    grid.add_row(
        *(
            gradient_table(history, title, language=language)
            for history, title in zip(histories, titles, strict=True)
        )
    )
    console.print(grid)
    for title, history, found in zip(titles, histories, findings, strict=True):
        console.print(Text(f"\n{title}", style="bold"))
        console.print(_text(history, found, language))
    return bool(findings[1])


def _titles(paths: Sequence[str]) -> list[str]:
    """Return the names of the files, with those of their folders if they are equal."""
    names = [Path(path).name for path in paths]
    if names[0] == names[1]:
        names = [str(path) for path in paths]
    if names[0] == names[1]:
        names = [f"{name} ({i})" for i, name in enumerate(names, 1)]
    return list(short_names(names, _WIDTH).values())


def _text(history: GradientHistory, found: Sequence[Finding], language: str) -> Text:
    if not found:
        return Text(tested(history, language))
    return Text("\n\n".join(paragraph(f, language) for f in found), style="red")
