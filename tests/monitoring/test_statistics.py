"""The table of statistics: one entry is enough for a new one, and what an entry may be."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.monitoring.record.statistics import STATISTICS, Statistic, finished, register
from keras_course_ext.monitoring.record.sums import ABSENT, NOT_MEASURED, joined

MODES = {
    "graph": {},
    "jit": {"jit_compile": True},
    "eager": {"run_eagerly": True},
    "three steps an execution": {"steps_per_execution": 3},
}


@pytest.fixture
def largest_weight():
    register(Statistic("weight_max_abs", "weight", ("weight.abs_max",), lambda largest: largest))
    register(Statistic("max_abs", "output", ("output.abs_max",), lambda largest: largest))
    yield
    del STATISTICS["weight", "weight_max_abs"]
    del STATISTICS["output", "max_abs"]


# Keras's TensorBoard callback reads its own variables by `np.array(variable)`.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("mode", MODES)
def test_a_registered_statistic_is_in_record_sinks_and_tags(mode, largest_weight, tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])
    model.compile("sgd", "mse", **{"jit_compile": False, **MODES[mode]})
    kernel, x = np.abs(model.get_weights()[0]).max(), np.ones((6, 3), np.float32)
    output = np.abs(model(x).numpy()).max()
    monitor = GradientMonitor(
        update_freq=1,
        statistics=["weight_max_abs", "max_abs"],
        sinks=[tmp_path / "record.jsonl", "tensorboard"],
    )
    board = keras.callbacks.TensorBoard(tmp_path / "logs", write_graph=False)
    model.fit(x, np.zeros((6, 2)), batch_size=2, verbose=0, callbacks=[monitor, board])
    values = monitor.history.series("dense", "kernel", "weight_max_abs")[2]
    assert values.shape == (3,)
    assert values[0] == kernel
    outputs = monitor.history.series("dense", "output", "max_abs")[2]
    np.testing.assert_allclose(outputs[0], output, rtol=1e-6)
    lines = map(json.loads, (tmp_path / "record.jsonl").read_text("utf-8").splitlines())
    keys = [key for line in lines for key in line.get("are", [])]
    assert ["dense", "kernel", "weight_max_abs"] in keys
    (events,) = (tmp_path / "logs" / "train").glob("*.gradients")
    tags = {
        value.tag
        for record in tf.data.TFRecordDataset(str(events))
        for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value
    }
    assert "gradients.weight_max_abs/dense/kernel" in tags
    assert {k.statistic for k in monitor.history.keys if k.layer} == {
        *("grad_norm", "weight_max_abs", "max_abs")
    }


@pytest.mark.parametrize(
    ("statistic", "message"),
    [
        (Statistic("x", "layer"), "one of weight, output, model"),
        (Statistic("x", "weight", ("output.sum",)), "not measured"),
        (Statistic("x", "output", ("output.median",)), "reduction out of norm"),
    ],
)
def test_an_entry_that_cannot_be_measured_is_refused(statistic, message):
    before = dict(STATISTICS)
    with pytest.raises(ValueError, match=message):
        register(statistic)
    assert before == STATISTICS


def test_a_statistic_is_missing_where_one_of_its_sums_is():
    sums = {
        "update.norm": np.float32([2.0, NOT_MEASURED, 1.0, ABSENT]),
        "weight.norm": np.float32([4.0, 1.0, 0.0, 1.0]),
    }
    ((name, values),) = finished([STATISTICS["weight", "update_ratio"]], sums)
    assert name == "update_ratio"
    np.testing.assert_array_equal(values, np.float32([0.5, NOT_MEASURED, 0.0, ABSENT]))


def test_sums_of_two_devices_are_those_of_all_elements():
    rng = np.random.default_rng(0)
    parts = [rng.normal(1.0, 2.0, n) for n in (7, 3)]
    whole = np.concatenate(parts)
    of = {
        "count": np.size,
        "sum": np.sum,
        "squares": lambda x: np.sum((x - x.mean()) ** 2),
        "nonzero": np.count_nonzero,
        "abs_max": lambda x: np.abs(x).max(),
        "norm": np.linalg.norm,
    }
    found = joined(
        {f"output.{name}": np.float32([[f(part)] for part in parts]) for name, f in of.items()}
    )
    for name, f in of.items():
        np.testing.assert_allclose(found[f"output.{name}"], [f(whole)], rtol=1e-6, err_msg=name)
    one = joined({"signal.norm": np.float32([[3.0], [NOT_MEASURED]])})
    assert one["signal.norm"].tolist() == [3.0]
