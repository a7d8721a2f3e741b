"""The lines of code of remedies: each rule's first remedy has some, and they are Python."""

import ast

import pytest
from test_korean import RECORDS

from keras_course_ext.monitoring import Remedy, diagnose
from keras_course_ext.monitoring.page.remedy_code import code_of


@pytest.mark.parametrize("name", RECORDS)
def test_remedies_are_written_as_code(name):
    for finding in diagnose(RECORDS[name](), notes=True):
        for remedy in finding.remedies:
            lines = code_of(remedy)
            assert lines or not remedy.changes, remedy
            ast.parse("\n".join(lines))


def test_what_is_unknown_has_no_code():
    assert code_of(Remedy("Think.")) == []
    assert code_of(Remedy("Change it.", (("layers", [1]),))) == []
