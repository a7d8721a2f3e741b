"""A custom gradient goes with the graph in which it was traced."""

import gc
import sys
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_course_ext as kce
from keras_course_ext._custom_gradient import custom_gradient


@custom_gradient
def cube(x):
    return x**3, lambda dy: dy * 3 * x**2


def registry():
    return sys.modules["tensorflow.python.framework.ops"]._gradient_registry._registry


def gradient_of(x, jit=False):
    """Trace a function with a tape; return its result and the function."""

    @tf.function(jit_compile=jit)
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = cube(x)
        return tape.gradient(y, x)

    return run(x), run


@pytest.mark.parametrize("jit", [False, True])
def test_the_graph_is_freed_and_its_entry_removed(jit):
    x, before = tf.constant([1.0, 2.0]), None
    for _ in range(3):
        result, run = gradient_of(x, jit)
        graph = weakref.ref(run.get_concrete_function(x).graph)
        del run
        np.testing.assert_array_equal(result, [3, 12])
        gc.collect()
        assert graph() is None
        assert before in (None, len(registry()))
        before = len(registry())


def test_a_graph_that_is_used_keeps_its_gradient():
    """The gradient is looked up when the outer function is differentiated, after a collection."""
    inner = tf.function(lambda x: cube(x))

    def looped(x):
        return tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, cube(y)), (0, x))[1]

    for f, expected in ((inner, 3 * 2.0**2), (tf.function(looped), 9 * 2.0**8)):
        x = tf.constant(2.0)
        f(x)
        gc.collect()

        @tf.function
        def derivative(x, f=f):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = f(x)
            return tape.gradient(y, x)

        assert derivative(x) == expected
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        gc.collect()
        assert tape.gradient(y, x) == expected


def test_a_model_that_is_compiled_anew_keeps_no_graph():
    layers = [kce.layers.Dense(3, activation="relu"), kce.layers.Dense(2)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    entries = []
    for _ in range(3):
        model.compile(kce.optimizers.Adam(), kce.losses.MeanSquaredError())
        model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
        gc.collect()
        entries.append(len(registry()))
    assert entries[0] == entries[1] == entries[2]


def test_without_the_private_registry_the_gradient_is_the_same(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow.python.framework.ops", None)
    result, _ = gradient_of(tf.constant([1.0, 2.0]))
    np.testing.assert_array_equal(result, [3, 12])


def test_the_entries_of_the_registry_have_the_form_that_is_replaced():
    x = tf.constant([1.0])
    _, run = gradient_of(x)
    graph = run.get_concrete_function(x).graph
    ops = [op for op in graph.get_operations() if op.type == "IdentityN"]
    names = [op.get_attr("_gradient_op_type").decode() for op in ops]
    assert names
    for name in names:
        assert callable(registry()[name]["type"])
