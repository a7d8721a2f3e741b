"""What Keras's own logs hold of a monitor: live in the progress bar, and at the end of epochs."""

import csv
import re
import threading

import keras
import numpy as np
import pytest
from monitored_models import BATCH, ROWS, compiled, dense_data, fit

from keras_course_ext.callbacks import GradientMonitor, live_logs
from keras_course_ext.monitoring import Key

PER_EPOCH = -(-ROWS // BATCH)


class Collects(keras.callbacks.Callback):
    """Stands behind the monitor, where the progress bar stands."""

    def __init__(self):
        super().__init__()
        self.batches, self.threads = [], set()

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(dict(logs))
        self.threads.add(threading.current_thread())


def bar_of(capsys):
    """The lines that the progress bar drew over each other, without its colours."""
    return re.sub(r"\x1b\[\d+m|\x08", "", capsys.readouterr().out).splitlines()


def starving():
    """Five sigmoids whose weights are so small that nothing arrives at the first."""
    keras.utils.set_random_seed(3)
    small = keras.initializers.RandomNormal(stddev=0.1, seed=0)
    layers = [
        keras.layers.Dense(4, activation="sigmoid", kernel_initializer=small, name=f"h{i}")
        for i in range(5)
    ]
    model = keras.Sequential([keras.Input((5,)), *layers, keras.layers.Dense(3, name="out")])
    model.compile(keras.optimizers.SGD(0.01), keras.losses.SparseCategoricalCrossentropy(True))
    return model


def fitted(**kwargs):
    model, monitor, collects = starving(), GradientMonitor(1), Collects()
    callbacks = [monitor, collects]
    history = model.fit(
        *dense_data(), batch_size=BATCH, epochs=3, shuffle=False, callbacks=callbacks, **kwargs
    )
    return monitor, collects, history.history


def test_the_bar_shows_norm_and_finding_while_the_epoch_runs(capsys, monkeypatch):
    monkeypatch.setattr(live_logs, "_SECONDS", 0.0)
    monkeypatch.setattr(live_logs, "_SELDOM", 0.0)
    monkeypatch.setattr(live_logs, "_SHARE", np.inf)
    monkeypatch.setattr(live_logs, "_STEPS", 5)
    monitor, collects, history = fitted(verbose=1)
    norms = monitor.history.series("", "model")[2]
    shown = [logs.get("grad_norm") for logs in collects.batches]
    assert shown[0] is None
    assert shown[1:] == pytest.approx(norms[:-1], rel=1e-6)  # a sum in float32, not in float64
    finding = monitor.findings[0]
    name = f"vanishing_layers_worst_{finding.layer}"
    shown = [i for i, logs in enumerate(collects.batches) if name in logs]
    assert shown == list(range(5, 3 * PER_EPOCH))  # five steps are recorded before the sixth batch
    assert collects.batches[-1][name] == len(finding.layers)
    lines = bar_of(capsys)
    # The bar is drawn at most every 0.05 s, whatever it is told.
    running = [line for line in lines if re.search(r"\b[1-8]/9 .*step", line)]
    assert any(re.search(r"- loss: \S+ - grad_norm: \d", line) for line in running)
    assert any(f"- {name}: {len(finding.layers)}.0000" in line for line in running)

    _, silent, expected = fitted(verbose=0)
    assert history == expected  # loss, grad_norm and the finding, to the bit
    assert {"grad_norm", name, "loss"} == history.keys()
    assert {key for logs in silent.batches for key in logs} == {"loss"}


@pytest.mark.parametrize("cost", [0.01, 0.5])
def test_neither_norm_nor_record_are_read_at_every_batch(monkeypatch, cost):
    clock, norms, diagnoses = [0.0], [], []

    def diagnose(history):
        clock[0] += cost
        diagnoses.append(clock[0])
        return []

    history = GradientMonitor().history
    history.append(range(10), [0] * 10, [Key("", "model", "grad_norm")], np.ones((10, 1)))
    monkeypatch.setattr(live_logs, "diagnose", diagnose)
    monkeypatch.setattr(live_logs.time, "perf_counter", lambda: clock[0])
    live = live_logs.LiveLogs(
        lambda: norms.append(clock[0]) or 1.0, lambda: history, {"verbose": 1}
    )
    for _ in range(100_000):  # 100 s
        live.refresh()
        clock[0] += 0.001
    assert diagnoses[0] == pytest.approx(0.25 + cost, abs=0.01)
    assert 390 <= len(norms) <= 401
    assert sum(d < 10 for d in diagnoses) <= 6
    assert cost * len(diagnoses) <= 0.02 * clock[0]
    assert len(diagnoses) >= (13 if cost == 0.01 else 2)


@pytest.mark.parametrize(("verbose", "wanted"), [(0, False), (1, True), (2, False), ("auto", True)])
def test_there_is_something_to_show_only_if_there_is_a_bar(verbose, wanted):
    assert live_logs.LiveLogs(float, lambda: None, {"verbose": verbose}).wanted is wanted


class Metric:
    """Notes in which threads Keras asks for its value, which is where it waits for it."""

    def __init__(self):
        self.threads = set()

    def __float__(self):
        self.threads.add(threading.current_thread())
        return 1.0


@pytest.mark.parametrize("thread_safe", [True, False])
def test_keras_waits_for_the_metrics_of_a_step_where_it_does_without_a_monitor(
    monkeypatch, thread_safe
):
    # Keras waits in another thread where its backend allows it; that of TensorFlow does not yet.
    monkeypatch.setattr(keras.src.backend, "IS_THREAD_SAFE", thread_safe)
    monitor, metric = GradientMonitor(), Metric()
    monitor.on_train_begin = lambda logs=None: None
    callbacks = keras.callbacks.CallbackList([monitor])
    callbacks.on_train_begin()
    callbacks.on_train_batch_end(0, {"loss": metric})
    callbacks.on_train_end()
    assert (metric.threads == {threading.current_thread()}) is not thread_safe


def test_a_line_an_epoch_has_them_too(capsys):
    monitor, _, history = fitted(verbose=2)
    lines = [line for line in bar_of(capsys) if "step" in line]
    assert len(lines) == 3
    name = f"vanishing_layers_worst_{monitor.findings[0].layer}"
    for line, norm in zip(lines, history["grad_norm"], strict=True):
        assert f"- grad_norm: {norm:.4f}" in line or f"- grad_norm: {norm:.4e}" in line
        assert name in line


# Keras reads its own variables by `np.array(variable)`.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_csv_early_stopping_and_checkpoint_see_the_median_of_the_epoch(tmp_path):
    model, data = compiled("sequential", "graph")
    monitor = GradientMonitor(1)
    best = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "{epoch}.keras"), monitor="grad_norm", mode="max", save_best_only=True
    )
    stop = keras.callbacks.EarlyStopping("grad_norm", mode="max", patience=2, min_delta=0.0)
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = fit(model, data, epochs=9, callbacks=[monitor, best, stop, log])
    _, epochs, norms = monitor.history.series("", "model")
    medians = [float(np.median(norms[epochs == e])) for e in np.unique(epochs)]
    assert history["grad_norm"] == medians
    with (tmp_path / "log.csv").open() as file:
        assert [float(row["grad_norm"]) for row in csv.DictReader(file)] == medians
    peak = int(np.argmax(medians))
    assert best.best == medians[peak] == stop.best
    assert stop.stopped_epoch == (peak + 2 if peak + 2 < 9 else 0)
    saved = {int(path.stem) for path in tmp_path.glob("*.keras")}
    assert saved == {e + 1 for e, m in enumerate(medians) if m > max(medians[:e], default=-np.inf)}
