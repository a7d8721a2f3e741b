"""Findings in Korean: no English sentence is left, whatever rule has found them."""

import re

import pytest
from task_records import output_of, record
from test_task_rules import CELLS, CONTRADICTIONS, DEGREES, MOVES, moved
from test_unit_rules import CASES
from test_unit_rules import history_of as units

from keras_course_ext.monitoring import diagnose
from keras_course_ext.monitoring.diagnosis.wording import paragraph, translated


def cells(progress):
    return record(output_of(*CELLS), progress=progress)


RECORDS = {
    **{n: lambda c=c: record(output_of(*c[0]), losses=[1.0]) for n, c in CONTRADICTIONS.items()},
    **{n: lambda c=c: record(output_of(*c[0]), **c[1]) for n, c in DEGREES.items()},
    **{
        n: lambda c=c: moved(record(output_of(*CELLS), progress=c[0]), c[1])
        for n, c in MOVES.items()
    },
    **{n: lambda c=c: units(*c[0]) for n, c in CASES.items() if len(c[0]) == 3},
}
# Names in quotes, code, and the names that the field writes in Latin letters everywhere.
NOT_A_SENTENCE = r"(?:sparse )?(?:binary|categorical|mean)[a-z ]* (?:crossentropy|error)|"
NOT_A_SENTENCE += r"'[^']*'|\"[^\"]*\"|\S*[=(.]\S*|‖[^‖]*‖|ReLU|He|Keras|NaN"


def english(text):
    """Runs of three words in Latin letters, outside of names and code."""
    return re.findall(r"[a-z]+ [a-z]+ [a-z]+", re.sub(NOT_A_SENTENCE, "*", text))


@pytest.mark.parametrize("name", RECORDS)
def test_every_finding_is_in_korean(name):
    for finding in diagnose(RECORDS[name](), notes=True):
        shown = paragraph(finding, "ko")
        texts = [shown, *(translated("ko", remedy.text) for remedy in finding.remedies)]
        for text in texts:
            assert not english(text), text
            assert re.search("[가-힣]{2}", text), text
