"""Records written by earlier versions are read, and say what they said then.

`golden/record_1.*` were written before weights had roles: eight steps of a Dense layer with ReLU,
a BatchNormalization and a softmax layer, whose third batch has a NaN.
"""

from pathlib import Path

import numpy as np
import pytest

from keras_course_ext.monitoring import GradientHistory, diagnose

GOLDEN = Path(__file__).parents[1] / "golden"
FINDING = ("non_finite", "hidden", 2)
SYMPTOMS = [("dead_units", "hidden", 4)]
ROLES = {
    "hidden": ("kernel", "bias"),
    "normalization": ("scale", "bias"),
    "softmax": ("kernel", "bias"),
}


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_a_record_without_roles_is_read(ending, tmp_path):
    history = GradientHistory.load(GOLDEN / f"record_1.{ending}")
    assert history.steps.tolist() == list(range(8))
    assert len(history) == 462
    assert len(history.histograms) == 30
    (finding,) = diagnose(history)
    assert (finding.kind, finding.layer, finding.step) == FINDING
    assert [(f.kind, f.layer, f.step) for f in finding.symptoms] == SYMPTOMS
    assert history.observations == []
    assert {info.name: info.roles for info in history.layers} == ROLES
    assert [info.main_weights for info in history.layers] == [("kernel",), (), ("kernel",)]
    history.save(tmp_path / f"again.{ending}")
    again = GradientHistory.load(tmp_path / f"again.{ending}")
    assert again.layers == history.layers
    assert repr(again.to_records()) == repr(history.to_records())


def test_both_files_hold_the_same():
    one, other = (GradientHistory.load(GOLDEN / f"record_1.{e}") for e in ("json", "jsonl"))
    assert set(one.keys) == set(other.keys)
    for key in one.keys:
        for a, b in zip(one.series(*key), other.series(*key), strict=True):
            np.testing.assert_array_equal(a, b)
