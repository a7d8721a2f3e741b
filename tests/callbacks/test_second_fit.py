"""Several fits with one monitor: one record, one file, and nothing is traced again."""

import copy
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from monitored_models import BATCH, compiled, dense_data, fit

from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.monitoring import Fit, GradientHistory
from keras_course_ext.monitoring.record.signal import profiles


@keras.saving.register_keras_serializable("test_second_fit")
class Counting(keras.Model):
    """Counts how often its train step is traced."""

    traced = 0

    def train_step(self, data):
        self.traced += 1
        return super().train_step(data)


def counting():
    keras.utils.set_random_seed(3)
    x = keras.Input((5,))
    h = keras.layers.Dense(4, activation="tanh", name="hidden")(x)
    model = Counting(x, keras.layers.Dense(3, activation="softmax", name="out")(h))
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    return model


class Stop(keras.callbacks.Callback):
    """Interrupts at a batch."""

    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def on_train_batch_begin(self, batch, logs=None):
        if batch == self.batch:
            raise KeyboardInterrupt


# Keras reads its own variables by `np.array(variable)`.
saves = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_a_second_fit_traces_nothing():
    model, monitor = counting(), GradientMonitor(1)
    for _ in range(3):
        fit(model, dense_data(), epochs=1, callbacks=[monitor])
    once = model.traced
    fit(model, dense_data(), epochs=1)  # Keras traces its own function
    assert once < model.traced <= 2 * once
    assert once <= 2  # the first tracing by TensorFlow, which makes variables, runs the code twice
    assert monitor.history.steps.tolist() == list(range(27))
    assert monitor.history.fits == [Fit(0, 0), Fit(9, 1), Fit(18, 2)]


@saves
@pytest.mark.slow
def test_only_a_fit_that_keras_would_trace_is_traced():
    """Plain fits, and those of two monitors, in turn; and the weights are those of plain fits."""
    model, plain, data = counting(), counting(), dense_data()
    a, b = GradientMonitor(1), GradientMonitor(update_freq="epoch", statistics="norms")
    found = []
    for callbacks in ([a], [a], [], [b], [a], [], [a, b], [a, b]):
        before = model.traced
        fit(model, data, epochs=1, callbacks=callbacks)
        fit(plain, data, epochs=1)
        found.append(model.traced - before)
        copy.deepcopy(model)
    # The first tracing by TensorFlow, which makes variables, runs the step's code twice.
    assert [traced > 0 for traced in found] == [True, False, True, True, False, False, True, False]
    assert 0 < found[0] <= plain.traced
    for one, other in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert a.history.steps.tolist() == [*range(18), *range(36, 45), *range(54, 72)]
    assert {f.epoch for f in a.history.fits} == set(range(5))
    assert [f.step for f in b.history.fits] == [27, 54, 63]
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    before = model.traced
    fit(model, data, epochs=1, callbacks=[a])
    assert 0 < model.traced - before <= plain.traced
    assert a.history.fits[-1] == Fit(72, 5)
    assert a.history.steps.tolist()[-9:] == list(range(72, 81))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["graph", "seven_steps"])
def test_fits_in_a_loop_record_what_one_fit_records(mode):
    records = []
    for fits in (1, 3):
        model, data = compiled("sequential", mode)
        monitor = GradientMonitor(1, histograms=4)
        for _ in range(fits):
            logs = fit(model, data, epochs=3 // fits, callbacks=[monitor])
        records.append((monitor.history.to_records(), logs["grad_norm"][-1]))
        assert {h.step for h in monitor.history.histograms} == {0, 4, 8, 12, 16, 20, 24}
    assert records[0] == records[1]
    assert monitor.history.fits == [Fit(0, 0), Fit(9, 1), Fit(18, 2)]


@pytest.mark.slow
def test_a_frozen_layer_stays_in_the_record():
    model, data = compiled("sequential", "graph")
    monitor, first = GradientMonitor(1), model.layers[0]
    fit(model, data, epochs=1, callbacks=[monitor])
    first.trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    fit(model, data, epochs=2, initial_epoch=1, callbacks=[monitor])
    history = monitor.history
    assert [info.name for info in history.layers] == ["tanh", "linear", "relu", "softmax"]
    assert history.layers[0].weights == ("kernel", "bias")
    assert history.layers[0].fan_in == 5
    assert history.series("tanh", "kernel")[0].tolist() == list(range(9))
    assert history.series("linear", "kernel")[0].tolist() == list(range(18))
    assert history.series("linear", "kernel")[1].tolist() == [0] * 9 + [1] * 9
    assert history.fits == [Fit(0, 0), Fit(9, 1)]
    # The signal of the first fit reaches the first layer, that of the second one does not.
    found = [(p.epoch, p.step, p.layers) for p in profiles(history)]
    assert found == [(0, 0, ("tanh", "linear", "softmax")), (1, 9, ("linear", "softmax"))]
    monitor.report()


@pytest.mark.slow
def test_the_record_of_another_model_is_not_mixed_in():
    (model, data), (other, _) = compiled("sequential", "graph"), compiled("nested", "graph")
    monitor = GradientMonitor("epoch", statistics="norms")
    fit(model, data, epochs=1, callbacks=[monitor])
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"`monitor.reset\(\)` before"):
        fit(other, data, epochs=1, callbacks=[monitor])
    assert all(map(np.array_equal, before, other.get_weights()))
    record = monitor.history
    monitor.reset()
    fit(other, data, epochs=1, callbacks=[monitor])
    assert monitor.history is not record
    within = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: monitor.reset())
    with pytest.raises(ValueError, match="that is running"):
        fit(other, data, epochs=1, callbacks=[monitor, within])
    monitor.reset()  # that fit is over
    fit(other, data, epochs=1, callbacks=[monitor])
    assert monitor.history.fits == [Fit(9, 0)]  # steps of the optimizer
    assert "encoder/dense" in {key.layer for key in monitor.history.keys}
    assert "tanh" in {key.layer for key in record.keys}


