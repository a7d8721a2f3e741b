"""`watch`: loops of the user's own, entered again and again, with epochs."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from monitored_models import BATCH, compiled, dense_data
from test_second_fit import counting

import keras_course_ext as kce
from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.monitoring import Fit, GradientHistory


def batches(n=4):
    x, y = dense_data()
    return [(x[i : i + BATCH], y[i : i + BATCH]) for i in range(0, n * BATCH, BATCH)]


@pytest.mark.slow
def test_a_step_that_was_traced_in_the_first_entry_is_recorded_in_the_next(tmp_path):
    model, _ = compiled("sequential", "graph")
    optimizer, traced = kce.optimizers.SGD(0.01), []

    @tf.function
    def step(x, y):
        traced.append(1)
        with tf.GradientTape() as tape:
            loss = model.compute_loss(y=y, y_pred=model(x, training=True))
        weights = model.trainable_variables
        gradients = tape.gradient(loss, weights)
        optimizer.apply(gradients, weights)
        return tf.linalg.global_norm(gradients)

    monitor = GradientMonitor(1, histograms=3, sinks=[tmp_path / "record.jsonl"])
    norms, outside = [], []
    for _ in range(3):
        with monitor.watch(model, optimizer):
            for x, y in batches():
                norms.append(float(step(tf.constant(x), tf.constant(y))))
        # Not a pass that trains in `watch`: counted, because the optimizer counts it.
        outside.append(step(*map(tf.constant, batches(1)[0])))
    assert len(traced) == 1
    steps, epochs, found = monitor.history.series("", "model")
    assert steps.tolist() == [*range(4), *range(5, 9), *range(10, 14)]
    assert epochs.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    np.testing.assert_allclose(found, norms, rtol=1e-5)
    assert monitor.history.fits == [Fit(0, 0), Fit(5, 1), Fit(10, 2)]
    assert {h.step for h in monitor.history.histograms} == {0, 3, 6, 12}
    loaded = GradientHistory.load(tmp_path / "record.jsonl")
    assert loaded.to_records() == monitor.history.to_records()


@pytest.mark.slow
def test_epochs_are_marked():
    model, _ = compiled("sequential", "eager")
    monitor, numbers = GradientMonitor("epoch"), []
    with pytest.raises(ValueError, match=r"with monitor.watch"):
        monitor.epoch()
    with monitor.watch(model):
        for _ in range(3):
            numbers.append(monitor.epoch())
            for x, y in batches(12):
                model.train_step((tf.constant(x), tf.constant(y)))
    assert numbers == [0, 1, 2]
    assert set(monitor.history.series("tanh", "kernel")[1]) == {0, 1, 2}
    assert monitor.history.series("relu", "output", "dead_units")[1].tolist() == [0, 1, 2]
    assert monitor.history.steps.tolist() == [*range(10), 12, 24]


@pytest.mark.thin("True")
@pytest.mark.parametrize("trained", [False, True])
def test_train_on_batch_is_recorded_and_leaves_no_hooks(trained):
    model, plain, monitor = counting(), counting(), GradientMonitor(1)
    if trained:
        for one in (model, plain):
            one.train_on_batch(*batches(1)[0])
    before, traced = model.traced, []
    for _ in range(2):
        with monitor.watch(model):
            for x, y in batches():
                assert model.train_on_batch(x, y) == plain.train_on_batch(x, y)
        traced.append(model.traced - before)
    assert traced[0] == traced[1] <= plain.traced
    seen = len(monitor.history.steps)
    assert seen == 8
    assert model.train_on_batch(*batches(1)[0]) == plain.train_on_batch(*batches(1)[0])
    assert model.traced == before + traced[0] + (0 if trained else 1)
    assert len(monitor.history.steps) == seen
    with monitor.watch(model):
        model.train_on_batch(*batches(1)[0])
        model.compile("sgd", "sparse_categorical_crossentropy")
    assert model.train_function is None
    assert len(monitor.history.steps) == seen + 1


def test_the_message_says_which_optimizer_was_expected():
    model, _ = compiled("sequential", "graph")
    weights = model.trainable_variables
    expected = pytest.raises(
        RuntimeError, match=r"`apply` of `optimizer` \(SGD\).*watch\(model, opt"
    )
    with expected, GradientMonitor().watch(model):
        keras.optimizers.Adam().apply([tf.ones(w.shape) for w in weights], weights)
