"""Sinks: a file that is continued, torn, full, foreign or not there, against the whole record."""

import contextlib
import csv
import json
import math
import os
import re
import warnings

import numpy as np
import pytest
from test_history import A, B, W, same

from keras_course_ext.callbacks.resume import checked_resume, earlier
from keras_course_ext.monitoring import GradientHistory, Histogram, LayerInfo
from keras_course_ext.monitoring.sinks import CSVSink, JSONLinesSink
from keras_course_ext.monitoring.sinks.fan_out import FanOut
from keras_course_ext.monitoring.sinks.resolve import checked_sinks, sinks_of

LAST = 6
LAYERS = (LayerInfo("a"), LayerInfo("b, 'ü'", "ReLU", None, None, ()))
KINDS = pytest.mark.parametrize("kind", [CSVSink, JSONLinesSink])


def add(history, step):
    """Record a step as a fit of two steps an epoch would, with a histogram every third one."""
    # 101.008934 takes all nine digits to be the same float32 again.
    rows = [[0.1 * step or 101.008934, math.nan if step == 2 else -0.0]]
    history.append([step], [step // 2], [A, B], np.float32(rows) if step != 4 else [[math.inf, 7]])
    if step % 2:
        history.append([step], [step // 2], [W], [[3.5 + step]])
    if step % 3 == 0:
        edges, counts = np.array([-0.5, -0.25, 0.25, 0.5]), np.array([step, 0, 5])
        histogram = Histogram(step, step // 2, "a", "kernel", "gradient", edges, counts)
        history.histograms.append(histogram)


def run(path, first, end):
    """A run from step `first` to before step `end` that writes to `path`."""
    history, kind = GradientHistory(), CSVSink if path.suffix == ".csv" else JSONLinesSink
    sinks = FanOut([kind(path)])
    sinks.open(first, history)
    history.layers = LAYERS  # known when the first step has been traced
    for step in range(first, end):
        add(history, step)
        sinks.send(history)
    sinks.close()
    return history


def values(records):
    return [(*list(r.values())[:5], np.float32(r["value"]).tobytes()) for r in records]


def read(path):
    """The records in a file, each as a tuple, the value as its bits."""
    if path.suffix == ".jsonl":
        return values(GradientHistory.load(path).to_records())
    with path.open(newline="") as file:
        return values(
            {**r, "step": int(r["step"]), "epoch": int(r["epoch"])} for r in csv.DictReader(file)
        )


@pytest.fixture(params=[".csv", ".jsonl"])
def path(request, tmp_path):
    return tmp_path / f"a folder/that/is not there{request.param}"


def test_the_file_is_the_record(path):
    history = run(path, 0, LAST)
    assert read(path) == values(history.to_records())
    if path.suffix == ".jsonl":
        for line in path.read_text().splitlines():
            json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
        found = GradientHistory.load(path)
        assert same(found, history)
        for a, b in zip(found.histograms, history.histograms, strict=True):
            assert a[:5] == b[:5]
            np.testing.assert_array_equal(a.edges, b.edges)
            np.testing.assert_array_equal(a.counts, b.counts)


@pytest.mark.parametrize("first", range(LAST))
def test_a_resumed_run_leaves_the_file_of_an_uninterrupted_one(path, first):
    whole = run(path, 0, LAST).to_records()
    run(path, first, LAST)
    assert read(path) == values(whole)
    run(path, first, first)
    assert read(path) == values(r for r in whole if r["step"] < first)
    if path.suffix == ".jsonl":
        steps = [h.step for h in GradientHistory.load(path).histograms]
        assert steps == [step for step in (0, 3) if step < first]
    assert os.listdir(path.parent) == [path.name]


def test_a_file_cut_at_any_byte_holds_the_lines_before_and_can_be_continued(path):
    whole = values(run(path, 0, LAST).to_records())
    data = path.read_bytes()
    for length in range(data.index(b"\n") + 1, len(data)):
        if path.suffix == ".jsonl":
            path.write_bytes(data[:length])
            assert read(path) == whole[: number_of_values(data[:length])]
        if length % 17 == 0:
            path.write_bytes(data[: data.rindex(b"\n", 0, length) + 1])
            kept = read(path)
            path.write_bytes(data[:length])
            run(path, 3, LAST)
            assert read(path) == [r for r in kept if r[0] < 3] + [r for r in whole if r[0] >= 3]


def number_of_values(data):
    found = 0
    for line in data.split(b"\n"):
        with contextlib.suppress(ValueError):
            found += len(json.loads(line).get("values", ()))
    return found


def test_a_line_that_is_broken_elsewhere_is_named(path):
    run(path, 0, LAST)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:5], b"nonsense\n", *lines[5:]]))
    with pytest.raises(ValueError, match=r"cannot go on .* line 6 is not one"):
        run(path, 4, LAST)
    if path.suffix == ".jsonl":
        with pytest.raises(ValueError, match=r"is not a saved GradientHistory .*line 6 cannot"):
            GradientHistory.load(path)


@KINDS
def test_what_cannot_be_written_is_refused_and_left_as_it_is(kind, tmp_path):
    folder, taken, other = tmp_path / "folder.csv", tmp_path / "taken", tmp_path / "other.csv"
    folder.mkdir()
    taken.write_text("")
    other.write_text("thesis: chapter 1")
    cases = {
        folder: (ValueError, "the path is a folder. Give the path of a file in it"),
        taken / "record.csv": (OSError, r"cannot write: File exists \('.*taken'\). Give a path"),
        other: (ValueError, "would overwrite a file that is no such record: it begins with b'the"),
        "/dev/null": (ValueError, "not an ordinary file"),
    }
    before = sorted(tmp_path.rglob("*"))
    for path, (error, message) in cases.items():
        for first in (0, 3):
            with pytest.raises(error, match=message) as caught:
                kind(path).open(first, GradientHistory())
            assert str(path) in str(caught.value)
    assert other.read_text() == "thesis: chapter 1"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any file")
@KINDS
def test_a_write_protected_file_is_not_replaced(kind, tmp_path):
    path = tmp_path / "record"
    kind(path).open(0, GradientHistory())
    path.chmod(0o444)
    with pytest.raises(PermissionError, match=r"record.*Permission denied. Give a path"):
        kind(path).open(0, GradientHistory())


def test_a_link_stays_a_link_and_the_mode_of_the_file_stays(path):
    target = path.parent / f"target{path.suffix}"
    run(target, 0, 2)
    target.chmod(0o600)
    path.symlink_to(target)
    run(path, 2, LAST)
    assert path.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o600
    assert {record[0] for record in read(target)} == set(range(LAST))


class Fake:
    def __init__(self, *raising):
        self.raising, self.calls = raising, []

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def method(*args):
            self.calls.append(name)
            if name in self.raising:
                raise OSError(28, f"no space for {name}")

        return method


def test_a_sink_that_cannot_be_opened_closes_those_before_it():
    before, failing, after = Fake(), Fake("open"), Fake()
    with pytest.raises(OSError, match="no space for open"):
        FanOut([before, failing, after]).open(0, GradientHistory())
    assert (before.calls, failing.calls, after.calls) == (["open", "close"], ["open"], [])


def test_a_sink_that_fails_is_left_alone_after_one_warning_and_the_others_go_on():
    failing, well = Fake("write", "close"), Fake()
    history, sinks = GradientHistory(), FanOut([failing, well])
    sinks.open(0, history)
    with warnings.catch_warnings(record=True, action="always") as caught:
        for step in range(4):
            add(history, step)
            sinks.send(history)
        sinks.close()
    (warning,) = caught
    assert re.search("writes no more to .*Fake.* no space for write", str(warning.message))
    assert failing.calls == ["open", "write", "close"]
    assert well.calls.count("write") == 6  # one for each set of keys
    assert well.calls.count("write_histograms") == 2
    assert well.calls[-1] == "close"
    sinks = FanOut([Fake("close")])
    sinks.open(0, history)
    with pytest.warns(UserWarning, match="no space for close"):
        sinks.close()


@pytest.mark.parametrize(
    ("sinks", "message"),
    [
        ("x.csv", r"must be a list. Received: sinks='x.csv'. Write `sinks=\['x.csv'\]`"),
        (CSVSink("x.csv"), r"must be a list. Received: sinks=CSVSink\('x.csv'\)"),
        (
            ["x.txt"],
            r"must end in .csv or .jsonl, or be 'tensorboard', 'wandb' or 'mlflow'.* 'x.txt'. "
            r"Write .* 'x.jsonl'",
        ),
        ([3], "must be a path or an object with the methods .*Received: 3"),
        ([CSVSink], "must be a path or an object .*Received: <class"),
        (["x.csv", CSVSink("./x.csv")], "names the file '.*x.csv' more than once"),
    ],
)
def test_sinks_that_are_none(sinks, message):
    with pytest.raises(ValueError, match=message):
        checked_sinks(sinks)


def prepared(path, count=1):
    sinks = [JSONLinesSink(path) for _ in range(count)]
    sinks_of(sinks, Fake)
    return sinks


def test_two_sinks_of_one_training_do_not_share_a_file(tmp_path):
    path = tmp_path / "record.jsonl"
    history = run(path, 0, LAST)
    one, two = prepared(path, 2)
    one.open(LAST, history)
    (tmp_path / "link.jsonl").symlink_to(path)
    (link,) = [CSVSink(tmp_path / "link.jsonl")]
    link._prepared = two._prepared
    for other in (two, link):
        with pytest.raises(ValueError, match="another monitor of the same training writes to this"):
            other.open(0, history)
    assert read(path) == values(history.to_records())  # and it is left as it is
    one.close()
    two.open(0, history)
    two.close()


def test_a_training_that_raised_does_not_keep_its_file(tmp_path):
    path = tmp_path / "record.jsonl"
    (stale,) = prepared(path)
    stale.open(0, GradientHistory())
    (sink,) = prepared(path)
    sink.open(0, GradientHistory())
    # Were the first one of another thread, it would not write between the lines of the second.
    with pytest.raises(ValueError, match="another monitor has opened this file since"):
        stale.write([0], [0], [A], np.float32([[1]]))
    stale.close()
    sink.write([0], [0], [A], np.float32([[1]]))
    assert len(GradientHistory.load(path)) == 1
    # One that is gone does not count, nor one whose file was refused.
    del sink
    one, two = prepared(path, 2)
    path.write_text("thesis: chapter 1")
    with pytest.raises(ValueError, match="would overwrite"):
        one.open(0, GradientHistory())
    path.unlink()
    two.open(0, GradientHistory())


def test_what_can_be_resumed(tmp_path):
    path = tmp_path / "record.jsonl"
    history = run(path, 0, LAST)
    history.save(tmp_path / "record.json")
    for resume in (path, tmp_path / "record.json", history):
        first, found = earlier(checked_resume(resume), 3, ["a", "b"])
        assert first == 3
        expected = [r for r in history.to_records() if r["step"] < 3]
        assert values(found.to_records()) == values(expected)
        assert [h.step for h in found.histograms] == [0]
        assert found.layers == history.layers
        assert not len(earlier(checked_resume(resume), 0, ["a", "b"])[1])
        with pytest.raises(ValueError, match="has records of 'b', which the model does not have"):
            earlier(checked_resume(resume), 3, ["a", "c"])
    assert len(earlier(path, 3, [])[1]) == len(found)  # a model that is not built
    assert not len(earlier(None, 3, ["a"])[1])
    assert not len(earlier("not there.jsonl", 0, ["a"])[1])
    with pytest.raises(FileNotFoundError, match=r"'not there.jsonl', which does not exist, alth"):
        earlier("not there.jsonl", 3, ["a"])
    for resume in ("record.csv", True):
        with pytest.raises(ValueError, match=r"`resume` must be a path .*Received: resume="):
            checked_resume(resume)
