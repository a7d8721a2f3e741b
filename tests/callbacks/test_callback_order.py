"""The place of the monitor in the list of callbacks does not matter."""

import csv

import keras
import numpy as np
import pytest

from keras_course_ext.callbacks import GradientMonitor

HOOKS = [
    f"on_{name}"
    for name in (
        "train_begin",
        "epoch_begin",
        "train_batch_begin",
        "train_batch_end",
        "epoch_end",
        "train_end",
    )
]


class Noting(keras.callbacks.Callback):
    """Notes every call of its hooks in a common list."""

    def __init__(self, name, calls):
        super().__init__()
        for hook in HOOKS:
            setattr(self, hook, lambda *args, hook=hook, **kwargs: calls.append((hook, name)))


def fitted(callbacks, epochs=2):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    x = np.random.default_rng(0).normal(size=(8, 3))
    model.fit(x, x[:, :1], batch_size=4, epochs=epochs, verbose=0, callbacks=callbacks)
    return model


@pytest.mark.thin("True-places0", "False-places3", "True-places5")
@pytest.mark.parametrize("places", [[0], [1], [2], [3], [1, 2], [0, 3]])
@pytest.mark.parametrize("as_list", [True, False])
def test_every_hook_is_called_once_and_in_order(places, as_list):
    calls, monitors = [], [GradientMonitor(update_freq=1) for _ in places]
    callbacks = [Noting(name, calls) for name in "abc"]
    for place, monitor in zip(places, monitors, strict=True):
        callbacks.insert(place, monitor)
    given = list(callbacks)
    fitted(callbacks if as_list else tuple(callbacks))
    batch = ["on_train_batch_begin", "on_train_batch_end"]
    epoch = ["on_epoch_begin", *batch, *batch, "on_epoch_end"]
    hooks = ["on_train_begin", *epoch, *epoch, "on_train_end"]
    assert calls == [(hook, name) for hook in hooks for name in "abc"]
    assert callbacks == given
    for monitor in monitors:
        assert monitor.history.steps.tolist() == [0, 1, 2, 3]


def test_two_monitors_stay_in_order_and_come_first():
    monitors, other = [GradientMonitor(), GradientMonitor()], Noting("a", [])
    container = keras.callbacks.CallbackList(
        [monitors[0], other, monitors[1]],
        add_history=True,
        model=fitted([]),
        steps=2,
        epochs=1,
    )
    container.on_train_begin()
    assert container.callbacks[:3] == [*monitors, other]
    container.on_train_end()


@pytest.mark.parametrize("place", [0, 1])
def test_callbacks_before_the_monitor_get_its_values(tmp_path, place):
    file, norms = tmp_path / "log.csv", []

    class Reading(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            norms.append((logs or {})["grad_norm"])

    # Which epoch it stops at follows from norms that only shrink: "max" is never improved.
    stopping = keras.callbacks.EarlyStopping("grad_norm", mode="max", patience=1)
    callbacks = [stopping, keras.callbacks.CSVLogger(file), Reading()]
    callbacks.insert(place * 3, GradientMonitor(update_freq=1))
    fitted(callbacks, epochs=5)
    assert norms == sorted(norms, reverse=True)
    assert stopping.stopped_epoch == 1
    with file.open() as lines:
        assert [float(row["grad_norm"]) for row in csv.DictReader(lines)] == norms
