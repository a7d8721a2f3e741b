"""The private names of Keras and TensorFlow that the optimizers use, and their fallbacks."""

import sys
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_course_ext.optimizers as ours
from keras_course_ext import _tracing as tracing
from keras_course_ext.optimizers.engine import flat, slots

SHAPES = [(3, 4), (4,), (), (2, 2, 2)]


def trained(**arguments: Any) -> list[np.ndarray]:
    """Trains four variables for four batches, and returns them and the state."""
    rng = np.random.default_rng(0)
    weights = [
        keras.Variable(rng.normal(size=shape), dtype="float32", name=f"w{i}")
        for i, shape in enumerate(SHAPES)
    ]
    optimizer = ours.Adam(0.1, **arguments)
    optimizer.exclude_from_weight_decay(var_list=weights[:1], var_names=["w1"])
    for _ in range(4):
        grads = [tf.constant(rng.normal(size=shape), tf.float32) for shape in SHAPES]
        optimizer.apply(grads, weights)
    optimizer.finalize_variable_values(weights)
    return [np.array(v.numpy()) for v in (*weights, *optimizer.variables)]


def test_the_private_names_are_still_in_keras():
    """All private names of Keras that the optimizers use; see docs/architecture.md."""
    optimizer: Any = keras.optimizers.Adam(use_ema=True, gradient_accumulation_steps=2)
    w = keras.Variable([1.0])
    optimizer.build([w])
    called = []
    optimizer._backend_apply_gradients = lambda grads, variables: called.append(grads)
    optimizer.apply([tf.ones(1)], [w])
    assert len(called) == 1
    assert int(optimizer._iterations) == 1
    assert len(optimizer._model_variables_moving_average) == 1
    assert len(optimizer._accumulated_gradients) == 1
    assert optimizer._clip_gradients([tf.ones(1)])
    optimizer._track_variable(keras.Variable(2.0))
    assert optimizer._tracker.config["variables"][1] is optimizer._variables
    assert callable(optimizer._track_trackable)
    assert float(optimizer.variables[-1]) == 2.0
    assert optimizer._get_variable_index(w) == 0
    assert flat.views_are_supported(optimizer)
    assert w._value is not None
    with tf.Graph().as_default() as graph:
        assert graph._get_control_flow_context() is None
    assert callable(tf.__internal__.distribute.interim.maybe_merge_call)
    ops = sys.modules["tensorflow.python.framework.ops"]
    assert isinstance(ops._gradient_registry._registry, dict)


# Keras reads its own variables by `np.array(variable)`.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_the_attributes_of_a_file_are_still_where_the_state_looks(tmp_path):
    """That is `_h5_entry_group`; without it the state of another optimizer would be let in."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(ours.Momentum(0.1))
    model.optimizer.build(model.trainable_variables)
    seen = []
    model.optimizer.save_own_variables = lambda store: seen.append(store._h5_entry_group.attrs)
    model.save_weights(tmp_path / "model.weights.h5")
    assert len(seen) == 1


FALLBACKS = [
    ("_get_variable_index", {}),
    ("_clip_gradients", {"clipnorm": 0.5}),
    ("_clip_gradients", {"global_clipnorm": 0.5}),
    ("_clip_gradients", {"clipvalue": 0.05}),
    ("_clip_gradients", {}),
]


@pytest.mark.parametrize(("name", "arguments"), FALLBACKS)
def test_without_a_private_method_the_fallback_does_the_same(monkeypatch, name, arguments):
    expected = trained(**arguments)
    classes = [cls for cls in keras.optimizers.Optimizer.__mro__ if name in vars(cls)]
    for cls in classes:
        monkeypatch.delattr(cls, name)
    assert not hasattr(keras.optimizers.Optimizer, name)
    for value, exact in zip(trained(**arguments), expected, strict=True):
        np.testing.assert_allclose(value, exact, rtol=1e-6, atol=1e-7)


def test_the_variables_of_the_state_are_found_by_their_names():
    optimizer = ours.Adam(use_ema=True, gradient_accumulation_steps=2)
    weights = [keras.Variable(np.ones(shape), dtype="float32") for shape in SHAPES]
    optimizer.build(weights)
    found = {
        "_iterations": lambda: [optimizer.batches],
        "_accumulated_gradients": optimizer.accumulators,
        "_model_variables_moving_average": lambda: [a for _, a in optimizer.averages()],
    }
    for name, find in found.items():
        expected = find()
        delattr(optimizer, name)
        assert len(expected) == (1 if name == "_iterations" else len(SHAPES))
        assert all(a is b for a, b in zip(find(), expected, strict=True))


def test_without_the_private_names_of_a_variable_no_slot_lies_flat(monkeypatch):
    expected = trained()
    monkeypatch.setattr(flat, "PRIVATE_NAMES", (*flat.PRIVATE_NAMES, "_moved"))
    monkeypatch.setattr(slots, "FlatStore", None)
    for value, exact in zip(trained(), expected, strict=True):
        np.testing.assert_allclose(value, exact, rtol=1e-6, atol=1e-7)


def test_without_the_private_merge_call_the_public_one_is_used(monkeypatch):
    class Interim:
        pass

    monkeypatch.setattr(tf.__internal__.distribute, "interim", Interim, raising=True)
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        w = keras.Variable([1.0, 2.0])
        optimizer = ours.Momentum(0.5)
        optimizer.build([w])
        strategy = tf.distribute.get_strategy()
        strategy.run(lambda: optimizer.apply([tf.ones(2)], [w]))
    np.testing.assert_array_equal(w, [0.5, 1.5])


def test_without_the_registry_of_gradients_nothing_is_removed(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow.python.framework.ops", None)
    tracing.forget_gradients(["CustomGradient-1"])
