"""The numbered examples: their form, and some of them run as a student runs them.

All of them run in test_notebooks.py, where each is the same text and draws the same pictures.
"""

import re
import runpy

import matplotlib.pyplot as plt
import pytest
import tensorflow as tf
from drawn import EXAMPLES, assert_drawn, index_row

SCRIPTS = sorted(EXAMPLES.glob("[0-9][0-9]_*.py"))
AS_SCRIPTS = ["02_perceptron", "05_sigmoid_derivative", "09_advanced_descents"]
FIELDS = ["Title", "제목", "Deck chapter", "You will see", "Description"]

each_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


@pytest.mark.thin("02_perceptron", "05_sigmoid_derivative")
@pytest.mark.parametrize("name", AS_SCRIPTS)
def test_it_runs_and_draws(name, monkeypatch, tmp_path):
    script, start, out = EXAMPLES / f"{name}.py", tmp_path / "start", tmp_path / "out" / "pictures"
    tf.config.list_logical_devices()  # TensorFlow starts: no example sets it up for the others
    start.mkdir()
    monkeypatch.chdir(start)
    monkeypatch.setattr("sys.argv", [str(script), "--out", str(out)])
    with plt.rc_context():
        runpy.run_path(str(script), run_name="__main__")
    plt.close("all")
    assert list(start.iterdir()) == []
    assert_drawn(script, out)


@each_script
def test_out_is_understood_where_it_is_a_script(script, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [str(script), "--help"])
    with plt.rc_context(), pytest.raises(SystemExit) as end:
        runpy.run_path(str(script), run_name="__main__")
    assert end.value.code == 0
    assert "--out OUT" in capsys.readouterr().out


@each_script
def test_it_is_short_and_begins_with_a_guide_header(script):
    text = script.read_text("utf-8")
    assert len(text.splitlines()) <= 150
    cells = re.split(r"^# %%", text, flags=re.M)
    assert cells[0] == ""
    header = cells[1]
    assert header.startswith(" [markdown]\n# # ")
    assert re.findall(r"^# - ([^:]+): \S", header, re.M) == FIELDS
    assert re.search(r"^# - 제목: .*[가-힣]", header, re.M)
    assert re.search(r"^# - Deck chapter: [1-5], ", header, re.M)


@each_script
def test_the_index_leads_to_it(script):
    chapter, links, korean, picture = index_row(script)
    for target in re.findall(r"\]\(([^)]+)\)", links):
        assert (EXAMPLES / target).exists(), target
    assert re.match("[1-5], ", chapter)
    assert re.search("[가-힣]", korean)
    assert picture
