"""The places in Keras that `trace` relies on are where it expects them."""

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext import backprop
from keras_course_ext._override import overridden
from keras_course_ext.backprop.forward import has_gradient
from keras_course_ext.backprop.hooks import probed
from keras_course_ext.backprop.objective import _FunctionLoss

L = keras.layers
X = np.ones((2, 3), "float32")


def test_keras_calls_the_methods_that_are_set_on_a_layer():
    layer = L.Dense(2, "tanh", activity_regularizer="l2")
    layer.build((None, 3))
    seen = []

    def call(inputs, **kwargs):
        seen.append("call")
        return type(layer).call(layer, inputs, **kwargs)

    with overridden(layer, "call", call), probed(layer) as probe:
        a = layer(X)
    assert seen == ["call"]
    z, activated = probe.only()
    np.testing.assert_allclose(z, X @ layer.kernel, rtol=1e-6)
    np.testing.assert_array_equal(activated, a)
    assert "call" not in vars(layer)


def test_a_variable_keeps_the_flag_it_was_created_with():
    layer = L.BatchNormalization()
    layer.build((None, 3))
    layer.trainable = False
    assert [w.name for w in layer.weights if has_gradient(w)] == ["gamma", "beta"]


def test_a_plain_function_is_a_loss_with_and_without_keras_s_wrapper():
    def cubed(y_true, y_pred):
        return tf.reduce_mean(tf.abs(y_true - y_pred) ** 3, axis=-1)

    model = keras.Sequential([keras.Input((3,)), L.Dense(2, name="y")])
    y = np.full((2, 2), 2.0, "float32")
    trace = backprop.trace(model, X, y, cubed)
    expected = np.mean(np.abs(y - model(X)) ** 3)
    np.testing.assert_allclose(trace.loss, expected, rtol=1e-5)
    assert hasattr(keras.losses.MeanSquaredError(), "fn")
    np.testing.assert_allclose(_FunctionLoss(cubed, "cubed")(y, model(X)), expected, rtol=1e-5)
