"""Files with garbage in them are refused with file, line and reason; hostile names survive."""

import csv
import json
import random

import numpy as np
import pytest
from test_history import same
from test_sinks import LAST, read, run, values

from keras_course_ext.monitoring import GradientHistory, Histogram, Key, LayerInfo
from keras_course_ext.monitoring.sinks import CSVSink, JSONLinesSink
from keras_course_ext.monitoring.sinks.fan_out import FanOut

# Stands for a text of JSON that no Python object gives.
RAW = {
    "RAW0": "[" * 100_000,
    "RAW1": "9" * 5_000,
    "RAW2": "1e999",
    "RAW3": "NaN",
    "RAW4": '{"a":' * 50_000,
    "RAW5": '"\\ud800"',
    "RAW6": "-0",
}
VALUES = [
    *(
        None,
        True,
        False,
        -1,
        0,
        1,
        7,
        2**63,
        10**40,
        -1e39,
        0.5,
        "",
        "x",
        "nan",
        "-inf",
        "Infinity",
    ),
    *([], [1], ["x"], [[]], [None], [["a", "b", "c"]], {}, {"x": 1}, {"step": 1}, *RAW),
]


def nodes(value, path=()):
    """Yield the path of every part of a document."""
    yield path
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in inner:
            yield from nodes(part, (*path, key))


def spoilt(document, rng):
    """Return the text of a document with one of its parts replaced, removed or doubled."""
    document = {"root": document}
    *way, last = rng.choice(list(nodes(document))[1:])
    parent = document
    for key in way:
        parent = parent[key]
    change = rng.choice(["replace", "replace", "remove", "add"])
    if change == "replace" or len(way) == 0:
        parent[last] = rng.choice(VALUES)
    elif change == "remove":
        del parent[last]
    elif isinstance(parent, list):
        parent.append(rng.choice(VALUES))
    else:
        parent[rng.choice(["format", "values", "keys", "x", "layers", "counts"])] = 1
    text = json.dumps(document["root"])
    for name, raw in RAW.items():
        text = text.replace(f'"{name}"', raw)
    return text.encode()


def spoilt_bytes(line, rng):
    """Return a line with some of its bytes replaced, removed or added."""
    at, length = rng.randrange(len(line)), rng.randrange(8)
    return line[:at] + rng.randbytes(rng.randrange(4)) + line[at + length :]


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "record.jsonl"
    run(path, 0, LAST)
    return path.read_bytes().splitlines(keepends=True)


def tried(function, *args):
    """Return what a function returns, and the ValueError that it raised; nothing else may be."""
    try:
        return function(*args), None
    except ValueError as error:
        return None, error


