"""Records of several workers in one, and out of it again."""

import numpy as np
import pytest

from keras_course_ext.monitoring import GradientHistory, Histogram, Key, LayerInfo

HOSTILE = ["dense", "block/dense", "a/", "/a", "층", "a\nb", "worker_1"]


def record(values, layer="dense", loss_scaled=False):
    history = GradientHistory([LayerInfo(layer)], loss_scaled)
    keys = [Key(layer, "kernel", "grad_norm"), Key("", "model", "grad_norm")]
    history.append(range(len(values)), [0] * len(values), keys, np.transpose([values, values]))
    edges, counts = np.array([-1.0, 0.0, 1.0]), np.array([5, 3])
    history.histograms = [Histogram(0, 0, layer, "kernel", "weight", edges, counts)]
    return history


@pytest.mark.parametrize("layer", HOSTILE)
def test_each_part_comes_out_as_it_went_in(layer):
    parts = {"worker_0": record([1, 2], layer), "worker_1": record([3, 4, 5], layer, True)}
    merged = GradientHistory.merge(parts)
    assert len(merged) == sum(map(len, parts.values()))
    assert merged.series("", "worker_1/model")[2].tolist() == [3, 4, 5]
    assert [info.name for info in merged.layers] == [f"worker_{i}/{layer}" for i in (0, 1)]
    assert merged.loss_scaled
    for name, part in parts.items():
        found = merged.part(name)
        assert found.layers == part.layers
        assert found.to_records() == part.to_records()
        assert [h[:5] for h in found.histograms] == [h[:5] for h in part.histograms]


def test_a_merged_record_is_saved_and_loaded(tmp_path):
    merged = GradientHistory.merge({"a": record([1, 2]), "b": record([3, 4])})
    for ending in ("json", "jsonl"):
        merged.save(tmp_path / f"merged.{ending}")
        loaded = GradientHistory.load(tmp_path / f"merged.{ending}")
        assert loaded.part("b").to_records() == record([3, 4]).to_records()


@pytest.mark.parametrize("name", ["", "a/b", 3, None])
def test_a_name_that_cannot_be_told_from_a_layer_is_refused(name):
    with pytest.raises(ValueError, match=r"has no '/'\. Received: .* Write for example"):
        GradientHistory.merge({name: record([1])})


def test_a_part_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"no part 'worker_2'.*'worker_1'"):
        GradientHistory.merge({"worker_1": record([1])}).part("worker_2")
