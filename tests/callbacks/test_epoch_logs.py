"""What the end of an epoch costs, and what `logs` gets there."""

import keras
import numpy as np
import pytest

from keras_course_ext.callbacks import GradientMonitor, epoch_logs, recording
from keras_course_ext.callbacks.epoch_logs import EpochLogs
from keras_course_ext.monitoring import Finding, GradientHistory, Key

NORM = Key("", "model", "grad_norm")


def test_all_diagnoses_together_read_a_multiple_of_the_record(monkeypatch):
    read = []

    def diagnose(history, rules):
        read.append(len(history))
        return [Finding("vanishing", "a", 0, 0, "", "", ("a", "b"))] * (len(history) > 99)

    monkeypatch.setattr(epoch_logs, "diagnose", diagnose)
    logs, history, sums = EpochLogs(), GradientHistory(), {}
    for epoch in range(4000):
        history.append([epoch], [epoch], [NORM], [[epoch]])
        norm, found = logs.end_epoch(history, epoch)
        assert norm == {"grad_norm": epoch}
        assert found in (None, logs.findings)
        if not 99 < epoch < 103:
            assert len(logs.findings) == (epoch > 99)
        sums[epoch + 1] = sum(read)
    assert read[:64] == list(range(1, 65))
    assert sums[4000] <= 34 * 4000
    assert sums[4000] <= 2.2 * sums[2000] <= 2.2 * 2.2 * sums[1000]  # not four times


def test_an_epoch_that_is_not_finite_is_diagnosed_at_once(monkeypatch):
    read = []
    monkeypatch.setattr(epoch_logs, "diagnose", lambda h, rules: read.append(len(h)) or [])
    logs, history = EpochLogs(), GradientHistory()
    for epoch in range(1000):
        history.append([epoch], [epoch], [NORM], [[np.nan if epoch in (900, 901) else 1.0]])
        value = logs.end_epoch(history, epoch)[0]["grad_norm"]
        assert np.isnan(value) == (epoch in (900, 901))
    assert {901, 902} <= set(read)


def test_an_epoch_without_a_record_has_the_median_of_the_last_one():
    logs, history = EpochLogs(), GradientHistory()
    assert logs.end_epoch(history, 0) == ({}, [])
    history.append([1, 2], [1, 1], [NORM], [[1.0], [3.0]])
    assert [logs.end_epoch(history, epoch)[0]["grad_norm"] for epoch in (1, 2, 3)] == [2.0] * 3


def xor():
    keras.utils.set_random_seed(0)
    layers = keras.layers.Dense(4, "relu", name="hidden"), keras.layers.Dense(1, "sigmoid")
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile("sgd", "mse", jit_compile=False)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    return model, x, (x[:, :1] != x[:, 1:]).astype("float32")


@pytest.mark.slow
def test_short_epochs_keep_the_budget_and_a_long_record_is_thinned(monkeypatch):
    monkeypatch.setattr(recording, "MOST_VALUES", 2500)
    model, x, y = xor()
    seldom = GradientMonitor(statistics=["grad_norm", "dead_units"])
    always = GradientMonitor(1)
    with pytest.warns(UserWarning, match="every second of its rows"):
        logs = model.fit(x, y, epochs=80, verbose=0, callbacks=[seldom, always])
    assert np.isfinite(logs.history["grad_norm"]).all()
    assert len(logs.history["grad_norm"]) == 80
    assert 50 <= len(seldom.history.steps) <= 80
    # Of an epoch in which no step was recorded nothing is known, and no unit is called dead.
    epochs = seldom.history.series("hidden", "output", "dead_units")[1]
    assert epochs.tolist() == np.unique(seldom.history.series(*NORM)[1]).tolist()
    history = always.history
    assert len(history) <= 2500
    assert history.thinned > 0
    assert str(history.thinned) in repr(history)
    assert GradientHistory.from_dict(history.to_dict()).thinned == history.thinned
    assert set(range(10)) <= set(history.steps)
    assert history.steps[-1] == 79
