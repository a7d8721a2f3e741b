"""GradientMonitor against a GradientTape oracle, in every mode, and its harmlessness."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from monitored_models import (
    BATCH,
    MODES,
    ROWS,
    compiled,
    dense_data,
    fit,
    oracle_of,
)

from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.monitoring.record.statistics import all_names

STEPS = 2 * -(-ROWS // BATCH)

pytestmark = pytest.mark.canary


def recorded(monitor):
    """The record as one dictionary a step, of the gradient norms."""
    steps = [{} for _ in monitor.history.steps]
    for key in monitor.history.keys:
        if key.statistic == "grad_norm" and key.layer:
            for step, value in zip(*monitor.history.series(*key)[::2], strict=True):
                steps[step][key] = value
    return steps


# Every mode with one model, and what is extreme; the monitor's matrix has the other models. In a
# graph a convolution adds up in an order that depends on how busy the machine is.
CELLS = [
    *(("sequential", mode) for mode in MODES),
    *(("sixteen_sigmoids", mode) for mode in ("graph", "jit")),
    *((name, "graph") for name in ("shared_layer", "functional_with_skip", "frozen")),
    ("embedding_and_lstm", "graph"),
    ("convolution", "jit"),
]


@pytest.mark.thin(
    "sequential-eager", "sequential-graph", "sequential-jit", "sequential-seven_steps"
)
@pytest.mark.parametrize(("name", "mode"), CELLS)
def test_equals_a_gradient_tape_and_leaves_training_bit_identical(name, mode):
    monitor = GradientMonitor(update_freq=1)
    model, data = compiled(name, mode)
    losses = fit(model, data, callbacks=[monitor])
    got, expected = recorded(monitor), oracle_of(name)
    assert len(got) == len(expected) == STEPS
    for step, (row, truth) in enumerate(zip(got, expected, strict=True)):
        assert row.keys() == truth.keys()
        for key, value in truth.items():
            assert row[key] == pytest.approx(value, rel=1e-5, abs=0), (step, key)
    if name == "sixteen_sigmoids":
        assert 0 < got[0]["h0", "output", "grad_norm"] < 1e-19

    plain, data = compiled(name, mode)
    assert fit(plain, data).items() <= losses.items()
    for a, b in zip(plain.variables, model.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)
    for a, b in zip(plain.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)


def attributes(model):
    """Everything that is set on the model, its layers and its optimizer, by name and identity."""
    objects = [model, model.optimizer, *model._flatten_layers(include_self=False)]
    return {
        (type(o).__name__, o.name, name): id(value)
        for o in objects
        for name, value in vars(o).items()
        if callable(value)
    }


class StopError(Exception):
    """Raised on purpose."""


class Raises(keras.callbacks.Callback):
    def __init__(self, hook, error):
        super().__init__()

        def hook_that_raises(*args, **kwargs):
            raise error

        setattr(self, hook, hook_that_raises)


HOOKS = [
    "on_train_begin",
    "on_epoch_begin",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_epoch_end",
    "on_test_begin",
    "on_train_end",
]


@pytest.mark.thin("True-error0-on_train_batch_begin", "False-error1-on_epoch_end")
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(
    ("monitor_first", "error"), [(True, KeyboardInterrupt()), (False, StopError("on purpose"))]
)
def test_nothing_is_left_when_another_callback_raises(hook, monitor_first, error):
    model, data = compiled("nested", "graph")
    fit(model, data, epochs=1, validation_data=data)
    before = attributes(model)
    callbacks = [GradientMonitor(update_freq=1), Raises(hook, error)]
    with pytest.raises(type(error)):
        fit(
            model,
            data,
            callbacks=callbacks if monitor_first else callbacks[::-1],
            validation_data=data,
        )
    if hook == "on_train_batch_begin":
        # The monitor is called first, so at this one moment the monitored function is in place. The
        # next batch of any `fit` restores the model's own function, and runs it.
        fit(model, data, epochs=1)
    assert attributes(model) == before
    plain, data = compiled("nested", "graph")
    steps = int(model.optimizer.iterations)
    fit(plain, data, epochs=steps // (STEPS // 2))
    if steps % (STEPS // 2) == 0:
        for a, b in zip(plain.variables, model.variables, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.thin("graph")
@pytest.mark.parametrize("mode", ["eager", "graph", "jit", "seven_steps"])
def test_nothing_is_left_after_fit_nor_when_the_data_raise(mode):
    model, (x, y) = compiled("sequential", mode)
    fit(model, (x, y), epochs=1)
    before = attributes(model)
    monitor = GradientMonitor(update_freq=1)
    fit(model, (x, y), callbacks=[monitor])
    assert attributes(model) == before

    def broken():
        for i in range(3):
            yield x[i * BATCH : (i + 1) * BATCH], y[i * BATCH : (i + 1) * BATCH]
        raise StopError("the disk is gone")

    with pytest.raises(Exception, match="the disk is gone"):
        model.fit(broken(), steps_per_epoch=10, shuffle=False, verbose=0, callbacks=[monitor])
    assert attributes(model) == before
    if mode != "seven_steps":  # there the execution that failed never reported its steps
        assert len(monitor.history.steps) == STEPS + 3
    records = len(monitor.history)
    fit(model, (x, y), epochs=1)
    assert len(monitor.history) == records


def test_an_unmonitored_fit_does_not_trace_again():
    model, data = compiled("sequential", "graph")
    traces = []
    train_step = model.train_step
    model.train_step = lambda batch: traces.append(1) or train_step(batch)
    fit(model, data, epochs=1)
    plain = len(traces)
    fit(model, data, epochs=1, callbacks=[GradientMonitor(update_freq=1)])
    assert len(traces) <= 2 * plain
    monitored = len(traces)
    fit(model, data, epochs=1)
    assert len(traces) == monitored


@pytest.mark.slow
def test_two_monitors_record_the_same():
    model, data = compiled("sequential", "graph")
    first, second = GradientMonitor(update_freq=1), GradientMonitor(update_freq=1)
    fit(model, data, callbacks=[first, second])
    assert first.history.to_records() == second.history.to_records()
    assert len(first.history.steps) == STEPS


def test_records_are_as_documented():
    model, data = compiled("sequential", "graph")
    monitor = GradientMonitor(update_freq=1)
    fit(model, data, callbacks=[monitor])
    records = monitor.history.to_records()
    assert list(records[0]) == ["step", "epoch", "layer", "tensor", "statistic", "value"]
    assert {r["epoch"] for r in records} == {0, 1}
    assert {r["step"] for r in records if r["epoch"] == 1} == set(range(STEPS // 2, STEPS))
    assert {r["tensor"] for r in records} == {"kernel", "bias", "output", "logits", "model"}
    assert {r["statistic"] for r in records} == {
        *all_names(),
    } - {"clipped_share", "skipped_steps"}


@pytest.mark.slow
def test_every_step_of_a_long_epoch_is_kept():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(500, 5)).astype("float32"), rng.integers(0, 3, 500)
    values = []
    for mode in ("graph", "seven_steps"):
        model, _ = compiled("sequential", mode)
        monitor = GradientMonitor(update_freq=1)
        model.fit(*data, batch_size=1, shuffle=False, verbose=0, callbacks=[monitor])
        steps, _, norms = monitor.history.series("tanh", "kernel")
        assert steps.tolist() == list(range(500))
        values.append(norms)
    np.testing.assert_array_equal(*values)
    assert len(np.unique(values[0])) > 450


def test_a_custom_train_step_and_a_subclassed_model():
    class Custom(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = keras.layers.Dense(6, activation="relu")
            self.out = keras.layers.Dense(3)

        def call(self, x):
            return self.out(self.hidden(x))

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
            weights = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, weights), weights)
            return {"loss": loss}

    model = Custom()
    model.compile(
        optimizer="sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    monitor = GradientMonitor(update_freq=1)
    fit(model, dense_data(), callbacks=[monitor])
    assert {(k.layer, k.tensor) for k in monitor.history.keys if k.layer} == {
        (layer, tensor) for layer in ("dense", "dense_1") for tensor in ("kernel", "bias", "output")
    }


def test_a_model_without_trainable_weights_is_refused():
    model, data = compiled("sequential", "graph")
    model.trainable = False
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="no trainable weights"):
        fit(model, data, callbacks=[GradientMonitor(update_freq=1)])


def test_a_ragged_or_structured_output_passes_through():
    class Splits(keras.layers.Layer):
        def call(self, x):
            return {"same": x, "ragged": tf.RaggedTensor.from_tensor(x), "none": None}

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.before, self.splits = keras.layers.Dense(4, name="before"), Splits()
            self.after = keras.layers.Dense(3, activation="softmax", name="after")

        def call(self, x):
            return self.after(self.splits(self.before(x))["same"])

    model = Model()
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", run_eagerly=True)
    monitor = GradientMonitor(update_freq=1)
    fit(model, dense_data(), epochs=1, callbacks=[monitor])
    assert monitor.history.has("splits", "output")
    assert monitor.history.has("before", "output")


def test_a_step_that_never_updates_is_not_passed_over_in_silence():
    class Idle(keras.Sequential):
        def train_step(self, data):
            x, y = data
            return {"loss": self.compute_loss(x=x, y=y, y_pred=self(x))}

    model = Idle([keras.Input((5,)), keras.layers.Dense(3, activation="softmax")])
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    with pytest.warns(UserWarning, match="records nothing"):
        fit(model, dense_data(), callbacks=[GradientMonitor(update_freq=1)])