@pytest.mark.slow
def test_epochs_are_counted_on_and_an_interrupted_one_goes_on():
    model, data = compiled("sequential", "graph")
    monitor = GradientMonitor(1, statistics="norms")
    with pytest.raises(KeyboardInterrupt):
        fit(model, data, epochs=2, callbacks=[monitor, Stop(4)])
    fit(model, data, epochs=1, callbacks=[monitor])
    fit(model, data, epochs=4, initial_epoch=3, callbacks=[monitor])
    fit(model, data, epochs=1, callbacks=[monitor])
    steps, epochs, _ = monitor.history.series("tanh", "kernel")
    assert steps.tolist() == list(range(31))
    assert epochs.tolist() == [0] * 13 + [3] * 9 + [4] * 9
    assert monitor.history.fits == [Fit(0, 0), Fit(4, 0), Fit(13, 3), Fit(22, 4)]


@pytest.mark.slow
def test_files_are_continued_and_reset_begins_them_anew(tmp_path):
    model, data = compiled("sequential", "graph")
    lines, table = tmp_path / "record.jsonl", tmp_path / "record.csv"
    monitor = GradientMonitor(1, statistics="norms", sinks=[lines, table])
    for _ in range(2):
        fit(model, data, epochs=1, callbacks=[monitor])
    found = GradientHistory.load(lines)
    assert found.to_records() == monitor.history.to_records()
    assert found.fits == monitor.history.fits == [Fit(0, 0), Fit(9, 1)]
    assert GradientHistory.from_dict(found.to_dict()).fits == found.fits
    monitor.history.save(tmp_path / "again.jsonl")
    assert GradientHistory.load(tmp_path / "again.jsonl").fits == found.fits
    assert len(table.read_text("utf-8").splitlines()) == 1 + len(found)
    monitor.reset()
    assert not len(monitor.history)
    fit(compiled("sequential", "graph")[0], data, epochs=1, callbacks=[monitor])
    assert GradientHistory.load(lines).steps.tolist() == list(range(9))


HOLDS = """
import sys
sys.modules |= dict.fromkeys(("keras", "tensorflow"))
from keras_course_ext.monitoring import GradientHistory
from keras_course_ext.monitoring.sinks import CSVSink, JSONLinesSink
kind = JSONLinesSink if sys.argv[1].endswith("l") else CSVSink
sink = kind(sys.argv[1])
try:
    sink.open(int(sys.argv[2]), GradientHistory())
except ValueError as error:
    print(error)
else:
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("name", ["record.jsonl", "record.csv"])
def test_two_processes_do_not_write_to_one_file(tmp_path, name):
    file = tmp_path / name
    command = [sys.executable, "-c", HOLDS, str(file), "5"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as holder:
        assert holder.stdout.readline() == "open\n"
        before = file.read_bytes()
        refused = subprocess.run(command, input="", capture_output=True, text=True, check=True)
        assert "another process writes to this file" in refused.stdout
        assert file.read_bytes() == before
        assert list(tmp_path.iterdir()) == [file]
        holder.kill()
    taken = subprocess.run(command, input="", capture_output=True, text=True, check=True)
    assert taken.stdout == "open\n"


@saves
@pytest.mark.slow
def test_a_copy_has_the_record_and_nothing_of_the_model(tmp_path):
    model, data = compiled("sequential", "graph")
    monitor, copies = GradientMonitor(1, statistics="norms"), []
    during = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: copies.append(copy.deepcopy(monitor))
    )
    fit(model, data, epochs=2, callbacks=[monitor, during])
    assert copies[1].history.steps.tolist() == list(range(9))
    for copied in (copy.deepcopy(monitor), pickle.loads(pickle.dumps(monitor))):
        assert copied.history.to_records() == monitor.history.to_records()
        assert copied.get_config() == monitor.get_config()
        model.save(tmp_path / "model.keras")
        fit(keras.saving.load_model(tmp_path / "model.keras"), data, epochs=1, callbacks=[copied])
        assert copied.history.steps.tolist() == list(range(27))
    assert len(monitor.history.steps) == 18


@pytest.mark.slow
def test_batch_by_batch_with_a_callback_list():
    model, data = counting(), dense_data()
    monitor, plain = GradientMonitor(1), counting()
    fit(plain, data, epochs=1)
    fit(model, data, epochs=1)
    once = model.traced
    norms = []
    collect = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: norms.append(logs["grad_norm"])
    )
    callbacks = keras.callbacks.CallbackList([collect, monitor], model=model)
    callbacks.on_train_begin()
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        for batch in range(6):
            x, y = (a[batch * BATCH : (batch + 1) * BATCH] for a in data)
            callbacks.on_train_batch_begin(batch)
            assert model.train_on_batch(x, y) == plain.train_on_batch(x, y)
            callbacks.on_train_batch_end(batch)
        callbacks.on_epoch_end(epoch, {})
    callbacks.on_train_end()
    assert len(norms) == 2
    assert model.traced <= 2 * once
    assert monitor.history.series("out", "kernel")[1].tolist() == [0] * 6 + [1] * 6
    assert monitor.history.fits == [Fit(9, 0)]
