"""Sinks of a GradientMonitor in a real fit: whole, interrupted, killed, with the disk full."""

import contextlib
import csv
import itertools
import os
import signal
import subprocess
import sys
import warnings

import interrupted_run
import keras
import numpy as np
import pytest
import tensorflow as tf
from interrupted_run import EPOCHS, KILLED_AT, PER_EPOCH, Interrupt
from monitored_models import compiled, fit

from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.monitoring import GradientHistory

# Keras reads the variables that it saves by `np.array(variable)`.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
WINDOW = 128  # steps between two readings of the device


def values(history):
    """Every value with where it belongs, as bits."""
    return [(*list(r.values())[:5], np.float32(r["value"]).tobytes()) for r in history.to_records()]


def in_csv(path):
    with open(path, newline="") as file:
        return [
            (int(step), int(epoch), *key, np.float32(value).tobytes())
            for step, epoch, *key, value in itertools.islice(csv.reader(file), 1, None)
        ]


def histograms(history):
    return [(*h[:5], h.edges.tolist(), h.counts.tolist()) for h in history.histograms]


def in_files(folder):
    """The record in a folder's files, which is the same in both."""
    history = GradientHistory.load(f"{folder}/record.jsonl")
    assert in_csv(f"{folder}/record.csv") == values(history)
    return history


def same(a, b):
    assert a.layers == b.layers
    assert histograms(a) == histograms(b)
    assert values(a) == values(b)
    return True


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    monitor = interrupted_run.fit(folder, backup_first=True)
    assert monitor.history.steps.tolist() == list(range(EPOCHS * PER_EPOCH))
    assert len(monitor.history.histograms) > 0
    assert same(in_files(folder), monitor.history)
    return monitor.history


def kill(*arguments):
    """Run a fit that is killed within its second epoch."""
    result = subprocess.run(
        [sys.executable, interrupted_run.__file__, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
    )
    assert result.returncode == -signal.SIGKILL, result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "order"), [("killed", "monitor first"), ("raised", "backup first")]
)
def test_a_resumed_fit_leaves_the_record_of_an_uninterrupted_one(
    how, order, uninterrupted, tmp_path
):
    if how == "killed":
        kill(tmp_path, order)
    else:

        def stop():
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted_run.fit(tmp_path, order == "backup first", Interrupt(KILLED_AT, stop))
    left = in_files(tmp_path)
    assert left.steps.tolist() == list(range(len(left.steps)))
    assert KILLED_AT - WINDOW <= len(left.steps) <= KILLED_AT
    assert len(left.steps) > PER_EPOCH, "nothing was written within the second epoch"

    monitor = interrupted_run.fit(tmp_path, order == "backup first")
    assert same(in_files(tmp_path), uninterrupted)
    assert same(monitor.history, uninterrupted)


@pytest.mark.slow
def test_a_fit_resumed_within_an_epoch_has_no_step_twice(tmp_path):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_run.fit(tmp_path, True, Interrupt(KILLED_AT, stop), save_freq=48)
    left = in_files(tmp_path)
    # Keras goes on from the weights in the middle of the epoch, and begins its data anew.
    monitor = interrupted_run.fit(tmp_path, True, save_freq=48)
    first = KILLED_AT // 48 * 48
    steps = [*left.before(first).steps, *range(first, first + (EPOCHS - 1) * PER_EPOCH)]
    assert monitor.history.series("tanh", "kernel")[0].tolist() == steps
    assert first - len(left.steps) < WINDOW, "more is missing than was not read yet"
    found = in_files(tmp_path)
    assert same(found, monitor.history)
    assert values(found.before(first)) == values(left.before(first))


