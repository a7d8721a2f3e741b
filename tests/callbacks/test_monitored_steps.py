"""Which steps are recorded, and that what is not finite is noticed whatever the period."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from monitored_models import BATCH, compiled, fit

from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.callbacks.schedule import Schedule, Stopwatch
from keras_course_ext.monitoring.capture.graph import branch

PER_EPOCH = 40


def data(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(PER_EPOCH * BATCH, 5)).astype("float32")
    return x, rng.integers(0, 3, len(x))


FREQUENCIES = {
    1: list(range(2 * PER_EPOCH)),
    7: sorted({*range(10), *range(0, 2 * PER_EPOCH, 7)}),
    "epoch": [*range(10), PER_EPOCH],
    # Fifty times at least, whatever it costs.
    "auto": None,
}


CELLS = [*((f, m) for f in FREQUENCIES for m in ("graph", "seven_steps")), (7, "jit"), (7, "eager")]


@pytest.mark.thin("1-graph", "7-seven_steps", "auto-graph")
@pytest.mark.parametrize(("update_freq", "mode"), CELLS)
def test_the_steps_that_were_asked_for_are_recorded(update_freq, mode):
    monitor = GradientMonitor(update_freq, statistics="norms")
    model, _ = compiled("sequential", mode)
    fit(model, data(), callbacks=[monitor])
    expected = FREQUENCIES[update_freq]
    steps = monitor.history.steps
    if expected is None:
        assert len(steps) >= 50
        assert steps[-1] > PER_EPOCH
    else:
        assert steps.tolist() == expected


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "batch", None])
def test_another_frequency_is_refused(bad):
    with pytest.raises(ValueError, match="update_freq=1"):
        GradientMonitor(update_freq=bad)


BAD = {
    "statistic": ({"statistics": ["grad_nrom"]}, "Did you mean 'grad_norm'"),
    "statistics": ({"statistics": "some"}, '"all", "norms"'),
    "histograms": ({"histograms": 0}, "histograms=50"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD.keys())
def test_other_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        GradientMonitor(**arguments)


def test_a_layer_that_is_not_there_is_refused_before_training():
    model, batch = compiled("sequential", "graph")
    before = model.get_weights()
    with pytest.raises(ValueError, match="Did you mean 'softmax'"):
        fit(model, batch, callbacks=[GradientMonitor(layers=["sofmax"])])
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_only_the_layers_that_were_asked_for_are_kept():
    model, batch = compiled("sequential", "graph")
    monitor = GradientMonitor(1, layers=["tanh"])
    everything = GradientMonitor(1)
    fit(model, batch, callbacks=[monitor, everything])
    assert {k.layer for k in monitor.history.keys} == {"tanh", ""}
    for key in [k for k in monitor.history.keys if k.statistic != "signal_decay"]:
        np.testing.assert_array_equal(
            monitor.history.series(*key)[2], everything.history.series(*key)[2]
        )


# Number of epochs, steps of an epoch, and what recording a step costs, as a share of it.
RUNS = {
    "long epochs": (3, 10_000, 0.5),
    "short epochs": (100, 100, 0.3),
    "one step an epoch": (5_000, 1, 1.0),
    "one step an epoch, dear": (5_000, 1, 5.0),
    "cheap": (20, 200, 0.001),
    "short and dear": (5, 20, 2.0),
}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("name", RUNS)
def test_recording_takes_two_percent_of_the_run(name, known):
    epochs, per_epoch, cost = RUNS[name]
    schedule = Schedule("auto")
    recorded, total = [], epochs * per_epoch
    for epoch in range(epochs):
        start = epoch * per_epoch
        every, offset = schedule.begin_epoch(start, total - start if known else None)
        for step in range(start, start + per_epoch):
            due = step < 10 or (step - offset) % every == 0
            recorded += [step] * due
            if schedule.measure(1 + cost * due, step, 1, int(due)):
                every, offset = schedule.period()
    spent = cost * len(recorded) / total
    floor = cost * (10 + 50) / total
    assert spent <= (max(0.0205, floor) if known else 0.0205 + floor)
    if known:
        assert len(recorded) >= 50
    if cost < 0.02:
        assert len(recorded) > 0.9 * total
    elif total >= 10_000:
        assert spent > 0.0185  # what may be recorded is recorded


def test_a_later_fit_is_part_of_the_same_run():
    schedule = Schedule("auto")
    recorded = 0
    for start in range(0, 1600, 8):
        every, offset = schedule.begin_epoch(start, 8)
        for step in range(start, start + 8):
            due = step < 10 or (step - offset) % every == 0
            recorded += due
            if schedule.measure(1 + due, step, 1, int(due)):
                every, offset = schedule.period()
    assert 50 <= recorded <= 60
    assert Stopwatch().cost() is None


@pytest.mark.slow
def test_a_nan_in_the_data_is_noticed_at_its_step_of_an_execution():
    model = compiled("sequential", "seven_steps_jit")[0]
    x, y = data()
    x[17 * BATCH + 2, 1] = np.nan
    monitor = GradientMonitor("epoch")
    fit(model, (x, y), epochs=1, callbacks=[monitor])
    finding = monitor.findings[0]
    assert (finding.kind, finding.step, finding.layer) == ("non_finite", 17, "tanh")
    assert "forward, in the output of 'tanh'" in finding.evidence
    assert len(monitor.history.steps) <= 10 + 1 + 17


@pytest.mark.slow
def test_the_logs_of_keras_have_the_gradient_norm_and_the_finding(tmp_path):
    model, _ = compiled("sixteen_sigmoids", "graph")
    monitor = GradientMonitor()
    stop = keras.callbacks.EarlyStopping("grad_norm", mode="max", patience=1, min_delta=1e9)
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = fit(model, data(), epochs=5, callbacks=[monitor, stop, log])
    assert len(history["loss"]) == 2  # stopped
    _, epochs, norms = monitor.history.series("", "model")
    medians = [np.median(norms[epochs == epoch]) for epoch in (0, 1)]
    np.testing.assert_allclose(history["grad_norm"], medians, rtol=1e-6)
    assert [name for name in history if name.startswith("vanishing_layers_worst_")]
    header = (tmp_path / "log.csv").read_text().splitlines()[0]
    assert "grad_norm" in header


def test_the_branches_of_a_step_stay_one_operation():
    @tf.function
    def step(due, x):
        return branch(due, lambda: x + 1, lambda: x - 1)

    graph = step.get_concrete_function(tf.constant(True), tf.constant(1.0)).graph
    kinds = {op.type: op for op in graph.get_operations()}
    conds = [kinds[kind] for kind in ("If", "StatelessIf") if kind in kinds]
    assert [op.get_attr("_lower_using_switch_merge") for op in conds] == [False]
    assert [float(step(tf.constant(due), tf.constant(1.0))) for due in (True, False)] == [2, 0]
