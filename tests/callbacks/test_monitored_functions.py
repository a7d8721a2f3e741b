"""Which train function runs under a monitor, and that the record is the same from each of them."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from monitored_models import BATCH, MODES, dense_data, sequential

from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.callbacks.end_of_data import asks_for_data_first

LOSS = keras.losses.SparseCategoricalCrossentropy()

pytestmark = pytest.mark.canary


class OwnFunction(keras.Sequential):
    """Has a train function of its own, which counts its calls."""

    calls = 0

    def make_train_function(self, force=False):
        made = super().make_train_function(force)
        inner = self.train_function

        def counted(iterator):
            self.calls += 1
            return inner(iterator)

        self.train_function = counted
        return made


class UpdateInACondition(keras.Sequential):
    """Updates inside of a `tf.cond`."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        weights = self.trainable_variables
        gradients = tape.gradient(loss, weights)

        def update():
            self.optimizer.apply(gradients, weights)
            return loss

        return {"loss": tf.cond(tf.math.is_finite(loss), update, lambda: loss)}


class TwoUpdates(keras.Sequential):
    """Makes two steps of each batch."""

    def train_step(self, data):
        super().train_step(data)
        return super().train_step(data)


def fitted(cls=keras.Sequential, mode="graph", monitors=1, arguments=({},), **fit):
    keras.utils.set_random_seed(3)
    model = cls(sequential().layers)
    model.compile(keras.optimizers.Adam(0.01), LOSS, **MODES[mode])
    x, y = dense_data()
    found = [GradientMonitor(**arguments[i % len(arguments)]) for i in range(monitors)]
    logs = model.fit(
        x, y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=found, **{"epochs": 2, **fit}
    )
    return model, [monitor.history for monitor in found], logs.history


def assert_same(one, other):
    assert one.keys == other.keys
    for key in one.keys:
        a, b = one.series(*key), other.series(*key)
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_allclose(a[2], b[2], rtol=1e-5, atol=1e-7)


@pytest.mark.thin("OwnFunction")
@pytest.mark.parametrize("cls", [OwnFunction, UpdateInACondition])
def test_the_record_is_the_same_whoever_makes_the_function(cls):
    model, (history,), _ = fitted(cls)
    _, (expected,), _ = fitted()
    assert_same(history, expected)
    assert getattr(model, "calls", 18) == 18


def test_the_logs_hold_nothing_of_ours():
    seen = set()
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.update(logs))
    model, _, _ = fitted()
    x, y = dense_data()
    model.fit(x, y, verbose=0, callbacks=[GradientMonitor(), watch])
    assert seen == {"loss"}


@pytest.mark.slow
def test_two_updates_are_two_steps():
    _, (history,), _ = fitted(TwoUpdates, arguments=({"update_freq": 1},))
    assert history.steps.tolist() == list(range(36))
    _, (seldom,), _ = fitted(TwoUpdates, arguments=({"update_freq": 5},))
    assert seldom.steps.tolist() == [*range(10), 10, 15, 20, 25, 30, 35]
    for step in seldom.steps:
        key = ("tanh", "kernel")
        norms = [h.series(*key)[2][h.series(*key)[0] == step] for h in (seldom, history)]
        np.testing.assert_allclose(*norms, rtol=1e-6)


@pytest.mark.slow
def test_two_monitors_get_what_each_asks_for():
    own = ({"update_freq": 4}, {"update_freq": 7, "histograms": 3})
    _, both, _ = fitted(monitors=2, arguments=own)
    for history, arguments in zip(both, own, strict=True):
        _, (alone,), _ = fitted(arguments=(arguments,))
        assert_same(history, alone)
        assert [h.step for h in history.histograms] == [h.step for h in alone.histograms]
    assert {h.step for h in both[1].histograms} == {0, 3, 6, 9, 12, 15}


def generator():
    x, y = dense_data()
    for i in range(0, 20, BATCH):
        yield x[i : i + BATCH], y[i : i + BATCH], None


def dataset():
    data = tf.data.Dataset.from_tensor_slices(dense_data())
    return data.filter(lambda x, y: y < 2).batch(BATCH)


# Data whose end nobody knows before, and how many steps they are.
ENDINGS = {
    "generator": (generator, {"steps_per_epoch": 9}, 4),
    "dataset": (dataset, {"epochs": 2}, 2 * -(-int((dense_data()[1] < 2).sum()) // BATCH)),
}


@pytest.mark.thin("generator-graph")
@pytest.mark.parametrize("mode", ["graph", "jit"])
@pytest.mark.parametrize("data", ENDINGS)
def test_data_of_unknown_length_end_as_they_do_without_a_monitor(data, mode):
    make, arguments, steps = ENDINGS[data]
    told = []
    for callbacks in ([], [GradientMonitor()]):
        keras.utils.set_random_seed(3)
        model = sequential()
        model.compile("adam", LOSS, **MODES[mode])
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            logs = model.fit(make(), shuffle=False, verbose=0, callbacks=callbacks, **arguments)
        said = [str(warning.message) for warning in seen if warning.category is UserWarning]
        told.append((said, logs.history["loss"], model.get_weights()))
    (plain, losses, weights), (monitored, *rest) = told
    assert monitored == plain
    assert rest[0] == losses
    for one, other in zip(weights, rest[1], strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(callbacks[0].history.steps) == steps


def make_train_function_of_keras_3_16(self, force=False):
    """As that of Keras 3.16 behaves: asks for a batch before the step, and has bare logs."""
    if self.train_function is not None and not force:
        return
    step = tf.function(self.train_step, jit_compile=self.jit_compile, reduce_retracing=True)

    def function(iterator):
        data = iterator.get_next_as_optional()
        if not data.has_value():
            raise StopIteration
        return step(data.get_value())

    self.train_function = function


@pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")
@pytest.mark.slow
@pytest.mark.parametrize("asks_first", [False, True])
def test_whether_keras_asks_for_data_first_is_tried(monkeypatch, asks_first):
    if asks_first:
        own = make_train_function_of_keras_3_16
        monkeypatch.setattr(keras.Model, "make_train_function", own)
    assert [asks_for_data_first() for _ in range(2)] == [asks_first] * 2
    told = []
    for callbacks in ([], [GradientMonitor(1)]):
        keras.utils.set_random_seed(3)
        model = sequential()
        model.compile(keras.optimizers.Adam(0.01), LOSS, **MODES["graph"])
        logs = model.fit(dataset(), epochs=2, shuffle=False, verbose=0, callbacks=callbacks)
        told.append((int(model.optimizer.iterations), logs.history["loss"], model.get_weights()))
    (steps, losses, weights), monitored = told
    ended = ENDINGS["dataset"][2]
    assert steps == (ended if asks_first else ended + 2)
    assert monitored[:2] == (steps, losses)
    for one, other in zip(weights, monitored[2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert callbacks[0].history.steps.tolist() == list(range(ended))