def loaded_or_refused(path):
    """Return the record of a file, or None if it is refused with its name and a reason."""
    history, error = tried(GradientHistory.load, path)
    if error is not None:
        assert str(error).startswith(f"'{path}' is not a saved GradientHistory (.json or .jsonl): ")
        return None
    copy = path.with_name(f"copy{path.suffix}")
    history.save(copy)
    assert same(GradientHistory.load(copy), history)
    return history


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(8))
def test_garbage_in_json_lines(lines, tmp_path, seed):
    rng, path = random.Random(seed), tmp_path / "record.jsonl"
    refused = 0
    for _ in range(60):
        number = rng.randrange(len(lines))
        whole = rng.random() < 0.7
        bad = spoilt(json.loads(lines[number]), rng) if whole else spoilt_bytes(lines[number], rng)
        path.write_bytes(
            b"".join([*lines[:number], bad.rstrip(b"\n") + b"\n", *lines[number + 1 :]])
        )
        if loaded_or_refused(path) is None:
            refused += 1
        # A sink goes on with what can be loaded, and leaves what can be loaded.
        _, error = tried(JSONLinesSink(path).open, 4, GradientHistory())
        if error is None:
            GradientHistory.load(path)
        else:
            assert str(path) in str(error)
    assert refused > 30


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(4))
def test_garbage_in_json(lines, tmp_path, seed):
    rng, path = random.Random(seed), tmp_path / "record.json"
    source = tmp_path / "source.jsonl"
    source.write_bytes(b"".join(lines))
    GradientHistory.load(source).save(path)
    document = path.read_text()
    refused = 0
    for _ in range(50):
        path.write_bytes(spoilt(json.loads(document), rng))
        refused += loaded_or_refused(path) is None
    assert refused > 20


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(2))
def test_garbage_in_csv(tmp_path, seed):
    rng, path = random.Random(seed), tmp_path / "record.csv"
    run(path, 0, LAST)
    lines = path.read_bytes().splitlines(keepends=True)
    for _ in range(100):
        number = rng.randrange(len(lines))
        bad = spoilt_bytes(lines[number], rng)
        path.write_bytes(b"".join([*lines[:number], bad, *lines[number + 1 :]]))
        _, error = tried(CSVSink(path).open, 4, GradientHistory())
        if error is not None:
            assert str(path) in str(error)
        else:
            with path.open(newline="") as file:
                for row in csv.DictReader(file):
                    assert len(row) == 6
                    assert int(row["step"]) < 4
                    float(row["value"])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"step": 9, "epoch": 0, "keys": 0, "values": [1]}', r"has 1 items instead of 2"),
        ('{"step": 9, "epoch": 0, "keys": 0, "values": [1e39, 1]}', "1e.39 is not a float32"),
        ('{"step": 9, "epoch": 0, "keys": 0, "values": ["1", 1]}', '"1" is not a float32'),
        ('{"step": 9, "epoch": 0, "keys": [], "values": [1]}', r"\[\] is not a whole number"),
        ('{"step": -1, "epoch": 0, "keys": 0, "values": [1, 1]}', "-1 is not a whole number"),
        ('{"step": 9, "keys": 0, "values": [1, 1]}', "lacks 'epoch'"),
        ('{"step": 9, "epoch": 0, "keys": 99, "values": [1]}', "keys 99, which is in no line"),
        ('{"keys": 5, "are": [["a", "b"]]}', "has 2 items instead of 3"),
        ('{"keys": 5, "are": [["a", "b", "c"], ["a", "b", "c"]]}', "'c'.* stands there twice"),
        ('{"layers": [{"name": "a", "colour": 1}]}', "unknown field 'colour'"),
        ('{"layers": [{"name": "a", "weights": ["w"], "roles": ["w"]}]}', '"w" is not a role, one'),
        ('{"layers": 5}', "5 is not a list"),
        ("7", "7 is not an object"),
        ("[" * 100_000, "nested too deep"),
        ('{"loss_scaled": 1, "format": "x"}', "1 is not true or false"),
    ],
)
def test_the_reason_is_said_with_file_and_line(lines, tmp_path, line, reason):
    path = tmp_path / "record.jsonl"
    path.write_bytes(b"".join([*lines[:7], line.encode() + b"\n", *lines[7:]]))
    with pytest.raises(ValueError, match=rf"record.jsonl' is not .*: line 8 cannot.*{reason}"):
        GradientHistory.load(path)
    with pytest.raises(ValueError, match=r"record.jsonl'\) cannot go on .* line 8 is not one"):
        JSONLinesSink(path).open(3, GradientHistory())


def test_a_file_without_rows_keeps_its_layers(tmp_path):
    layers = (LayerInfo("a", weights=("w",), roles=("embedding",)), LayerInfo("b"))
    edges, counts = np.array([-0.5, -0.25, 0.25, 0.5]), np.array([1, 0, 5])
    only = GradientHistory(layers, loss_scaled=True)
    only.histograms = [Histogram(0, 0, "a", "w", "weight", edges, counts)]
    for history in (GradientHistory(layers), GradientHistory(layers, True), only):
        for ending in ("json", "jsonl"):
            path = tmp_path / f"record.{ending}"
            history.save(path)
            found = GradientHistory.load(path)
            assert (found.layers, found.loss_scaled) == (layers, history.loss_scaled)
            assert len(found.histograms) == len(history.histograms)


NAMES = [
    "a\nb",
    'q"u,o\r\nte',
    "[red]x[/red]",
    "[/]",
    "{0}",
    "<b>&amp;",
    "\u2028",
    "\x00\x1b[2J",
    "층 '1'",
]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_hostile_names_survive_in_files_that_are_continued(tmp_path, ending):
    layers = tuple(map(LayerInfo, NAMES))
    keys = [Key(name, "kernel", "grad_norm") for name in NAMES]
    history = GradientHistory(layers)
    kind = CSVSink if ending == "csv" else JSONLinesSink
    path = tmp_path / f"record.{ending}"
    for first in (0, 2, 4):
        sinks = FanOut([kind(path)])
        sinks.open(first, history)
        for step in (first, first + 1):
            history.append([step], [0], keys, np.float32([range(len(keys))]))
        sinks.send(history)
        sinks.close()
    assert read(path) == values(history.to_records())
    copy = tmp_path / f"copy.{ending}"
    history.save(copy)
    assert read(copy) == values(history.to_records())
    # Killed in the middle of a name, and continued.
    data = path.read_bytes()
    whole = [r for r in values(history.to_records()) if r[0] < 4]
    start = data.index(b"\n4,0,") + 1 if ending == "csv" else data.index(b'\n{"step": 4') + 1
    for length in range(start, len(data)):
        path.write_bytes(data[:length])
        kind(path).open(4, GradientHistory(layers))
        assert read(path) == whole