@pytest.mark.slow
@pytest.mark.parametrize("order", ["monitor first", "backup first"])
def test_a_fit_killed_within_an_epoch_has_recorded_all_that_was_saved(order, tmp_path):
    kill(tmp_path, order, "24")
    saved = KILLED_AT // 24 * 24
    left = in_files(tmp_path)
    assert left.steps.tolist() == list(range(saved)), "nothing after the last backup was read"
    monitor = interrupted_run.fit(tmp_path, order == "backup first", save_freq=24)
    steps = monitor.history.series("tanh", "kernel")[0]
    assert steps.tolist() == list(range(saved + (EPOCHS - 1) * PER_EPOCH))
    assert same(in_files(tmp_path), monitor.history)


def test_initial_epoch_goes_on_in_the_same_file_and_another_model_does_not(tmp_path):
    model, data = compiled("sequential", "eager")
    path = tmp_path / "record.jsonl"
    fit(model, data, epochs=1, callbacks=[GradientMonitor(1, "norms", sinks=[path])])
    monitor = GradientMonitor(1, "norms", sinks=[path], resume=path)
    fit(model, data, epochs=2, initial_epoch=1, callbacks=[monitor])
    whole, _ = compiled("sequential", "eager")
    other = GradientMonitor(1, "norms")
    fit(whole, data, callbacks=[other])
    assert same(GradientHistory.load(path), other.history)
    assert same(monitor.history, other.history)

    strange, data = compiled("functional_with_skip", "eager")
    strange.optimizer.iterations.assign(3)
    with pytest.raises(ValueError, match=r"has records of 'linear', .* which the model does not"):
        fit(strange, data, callbacks=[GradientMonitor(1, "norms", sinks=[path], resume=path)])
    with pytest.raises(ValueError, match=r"has recorded the model .* `monitor.reset\(\)`"):
        fit(strange, data, callbacks=[monitor])


