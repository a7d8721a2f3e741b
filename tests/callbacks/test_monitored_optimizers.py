"""In what form gradients may come, from which optimizers, and when none comes at all."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext.callbacks import GradientMonitor

BATCHES, BATCH, RATE = 3, 4, 0.1


def data():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(BATCHES * BATCH, 5)).astype("float32")
    return x, rng.normal(size=(BATCHES * BATCH, 1)).astype("float32")


def least_squares(w, b, x, y):
    """Return the gradients of the mean of (x w + b - y)^2, in NumPy."""
    error = x @ w + b - y
    return 2 * x.T @ error / len(x), 2 * error.mean(axis=0)


def expected_norms(w, b, x, y):
    """Return the norms of both gradients at each step of gradient descent."""
    norms = []
    for at in range(0, len(x), BATCH):
        dw, db = least_squares(w, b, x[at : at + BATCH], y[at : at + BATCH])
        norms.append([np.linalg.norm(dw), np.linalg.norm(db)])
        w, b = w - RATE * dw, b - RATE * db
    return np.array(norms)


def in_variables(make):
    def given(model, grads):
        if not hasattr(model, "kept"):
            with tf.init_scope():
                zeros = [np.zeros(w.shape, "float32") for w in model.trainable_variables]
                model.kept = [make(zero, trainable=False) for zero in zeros]
        for variable, g in zip(model.kept, grads, strict=True):
            variable.assign(g)
        return model.kept

    return given


def in_slices(model, grads):
    rows = [tf.range(tf.shape(g)[0]) for g in grads]
    return [tf.IndexedSlices(g, i, tf.shape(g, tf.int32)) for g, i in zip(grads, rows, strict=True)]


FORMS = {
    "tf.Variable": in_variables(tf.Variable),
    "keras.Variable": in_variables(keras.Variable),
    "IndexedSlices": in_slices,
    "NumPy": lambda model, grads: [g.numpy() for g in grads],
}


class Giving(keras.Sequential):
    """A model whose train step gives the optimizer gradients in some form."""

    form: Any = None

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        weights = self.trainable_variables
        grads = self.form(self, tape.gradient(loss, weights))
        self.optimizer.apply_gradients(zip(grads, weights, strict=True))
        return {"loss": loss}


MODES = {"graph": {}, "jit": {"jit_compile": True}, "eager": {"run_eagerly": True}}


@pytest.mark.thin("tf.Variable-graph", "keras.Variable-eager", "IndexedSlices-jit", "NumPy-eager")
@pytest.mark.parametrize(
    ("form", "mode"), [(f, m) for f in FORMS for m in MODES if f != "NumPy" or m == "eager"]
)
def test_gradients_are_recorded_in_every_form_that_an_optimizer_takes(form, mode):
    def fitted(*callbacks):
        keras.utils.set_random_seed(0)
        model = Giving([keras.Input((5,)), keras.layers.Dense(1, name="d")])
        model.form = FORMS[form]
        model.compile(optimizer=keras.optimizers.SGD(RATE), loss="mse", **MODES[mode])
        w, b = model.get_weights()
        norms = expected_norms(w, b, *data())
        model.fit(*data(), batch_size=BATCH, shuffle=False, verbose=0, callbacks=list(callbacks))
        return norms, model.get_weights()

    monitor = GradientMonitor(update_freq=1)
    norms, weights = fitted(monitor)
    for found, want in zip(weights, fitted()[1], strict=True):
        np.testing.assert_array_equal(found, want)
    # Keras's SGD assigns a `keras.Variable` to the weights: only the first step is descent.
    steps = 1 if form == "keras.Variable" else BATCHES
    for tensor, column in (("kernel", 0), ("bias", 1)):
        found = monitor.history.series("d", tensor)[2]
        np.testing.assert_allclose(found[:steps], norms[:steps, column], rtol=1e-5)


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_an_array_of_whole_numbers_and_no_gradient_are_gradients_too():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="d")])
    optimizer = keras.optimizers.SGD(RATE)
    before = model.get_weights()
    monitor = GradientMonitor(update_freq=1)
    with monitor.watch(model, optimizer):
        optimizer.apply([np.array([[3], [0], [4]]), None], model.trainable_variables)
    assert monitor.history.series("d", "kernel")[2].tolist() == [5.0]
    assert not monitor.history.has("d", "bias", "grad_norm")
    np.testing.assert_allclose(model.get_weights()[0], before[0] - [[0.3], [0.0], [0.4]], rtol=1e-5)


def test_keras_itself_refuses_gradients_of_another_number():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(RATE)
    optimizer.build(model.trainable_variables)
    with pytest.raises(ValueError, match="a list of 1 gradients") as without:
        optimizer.apply([np.zeros((3, 1))])
    with (
        pytest.raises(ValueError, match="a list of 1 gradients") as monitored,
        GradientMonitor().watch(model, optimizer),
    ):
        optimizer.apply([np.zeros((3, 1))])
    assert str(monitored.value) == str(without.value)


def linear(optimizer="sgd"):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, name="d")])
    model.compile(optimizer=optimizer, loss="mse")
    return model


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_without_data_fit_ends_as_without_a_monitor():
    x, y = data()
    model, monitor = linear(), GradientMonitor()
    with_it = model.fit(x[:0], y[:0], epochs=2, verbose=0, callbacks=[monitor]).history
    assert with_it == linear().fit(x[:0], y[:0], epochs=2, verbose=0).history
    assert not len(monitor.history.steps)
    model.fit(x, y, batch_size=BATCH, verbose=0, callbacks=[monitor])
    assert len(monitor.history.steps) == BATCHES


class Doing(keras.callbacks.Callback):
    """Does something once, at a hook."""

    def __init__(self, hook, do):
        super().__init__()
        self._hook = hook
        setattr(self, hook, lambda *args, **kwargs: self._do(do))

    def _do(self, do):
        delattr(self, self._hook)
        do(self.model)


HOOKS = ["on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end"]


@pytest.mark.thin("False-on_epoch_begin", "True-on_train_batch_end")
@pytest.mark.parametrize("hook", [*HOOKS, "on_epoch_end"])
@pytest.mark.parametrize("first", [False, True])
def test_compile_in_a_running_fit_raises_as_without_a_monitor(hook, first):
    def fails(*callbacks):
        compiling = Doing(hook, lambda model: model.compile(optimizer="sgd", loss="mse"))
        callbacks = [compiling, *callbacks] if first else [*callbacks, compiling]
        model = linear()
        with pytest.raises(TypeError) as error:
            model.fit(*data(), batch_size=BATCH, epochs=3, verbose=0, callbacks=callbacks)
        return str(error.value), model.get_weights()

    (message, weights), (expected, without) = fails(GradientMonitor()), fails()
    assert message == expected
    np.testing.assert_array_equal(weights[0], without[0])


def test_a_new_train_function_in_a_running_fit_is_monitored():
    def again(model):
        model.d_was_frozen = model.get_layer("d").bias.trainable = False
        model.make_train_function(force=True)

    monitor, model = GradientMonitor(update_freq=1), linear()
    callbacks = [Doing("on_epoch_end", again), monitor]
    model.fit(*data(), batch_size=BATCH, epochs=2, verbose=0, callbacks=callbacks)
    assert monitor.history.series("d", "kernel")[0].tolist() == list(range(2 * BATCHES))
