"""A part of a record, and a record as a DataFrame, against what `to_records` says."""

import sys

import numpy as np
import pytest

from keras_course_ext.monitoring import GradientHistory, Histogram, Key, LayerInfo

KEYS = [
    Key(layer, tensor, statistic)
    for layer in ("a", "b")
    for tensor in ("kernel", "output")
    for statistic in ("grad_norm", "zero_share")
]


@pytest.fixture
def history():
    history = GradientHistory([LayerInfo("a"), LayerInfo("b", "ReLU")], loss_scaled=True)
    values = np.arange(48.0).reshape(6, 8)
    values[2, 3] = np.nan
    history.append([0, 1, 4, 8], [0, 0, 0, 1], KEYS, values[:4])
    history.append([8], [1], [Key("", "model", "grad_noise")], [[0.5]])
    history.append([12, 16], [1, 2], KEYS, values[4:])
    edges, counts = np.array([-1.0, 0, 1]), np.array([2, 3])
    history.histograms = [
        Histogram(step, 0, layer, "kernel", "weight", edges, counts)
        for step in (0, 8)
        for layer in ("a", "b")
    ]
    return history


SELECTIONS = {
    "nothing asked": ({}, lambda r: True),
    "one layer": ({"layers": "b"}, lambda r: r["layer"] == "b"),
    "the model": ({"layers": ["", "a"]}, lambda r: r["layer"] in ("", "a")),
    "tensor": ({"tensors": ["output"]}, lambda r: r["tensor"] == "output"),
    "statistic": ({"statistics": "grad_noise"}, lambda r: r["statistic"] == "grad_noise"),
    "slice": ({"steps": slice(1, 12)}, lambda r: 1 <= r["step"] < 12),
    "open slice": ({"steps": slice(4, None)}, lambda r: r["step"] >= 4),
    "slice with a stride": ({"steps": slice(None, None, 4)}, lambda r: r["step"] % 4 == 0),
    "range": ({"steps": range(3, 9)}, lambda r: 3 <= r["step"] <= 8),
    "sequence": ({"steps": [16, 1]}, lambda r: r["step"] in (1, 16)),
    "nothing there": ({"steps": slice(5, 8)}, lambda r: False),
    "all at once": (
        {"layers": ["a"], "tensors": "kernel", "statistics": ["zero_share"], "steps": slice(5)},
        lambda r: (r["layer"], r["tensor"], r["statistic"]) == KEYS[1] and r["step"] < 5,
    ),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_a_selection_is_what_a_filter_of_all_records_leaves(history, name):
    arguments, wanted = SELECTIONS[name]
    part = history.select(**arguments)
    expected = [r for r in history.to_records() if wanted(r)]
    np.testing.assert_equal(part.to_records(), expected)
    assert part.loss_scaled
    assert {x.name for x in part.layers} >= {r["layer"] for r in expected} - {""}


def test_histograms_are_selected_too(history):
    assert len(history.select(statistics="grad_norm").histograms) == 0
    assert len(history.select(statistics="histogram").histograms) == 4
    assert not len(history.select(statistics="histogram"))
    (found,) = history.select(layers="b", steps=slice(4, 9)).histograms
    assert found[:3] == (8, 0, "b")


def test_a_selection_is_a_record_of_its_own(history):
    before = len(history)
    part = history.select(layers="a")
    part.append([99], [9], KEYS[:1], [[1.0]])
    assert len(history) == before
    assert [x.name for x in part.layers] == ["a"]
    np.testing.assert_equal(
        GradientHistory.from_dict(part.to_dict()).to_records(), part.to_records()
    )


BAD = {
    "layer": ({"layers": ["a", "bb"]}, "No layer 'bb' was recorded. Did you mean 'b'"),
    "tensor": ({"tensors": "kernl"}, "Did you mean 'kernel'.*'kernel', 'output', 'model'"),
    "statistic": ({"statistics": ["grad_nrom"]}, "Did you mean 'grad_norm'"),
    "step": ({"steps": [1, 7]}, "Step 7 was not recorded. The nearest one is 8"),
    "negative slice": ({"steps": slice(-10, None)}, r"steps=history.steps\[-10:\]"),
    "slice of floats": ({"steps": slice(0.0, 5.0)}, r"Received: slice\(0.0, 5.0, None\)"),
    "stride": ({"steps": slice(0, 5, 0)}, "Received: slice"),
    "one step": ({"steps": 5}, "Received: 5. Write `steps=slice"),
    "floats": ({"steps": [0.5]}, r"Received: \[0.5\]"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_was_not_recorded_is_refused(history, name):
    arguments, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        history.select(**arguments)


def test_nothing_can_be_selected_of_nothing():
    assert not len(GradientHistory().select(steps=slice(10)))
    with pytest.raises(ValueError, match="nothing yet"):
        GradientHistory().select(layers="a")


def test_a_dataframe_holds_every_value(history):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = history.to_dataframe()
    np.testing.assert_equal(frame.to_dict("records"), history.to_records())
    assert frame["value"].dtype == "float32"
    assert isinstance(frame["layer"].dtype, pandas.CategoricalDtype)
    wide = frame.pivot(index="step", columns=["layer", "tensor", "statistic"], values="value")
    np.testing.assert_array_equal(
        wide["b", "output", "grad_norm"].dropna().index, [0, 1, 4, 8, 12, 16]
    )
    assert len(GradientHistory().to_dataframe()) == 0


def test_without_pandas_it_is_named(history, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        history.to_dataframe()