@pytest.mark.slow
@pytest.mark.parametrize("update_freq", [1, 3])
def test_steps_that_loss_scaling_skipped_are_counted_when_training_is_resumed(
    update_freq, tmp_path
):
    def run(epochs, resume=None):
        keras.utils.set_random_seed(0)
        layer = keras.layers.Dense(3, dtype="mixed_float16", name="only")
        model = keras.Sequential([keras.Input((5,)), layer])
        scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), 2.0**19)
        model.compile(scaled, "mse")
        monitor = GradientMonitor(update_freq, resume=resume)
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
        x, y = np.ones((24, 5), "float32"), np.ones((24, 3), "float32")
        model.fit(x, y, batch_size=2, epochs=epochs, verbose=0, callbacks=[monitor, backup])
        return monitor.history

    first = run(2)
    assert first.series("", "model", "skipped_steps")[2][0] > 0
    resumed = run(3, first)
    assert len(resumed.steps) == len(set(resumed.steps))
    steps, epochs, _ = resumed.series("", "model")
    assert (epochs == steps // 12).all()
    if update_freq == 1:
        assert resumed.steps.tolist() == list(range(36))
    assert same(resumed.before(24), first)


@pytest.mark.slow
def test_a_step_that_only_accumulates_is_counted_when_training_is_resumed():
    model, data = compiled("sequential", "eager", gradient_accumulation_steps=2)
    monitor = GradientMonitor(1, "norms")
    steps = []
    for _ in range(2):
        fit(model, data, epochs=1, callbacks=[monitor])
        steps += monitor.history.steps.tolist()
    assert steps == list(range(18))


def test_an_unwritable_path_is_said_before_training_starts(tmp_path):
    (tmp_path / "taken").write_text("")
    model, data = compiled("sequential", "eager")
    sinks = [tmp_path / "fine.csv", tmp_path / "taken" / "record.jsonl"]
    with pytest.raises(OSError, match=r"JSONLinesSink\('.*record.jsonl'\) cannot write"):
        fit(model, data, callbacks=[GradientMonitor(sinks=sinks)])
    assert int(model.optimizer.iterations) == 0
    fit(model, data, epochs=1)


@pytest.fixture
def full_disk():
    """A limit on the size of files, which is what a full disk is to a process: writing raises."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    @contextlib.contextmanager
    def limited(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.mark.slow
def test_a_disk_that_fills_up_ends_the_file_but_not_the_training(full_disk, tmp_path):
    paths = [tmp_path / "record.jsonl", tmp_path / "record.csv"]
    plain, data = compiled("sequential", "eager")
    fit(plain, data, epochs=4)
    model, data = compiled("sequential", "eager")
    monitor = GradientMonitor(1, "norms", sinks=paths[:1])
    with warnings.catch_warnings(record=True, action="always") as caught, full_disk(5_000):
        fit(model, data, epochs=4, callbacks=[monitor])
    (warning,) = [w for w in caught if "GradientMonitor" in str(w.message)]
    assert f"writes no more to JSONLinesSink('{paths[0]}')" in str(warning.message)
    assert "File too large" in str(warning.message)
    for a, b in zip(plain.variables, model.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    assert monitor.history.steps.tolist() == list(range(36))
    left = GradientHistory.load(paths[0])
    assert 0 < len(left.steps) < 36
    assert values(left) == values(monitor.history.before(len(left.steps)))


def test_after_an_exception_the_file_gets_what_is_read_and_is_not_left_open(tmp_path):
    def stop():
        raise KeyboardInterrupt

    model, data = compiled("sequential", "eager")
    monitor = GradientMonitor(1, "norms", sinks=[tmp_path / "record.jsonl"])
    with pytest.raises(KeyboardInterrupt):
        fit(model, data, callbacks=[monitor, Interrupt(14, stop)])
    assert len(GradientHistory.load(tmp_path / "record.jsonl").steps) == 9  # the first epoch
    assert len(monitor.history.steps) == 14
    assert same(GradientHistory.load(tmp_path / "record.jsonl"), monitor.history)

    def open_files():
        links = (entry for entry in os.scandir("/proc/self/fd") if os.path.islink(entry))
        return [link for link in map(os.readlink, links) if str(tmp_path) in link]

    # The lock is held until the monitor is used again, or gone.
    assert open_files() == [str(tmp_path / "record.jsonl")]
    monitor.reset()
    assert open_files() == []


@pytest.mark.slow
def test_watch_writes_too_and_closes(tmp_path):
    class Closes(list):
        def open(self, first_step, history):
            self.append(("open", first_step))

        def write(self, steps, epochs, keys, values):
            self.append(("write", len(steps)))

        def write_histograms(self, histograms):
            self.append(("histograms",))

        def close(self):
            self.append(("close",))

    model, (x, y) = compiled("sequential", "eager")
    calls, path = Closes(), tmp_path / "record.jsonl"
    monitor = GradientMonitor(1, "norms", sinks=[path, calls])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = model.compute_loss(x=x, y=y, y_pred=model(x, training=True))
        weights = model.trainable_variables
        model.optimizer.apply(tape.gradient(loss, weights), weights)

    with monitor.watch(model):
        for _ in range(3):
            step()
    assert same(GradientHistory.load(path), monitor.history)
    assert [call[0] for call in calls] == ["open", "write", "write", "close"]
    assert calls[:2] == [("open", 0), ("write", 3)]


@keras.saving.register_keras_serializable("tests")
class Own:
    def __init__(self, name):
        self.name = name

    def open(self, first_step, history): ...

    def write(self, steps, epochs, keys, values): ...

    def write_histograms(self, histograms): ...

    def close(self): ...

    def get_config(self):
        return {"name": self.name}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def test_a_monitor_with_sinks_is_serialized_with_them(tmp_path):
    monitor = GradientMonitor(3, sinks=[tmp_path / "a.csv", Own("x")], resume=tmp_path / "b.jsonl")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(monitor))
    assert copy.sinks[0].path == str(tmp_path / "a.csv")
    assert copy.sinks[1].name == "x"
    assert {**copy.get_config(), "sinks": 0} == {**monitor.get_config(), "sinks": 0}
    assert not os.listdir(tmp_path)
