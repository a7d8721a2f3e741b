"""Records with any names and values, and files of records with any damage."""

import csv
import io
import json

import pytest
from cases import NAMES, cases, histories, refusal, spoilt, spoilt_bytes
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from keras_course_ext.monitoring import GradientHistory, Key, LayerInfo, diagnose
from keras_course_ext.monitoring.diagnosis.report import print_report
from keras_course_ext.monitoring.sinks import CSVSink, JSONLinesSink


def same(a, b):
    """Whether two records are the same to the bit, NaN included."""
    return json.dumps(a.to_dict()) == json.dumps(b.to_dict())


def record():
    history = GradientHistory([LayerInfo("dense"), LayerInfo("a,b\n")])
    keys = [Key("dense", "kernel", "grad_norm"), Key("a,b\n", "bias", "mean")]
    history.append([0, 1, 3], [0, 0, 1], keys, [[1, 2], [3, float("nan")], [5, 1e-30]])
    return history


DOCUMENT = json.loads(json.dumps(record().to_dict()))
with io.StringIO(newline="") as text:
    RECORDS = record().to_records()
    writer = csv.DictWriter(text, list(RECORDS[0]))
    writer.writeheader()
    writer.writerows(RECORDS)
    CSV = text.getvalue().encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("records")


@cases(40)
@given(histories())
def test_a_record_survives_its_files(folder, history):
    for name in ("r.json", "r.jsonl"):
        history.save(folder / name)
        assert same(GradientHistory.load(folder / name), history)
    history.save(folder / "r.csv")
    with (folder / "r.csv").open(newline="", encoding="utf-8") as file:
        rows = [(r["layer"], r["tensor"], r["statistic"]) for r in csv.DictReader(file)]
    assert rows == [(r["layer"], r["tensor"], r["statistic"]) for r in history.to_records()]


@cases(40)
@given(histories(), NAMES)
def test_a_record_is_diagnosed_reported_merged_and_selected(history, part):
    output = io.StringIO()
    print_report(history, Console(file=output, width=100))
    assert "\x1b" not in output.getvalue()
    assert all(finding.kind for finding in diagnose(history))
    if part and "/" not in part:
        merged = GradientHistory.merge({"other": record(), part: history})
        assert part == "other" or same(merged.part(part), history)
    for name in {key.layer for key in history.keys}:
        assert {key.layer for key in history.select(layers=name).keys} == {name}


@cases(60)
@given(spoilt(DOCUMENT))
def test_a_damaged_json_is_read_or_refused(document):
    if refusal(lambda: GradientHistory.from_dict(document)) is not None:
        return
    history = GradientHistory.from_dict(document)
    assert same(GradientHistory.from_dict(history.to_dict()), history)
    diagnose(history)


@cases(60)
@given(st.data())
def test_a_damaged_file_of_lines_is_read_or_refused(folder, data):
    record().save(folder / "lines.jsonl")
    path = folder / "damaged.jsonl"
    path.write_bytes(data.draw(spoilt_bytes((folder / "lines.jsonl").read_bytes())))
    message = refusal(lambda: GradientHistory.load(path))
    if message is None:
        diagnose(GradientHistory.load(path))
    else:
        assert "damaged.jsonl" in message


@cases(60)
@given(st.data(), st.integers(0, 4))
def test_a_sink_goes_on_with_a_damaged_file_or_leaves_it(folder, data, first):
    kind, ending, whole = data.draw(
        st.sampled_from([(CSVSink, "csv", CSV), (JSONLinesSink, "jsonl", None)])
    )
    if whole is None:
        record().save(folder / "lines.jsonl")
        whole = (folder / "lines.jsonl").read_bytes()
    path = folder / f"sink.{ending}"
    damaged = data.draw(spoilt_bytes(whole))
    path.write_bytes(damaged)
    sink = kind(path)
    message = refusal(lambda: sink.open(first, record().before(first)))
    sink.close()
    if message is not None:
        assert "Give another path" in message
        assert path.read_bytes() == damaged
        return
    text = path.read_bytes()
    assert text.endswith(b"\n")
    assert [p.name for p in folder.glob("*.part")] == []
    if ending == "jsonl":
        assert all(step < first for step in GradientHistory.load(path).steps)
