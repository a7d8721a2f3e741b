"""After a fit under a monitor nothing of it is left: no tracing, no object, nothing in a file."""

import gc
import subprocess
import sys
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from monitored_models import BATCH, compiled, dense_data, fit

from keras_course_ext.callbacks import GradientMonitor


def objects_alive():
    gc.collect()
    kinds = {"ResourceVariable": 0, "GradientTap": 0, "MonitoredFit": 0, "FuncGraph": 0}
    for thing in gc.get_objects():
        name = type(thing).__name__
        if name in kinds:
            kinds[name] += 1
    return kinds


class Counting(keras.Model):
    """Counts how often its train step is traced."""

    traced = 0

    def train_step(self, data):
        self.traced += 1
        return super().train_step(data)


def counting():
    x = keras.Input((5,))
    h = keras.layers.Dense(4, activation="tanh", name="hidden")(x)
    model = Counting(x, keras.layers.Dense(3, activation="softmax", name="out")(h))
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    return model


def tracings(*fits):
    """Return how many tracings each of some fits takes, with a monitor or without."""
    model, found = counting(), []
    x, y = dense_data()
    for monitored in fits:
        before = model.traced
        callbacks = [GradientMonitor(1, "norms")] if monitored else []
        fit(model, (x[:40], y[:40]), epochs=1, callbacks=callbacks)
        found.append(model.traced - before)
    return np.array(found)


def test_a_fit_costs_at_most_one_tracing_more_and_none_if_not_traced_yet():
    plain = tracings(False, False)
    assert plain[1] == 0
    (once, _), own = plain, tracings(False, True, False, True)
    # A tracing by TensorFlow runs the step's code `once` times.
    assert own.tolist() == [once, once, 0, once]
    assert tracings(True, False).tolist() == [once, once]


@pytest.mark.slow
def test_fits_in_a_row_leave_no_objects():
    model, data = compiled("sequential", "graph")
    fit(model, data, epochs=1)

    def fits(n):
        for _ in range(n):
            fit(model, data, epochs=1, callbacks=[GradientMonitor(1, "norms")])
        return objects_alive()

    assert fits(2) == fits(3)


def test_a_fit_that_broke_off_before_its_batch_leaves_the_next_one_alone():
    class Broken(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 2:
                raise ValueError("somebody else's mistake")

    model, (x, y) = compiled("sequential", "graph")
    monitor = GradientMonitor(1, "norms")
    with pytest.raises(ValueError, match="somebody else's"):
        fit(model, (x, y), epochs=1, callbacks=[monitor, Broken()])
    assert len(monitor.history.steps) == 2
    fit(model, (x, y), epochs=1)
    assert len(monitor.history.steps) == 2


@pytest.mark.slow
def test_a_loop_longer_than_the_buffer_says_what_it_lost():
    model, (x, y) = compiled("sequential", "graph")
    x, y = tf.constant(x[:BATCH]), tf.constant(y[:BATCH])

    @tf.function
    def steps(n):
        for _ in tf.range(n):
            with tf.GradientTape() as tape:
                loss = model.compute_loss(y=y, y_pred=model(x, training=True))
            weights = model.trainable_variables
            model.optimizer.apply(tape.gradient(loss, weights), weights)

    monitor = GradientMonitor(1, "norms")
    lost = pytest.warns(UserWarning, match="4 of 4100 recorded steps were overwritten")
    with lost, monitor.watch(model):
        steps(tf.constant(4100))
    assert monitor.history.steps.tolist() == list(range(4, 4100))


@pytest.mark.thin("None")
@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_neither_recording_nor_monitor_is_retained(error):
    monitor = GradientMonitor(1, "norms")

    class Stop(keras.callbacks.Callback):
        def __init__(self, monitor):
            super().__init__()
            self.monitor = monitor

        def on_train_batch_begin(self, batch, logs=None):
            recordings.append(weakref.ref(self.monitor._recording))
            if batch == 2 and error:
                raise error

    recordings = []
    model, data = compiled("sequential", "graph")
    callbacks = [monitor, Stop(monitor)]
    if error is None:
        fit(model, data, epochs=1, callbacks=callbacks)
    else:
        with pytest.raises(error):
            fit(model, data, epochs=1, callbacks=callbacks)
    assert len(monitor.history.steps) == (9 if error is None else 2)
    gone = weakref.ref(monitor)
    callbacks.clear()
    del monitor
    fit(model, data, epochs=1)
    gc.collect()
    assert {recording() for recording in recordings} == {None}
    assert gone() is None


WITHOUT_THE_PACKAGE = """
import sys
sys.modules["keras_course_ext"] = None
import keras, numpy as np
whole, weights, data = sys.argv[1:]
model = keras.models.load_model(whole)
a = model.predict(np.load(data), verbose=0)
for variable in model.variables:
    if variable.dtype == "float32":
        variable.assign(keras.ops.zeros(variable.shape))
model.load_weights(weights)
np.testing.assert_array_equal(model.predict(np.load(data), verbose=0), a)
np.save(data, a)
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation")  # h5py reads Keras's variables so
def test_checkpoints_load_where_the_package_is_not_installed(tmp_path):
    model, (x, y) = compiled("sequential", "graph")
    whole, weights, data = (tmp_path / n for n in ("a.keras", "b.weights.h5", "x.npy"))
    save = keras.callbacks.ModelCheckpoint
    checkpoints = [save(whole, save_freq=7), save(weights, save_freq=7, save_weights_only=True)]
    monitor = GradientMonitor(1, histograms=3)
    fit(model, (x[:35], y[:35]), epochs=1, callbacks=[checkpoints[0], monitor, checkpoints[1]])
    np.save(data, x)
    command = [sys.executable, "-c", WITHOUT_THE_PACKAGE, whole, weights, data]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    np.testing.assert_allclose(np.load(data), model.predict(x, verbose=0), rtol=1e-5)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 8

    def __getitem__(self, i):
        x, y = dense_data()
        return x[i * BATCH : (i + 1) * BATCH], y[i * BATCH : (i + 1) * BATCH]


def generator():
    batches = Batches()
    yield from (batches[i] for i in range(8))


INPUTS = {
    "tf.data": lambda: tf.data.Dataset.from_tensor_slices(dense_data()).batch(BATCH).take(8),
    "threads": lambda: Batches(workers=2, max_queue_size=3),
    "generator": generator,
}


@pytest.mark.thin("tf.data")
@pytest.mark.parametrize("kind", INPUTS)
def test_the_source_of_the_data_makes_no_difference(kind):
    records = []
    for source in ("arrays", kind):
        model, (x, y) = compiled("sequential", "graph")
        monitor = GradientMonitor(1, "norms")
        if source == "arrays":
            fit(model, (x[:40], y[:40]), epochs=1, callbacks=[monitor])
        else:
            given = {"steps_per_epoch": 8} if kind == "generator" else {}
            model.fit(INPUTS[kind](), **given, shuffle=False, verbose=0, callbacks=[monitor])
        records.append(monitor.history.to_records())
    assert records[0] == records[1]
    assert {r["step"] for r in records[1]} == set(range(8))


@pytest.mark.slow
def test_inside_the_scope_of_a_strategy():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    records = []
    for inside in (False, True):
        with strategy.scope():
            model, data = compiled("sequential", "graph")
        monitor = GradientMonitor(1, histograms=4)
        if inside:
            with strategy.scope():
                fit(model, data, epochs=1, callbacks=[monitor])
        else:
            fit(model, data, epochs=1, callbacks=[monitor])
        records.append(monitor.history.to_records())
    assert len(monitor.history.steps) == 9
    assert records[0] == records[1]
