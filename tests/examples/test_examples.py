"""The numbered examples run as a student runs them, from a folder of their own."""

import re
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageSequence

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("[0-9][0-9]_*.py"))
FIELDS = ["Title", "제목", "Deck chapter", "You will see", "Description"]

each_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a script from an empty folder; return what it wrote under `--out`."""

    def run(script):
        tf.config.list_logical_devices()  # TensorFlow starts: no example sets it up for the others
        start, out = tmp_path / "start", tmp_path / "out" / "pictures"
        start.mkdir()
        monkeypatch.chdir(start)
        monkeypatch.setattr("sys.argv", [str(script), "--out", str(out)])
        runpy.run_path(str(script), run_name="__main__")
        assert list(start.iterdir()) == []
        return sorted(out.iterdir())

    with plt.rc_context():
        yield run
    plt.close("all")


def frames(path):
    with Image.open(path) as picture:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(picture)]


def inked(picture):
    """The share of pixels that differ from the commonest colour."""
    _, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    return 1 - counts.max() / counts.sum()


def index_row(script):
    """The cells of a script's row in the index: chapter, links, what it is in Korean, pictures."""
    text = (EXAMPLES / "README.md").read_text("utf-8")
    row = re.search(rf"^\| (.*\({script.name}\).*) \|$", text, re.M)
    assert row, f"{script.name} has no row in examples/README.md"
    return row[1].split(" | ")


@each_script
def test_it_runs_and_draws(script, run):
    pictures = [path for path in run(script) if path.suffix in {".png", ".gif"}]
    assert [path.name for path in pictures] == sorted(re.findall("`(.*?)`", index_row(script)[3]))
    for path in pictures:
        assert path.name.startswith(script.stem[:3]), path.name
        images = frames(path)
        assert min(images[0].shape[:2]) >= 200, path.name
        assert inked(images[0]) > 0.02, path.name
        if path.suffix == ".gif":
            assert len(images) > 1, path.name
            assert (images[0] != images[-1]).any(), path.name


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
def test_out_is_understood_in_a_script_and_left_alone_in_a_notebook(script):
    text = script.read_text("utf-8")
    assert 'parse_args([] if "get_ipython" in globals() else None)' in text


@each_script
def test_the_index_leads_to_it(script):
    chapter, links, korean, picture = index_row(script)
    for target in re.findall(r"\]\(([^)]+)\)", links):
        assert (EXAMPLES / target).exists(), target
    assert re.match("[1-5], ", chapter)
    assert re.search("[가-힣]", korean)
    assert picture
