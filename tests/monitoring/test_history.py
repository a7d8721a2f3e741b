"""GradientHistory: what goes in comes out, in memory and in files, non-finite values too."""

import csv
import json
import math

import numpy as np
import pytest

from keras_course_ext.monitoring import GradientHistory, Histogram, Key, LayerInfo

A, B = Key("a", "kernel", "grad_norm"), Key("b", "output", "grad_norm")
W = Key("a", "kernel", "weight_norm")


@pytest.fixture
def history():
    history = GradientHistory([LayerInfo("a"), LayerInfo("b", "ReLU", None, None, ())], True)
    history.append([0, 1], [0, 0], [A, B], [[0.1, math.nan], [1e-30, math.inf]])
    history.append([1], [0], [W], [[3.5]])
    history.append([2], [1], [A, B], [[0.3, -0.0]])
    return history


def same(a, b):
    """Whether two records are equal, NaN being equal to NaN."""
    assert a.layers == b.layers
    assert a.loss_scaled == b.loss_scaled
    assert a.keys == b.keys
    for key in a.keys:
        for x, y in zip(a.series(*key), b.series(*key), strict=True):
            np.testing.assert_array_equal(x, y)
    return True


def test_series_matrix_and_steps(history):
    steps, epochs, values = history.series("a", "kernel")
    assert steps.tolist() == [0, 1, 2]
    assert epochs.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(values, np.float32([0.1, 1e-30, 0.3]))
    steps, epochs, values = history.matrix([A, W])
    assert steps.tolist() == [1]
    assert epochs.tolist() == [0]
    assert values.shape == (2, 1)
    assert history.steps.tolist() == [0, 1, 2]
    assert len(history) == 7
    assert history.has("a", "kernel")
    assert not history.has("a", "bias")
    assert "steps 0 to 2" in repr(history)
    assert "no steps" in repr(GradientHistory())


def test_records_are_in_the_order_of_the_steps(history):
    records = history.to_records()
    assert [r["step"] for r in records] == [0, 0, 1, 1, 1, 2, 2]
    assert records[4] == {
        "step": 1,
        "epoch": 0,
        "layer": "a",
        "tensor": "kernel",
        "statistic": "weight_norm",
        "value": 3.5,
    }


def test_what_was_not_recorded_is_named(history):
    with pytest.raises(KeyError, match=r"was not recorded\. Recorded: .*'kernel', 'grad_norm'"):
        history.series("a", "bias")
    with pytest.raises(KeyError, match="nothing yet"):
        GradientHistory().series("a", "bias")


def test_shapes_that_do_not_fit(history):
    with pytest.raises(ValueError, match=r"\(1, 2\).*Received: values of shape \(1, 3\)"):
        history.append([3], [1], [A, B], [[1, 2, 3]])


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_json_keeps_everything_and_is_json(history, tmp_path, ending):
    path = tmp_path / f"history.{ending}"
    history.save(path)
    for text in [path.read_text()] if ending == "json" else path.read_text().splitlines():
        json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert same(GradientHistory.load(path), history)
    assert same(GradientHistory.from_dict(history.to_dict()), history)


def test_csv_keeps_every_value(history, tmp_path):
    path = tmp_path / "history.csv"
    history.save(path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [list(row) for row in rows[:1]] == [list(history.to_records()[0])]
    values = [float(row["value"]) for row in rows]
    np.testing.assert_array_equal(values, [r["value"] for r in history.to_records()])


def test_other_files_are_refused(history, tmp_path):
    with pytest.raises(
        ValueError, match=r"saved as .csv, .json or .jsonl. Received: .*history.txt"
    ):
        history.save(tmp_path / "history.txt")
    (tmp_path / "other.json").write_text('{"a": 1}')
    with pytest.raises(ValueError, match="is not a saved GradientHistory"):
        GradientHistory.load(tmp_path / "other.json")
    (tmp_path / "torn.json").write_text('{"format": ')
    with pytest.raises(ValueError, match="is not a saved GradientHistory"):
        GradientHistory.load(tmp_path / "torn.json")


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_histograms_come_back_from_json(tmp_path, ending):
    history = GradientHistory()
    edges, counts = np.array([-1.0, -0.5, 0.5, 1.0]), np.array([2, 0, 5])
    history.histograms = [Histogram(3, 1, "a", "kernel", "gradient", edges, counts)]
    history.save(tmp_path / f"history.{ending}")
    (found,) = GradientHistory.load(tmp_path / f"history.{ending}").histograms
    assert found[:5] == (3, 1, "a", "kernel", "gradient")
    np.testing.assert_array_equal(found.edges, edges)
    np.testing.assert_array_equal(found.counts, counts)
