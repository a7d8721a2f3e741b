"""The migration page: every new call works, an old one that is accepted makes the same."""

import ast
import re
import warnings
from pathlib import Path
from typing import Any

import keras
import pytest

import keras_course_ext as kce

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {name: (DOCS / name).read_text("utf-8") for name in ("migrating.md", "migrating.ko.md")}
ROW = re.compile(r"^\| `(.+?)` \| `(.+?)` \| (.+) \|$", re.M)
ROWS = ROW.findall(PAGES["migrating.md"])
ACCEPTED = [row for row in ROWS if row[2].startswith("Accepted")]


def ids(rows: list[tuple[str, str, str]]) -> list[str]:
    return [old for old, _, _ in rows]


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    found: dict[str, Any] = {"__name__": "migrating"}
    exec(re.findall(r"^```python\n(.*?)^```$", PAGES["migrating.md"], re.S | re.M)[0], found)
    return found


@pytest.mark.parametrize(("old", "new", "change"), ROWS, ids=ids(ROWS))
def test_the_new_call_works(old, new, change, names):
    assert isinstance(ast.parse(old, mode="eval").body, ast.Call)
    with warnings.catch_warnings(action="error"):
        made = eval(new, names)
    kinds = (
        keras.optimizers.Optimizer,
        keras.optimizers.schedules.LearningRateSchedule,
        keras.callbacks.Callback,
        keras.Model,
    )
    assert isinstance(made, kinds)
    if isinstance(made, keras.optimizers.Optimizer):
        assert type(made).__module__.startswith("keras_course_ext")


@pytest.mark.parametrize(("old", "new", "change"), ACCEPTED, ids=ids(ACCEPTED))
def test_an_old_call_that_is_accepted_is_the_new_one(old, new, change, names):
    expected = eval(new, names)
    with pytest.warns(DeprecationWarning, match="spelling of Keras 2"):
        made = eval(old.replace("keras.optimizers.", "kce.optimizers."), names)
    assert made.rule.func is expected.rule.func
    assert made.rule.keywords == expected.rule.keywords
    for step in (0, 1, 100):
        assert made.learning_rate_at(step) == pytest.approx(expected.learning_rate_at(step))


def test_the_schedule_is_that_of_rectified_adam(names):
    schedule = names["WarmupThenLinear"](0.001, 1000, 9000, 1e-5)
    for step, rate in ((0, 0.0), (500, 5e-4), (1000, 1e-3), (5500, 5.05e-4), (20000, 1e-5)):
        assert float(schedule(step)) == pytest.approx(rate, rel=1e-5)


def test_both_languages_have_the_same_rows():
    calls = [[row[:2] for row in ROW.findall(page)] for page in PAGES.values()]
    assert calls[0] == calls[1]
    assert len(ROWS) == sum(len(re.findall(r"^\| `", page, re.M)) for page in PAGES.values()) / 2
    assert len(ACCEPTED) >= 4


def test_names_of_tensorflow_addons_are_found_with_their_arguments():
    with pytest.warns(DeprecationWarning, match=r"is `kce\.optimizers\.Adam\(lazy=True\)`"):
        lazy: Any = kce.optimizers.get({"class_name": "lazy_adam", "config": {"beta_1": 0.8}})
    assert (type(lazy), lazy.lazy, lazy.beta_1) == (kce.optimizers.Adam, True, 0.8)
