"""docs/architecture.md: the files that a gradient passes on its way to a finding."""

import importlib
import re
import sys
from pathlib import Path

import keras
import numpy as np

import keras_course_ext as kce

PACKAGE = Path(kce.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
# | number | `file` | `function` | what happens |
STATION = re.compile(r"^\| (\d+) \| `([\w/]+\.py)` \| `([\w.]+)` \| .* \|$", re.M)


def stations():
    """The table of the page: (file, name of the function in it)."""
    found = STATION.findall(PAGE.read_text("utf-8"))
    assert [int(number) for number, _, _ in found] == list(range(1, len(found) + 1))
    return [(file, function) for _, file, function in found]


def test_a_gradient_passes_at_most_nine_files_each_once():
    files = [file for file, _ in stations()]
    assert 0 < len(files) == len(set(files)) <= 9


def called_in(run):
    """Call a function; return what of the package it called, in the order of the first calls."""
    found = {}

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            file = Path(frame.f_code.co_filename).relative_to(PACKAGE).as_posix()
            found.setdefault((file, frame.f_code.co_qualname), None)

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return list(found)


def test_each_function_exists_and_is_called_in_this_order():
    sigmoids = [keras.layers.Dense(4, activation="sigmoid", name=f"h{i}") for i in range(8)]
    model = keras.Sequential([keras.Input((3,)), *sigmoids, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    monitor = kce.callbacks.GradientMonitor(update_freq=1)

    def run():
        model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0, callbacks=[monitor])
        assert [finding.kind for finding in monitor.findings] == ["vanishing"]

    order = called_in(run)
    places = []
    for file, function in stations():
        thing = importlib.import_module(f"keras_course_ext.{file[:-3].replace('/', '.')}")
        for name in function.split("."):
            thing = getattr(thing, name)
        # Of a class its constructor.
        name = f"{function}.__init__" if isinstance(thing, type) else function
        if not isinstance(thing, type):
            places.append(order.index((file, name)))
    assert places == sorted(places)


def test_every_file_that_the_page_names_is_there():
    named = set(re.findall(r"`((?:\w+/)+\w+\.py)`", PAGE.read_text("utf-8")))
    roots = [PACKAGE, PACKAGE.parent, PACKAGE / "monitoring", PACKAGE / "optimizers"]
    for name in named:
        assert any((root / name).exists() for root in roots), name
