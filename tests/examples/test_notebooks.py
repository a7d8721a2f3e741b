"""The notebooks are the scripts, and run from an empty folder."""

import re
import runpy
import sys

import nbformat
import pytest
from drawn import EXAMPLES, assert_drawn
from nbclient import NotebookClient

maker = runpy.run_path(str(EXAMPLES / "make_notebooks.py"))
SCRIPTS = maker["scripts"]()
# What only a process of its own shows.
SAYS = {"01_dataflow_and_eager": "/device:CPU:1: z = [ 2.7  1.9 -2.9]"}

each_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


def test_there_is_a_notebook_of_each_script_and_no_other():
    names = {path.stem for path in (EXAMPLES / "notebooks").glob("*.ipynb")}
    assert names == {script.stem for script in SCRIPTS}


@each_script
def test_it_is_what_the_script_says(script):
    path = EXAMPLES / "notebooks" / f"{script.stem}.ipynb"
    assert path.read_text("utf-8") == maker["notebook"](script), (
        "out of date: run `python examples/make_notebooks.py`"
    )


@pytest.mark.thin("05_sigmoid_derivative")
@each_script
def test_it_runs_and_shows_its_picture(script, monkeypatch, tmp_path):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # of the test run; a notebook draws inline
    document = nbformat.reads(maker["notebook"](script), as_version=4)
    NotebookClient(document, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in document.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    printed = "".join(output.get("text", "") for output in outputs)
    assert SAYS.get(script.stem, "") in printed
    assert_drawn(script, tmp_path / "out")


@pytest.mark.parametrize(("tensorflow", "extras"), [(None, "cpu,examples"), ("here", "examples")])
def test_it_installs_the_package_where_it_is_missing(tensorflow, extras, monkeypatch):
    here = {"tensorflow": tensorflow}
    commands = []
    monkeypatch.setattr("importlib.util.find_spec", here.get)
    monkeypatch.setattr("subprocess.run", lambda command, check: commands.append((command, check)))
    empty = re.sub('(?m)^REPOSITORY = ".*?"', 'REPOSITORY = ""', maker["INSTALL"])
    with pytest.raises(AssertionError, match="git clone"):
        exec(empty, {})
    exec(empty.replace('""', '"https://example.org/course.git"', 1), {})
    package = f"keras-course-ext[{extras}] @ git+https://example.org/course.git"
    assert commands == [([sys.executable, "-m", "pip", "install", "--quiet", package], True)]


def test_it_installs_nothing_where_the_package_is(monkeypatch):
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("installed"))
    exec(maker["INSTALL"], {})
