"""Activations by name, under Keras's conventions for saving and for symbolic calls."""

import inspect
import pickle
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext import activations, ops
from keras_course_ext._logits import noted_logits

NAMES = [name for name in ops.__all__ if hasattr(activations, name)]
KERAS_HAS = [name for name in NAMES if name != "step"]
X = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
by_name = pytest.mark.parametrize("name", NAMES)


@keras.saving.register_keras_serializable(package="test_activations")
def cube(x):
    return x**3


@by_name
def test_function_is_that_of_ops(name):
    function = getattr(activations, name)
    np.testing.assert_array_equal(function(X), getattr(ops, name)(X))
    assert function.__doc__ == getattr(ops, name).__doc__


@pytest.mark.parametrize("name", KERAS_HAS)
def test_function_has_the_arguments_defaults_and_values_of_keras_s(name):
    ours, theirs = getattr(activations, name), getattr(keras.activations, name)
    # Not at the zero of 1 + tanh, where Keras's own loses digits.
    np.testing.assert_allclose(ours(X), theirs(X), rtol=2e-6, atol=1e-7)
    a, b = (inspect.signature(f).parameters for f in (getattr(ops, name), theirs))
    assert [(p, a[p].default) for p in a] == [(p, b[p].default) for p in b]


@by_name
def test_get_prefers_ours(name):
    ours = getattr(activations, name)
    assert activations.get(name) is ours
    assert activations.get(f"keras_course_ext>{name}") is ours
    assert activations.get(ours) is ours


def test_get_falls_back_to_keras_and_to_registered_functions():
    assert activations.get("mish") is keras.activations.mish
    assert activations.get("hard_swish") is keras.activations.hard_silu
    assert activations.get("test_activations>cube") is cube
    with keras.saving.custom_object_scope({"mine": cube}):
        assert activations.get("mine") is cube


def test_swish_is_another_name_of_silu():
    assert activations.get("swish") is activations.swish is activations.silu


def test_get_of_none_is_linear_and_callables_pass():
    layer = keras.layers.LeakyReLU()
    assert activations.get(None) is activations.linear
    assert activations.get(layer) is layer
    assert activations.get(tf.sin) is tf.sin


def test_linear_passes_integers_on():
    x = tf.constant([1, -2])
    assert activations.linear(x) is x
    assert activations.linear(np.array([1, -2], "int32")).dtype == tf.int32
    assert activations.linear([1.0, 2.0]).dtype == tf.float32


FUNCTIONS = {
    **{f"ours: {name}": getattr(activations, name) for name in NAMES},
    **{f"Keras's: {name}": getattr(keras.activations, name) for name in [*KERAS_HAS, "mish"]},
    "registered": cube,
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_serialized_function_comes_back_as_itself(function):
    config = activations.serialize(function)
    assert activations.get(config) is function
    assert activations.deserialize(config) is function


def test_serialized_layer_comes_back_equal():
    config = activations.serialize(keras.layers.LeakyReLU(0.3))
    again: Any = activations.deserialize(config)
    assert isinstance(again, keras.layers.LeakyReLU)
    assert again.negative_slope == pytest.approx(0.3)


def test_deserialize_looks_in_custom_objects_first():
    assert activations.deserialize("relu", {"relu": cube}) is cube


@by_name
def test_keras_s_own_layers_save_and_load_our_function(name):
    ours = getattr(activations, name)
    layer = keras.layers.Dense(2, activation=ours)
    assert keras.layers.Dense.from_config(layer.get_config()).activation is ours
    layer = keras.layers.Activation(ours)
    assert keras.layers.Activation.from_config(layer.get_config()).activation is ours


@by_name
def test_pickled_function_comes_back_as_itself(name):
    ours = getattr(activations, name)
    assert pickle.loads(pickle.dumps(ours)) is ours


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's
@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in NAMES),
        ("softmax", {"axis": 1}),
        ("softmax", {"axis": (1, 2)}),
        ("softmax", {"axis": None}),
        ("log_softmax", {"axis": 1}),
        ("gelu", {"approximate": True}),
        ("elu", {"alpha": 0.5}),
        ("leaky_relu", {"negative_slope": 0.5}),
        ("relu", {"negative_slope": 0.5, "max_value": 1.0, "threshold": 0.25}),
    ],
)
def test_symbolic_call_in_a_functional_model(name, options, tmp_path):
    ours = getattr(activations, name)
    x = keras.Input((3, 4), dtype="float64")
    y = ours(x, *options.values())
    assert (tuple(y.shape), y.dtype) == ((None, 3, 4), "float64")
    model = keras.Model(x, y)
    value = np.random.default_rng(1).normal(size=(2, 3, 4))
    expected = ours(value, **options)
    np.testing.assert_array_equal(model(value), expected)
    model.save(tmp_path / "model.keras")
    loaded: Any = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(value), expected)


UNKNOWN = {
    "rleu": "relu",
    "ReLU": "relu",
    "sigmiod": "sigmoid",
    "softmx": "softmax",
    "Gelu": "gelu",
    "leakyrelu": "leaky_relu",
}


@pytest.mark.parametrize(("name", "nearest"), UNKNOWN.items())
def test_an_unknown_name_suggests_the_nearest(name, nearest):
    with pytest.raises(ValueError, match=f"'{name}'. Did you mean '{nearest}'"):
        activations.get(name)


def test_a_name_like_none_lists_all():
    with pytest.raises(
        ValueError, match=r"^Unknown activation function: 'xyz'. The names are: .*tanh"
    ):
        activations.get("xyz")


@pytest.mark.parametrize("name", ["get", "serialize", "deserialize"])
def test_the_module_s_other_functions_are_no_activations(name):
    with pytest.raises(ValueError, match="Unknown activation"):
        activations.get(name)


@pytest.mark.parametrize("bad", [3, ["relu"], keras.layers.ReLU])
def test_other_things_are_refused(bad):
    with pytest.raises(TypeError, match="activation must be"):
        activations.get(bad)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_an_axis_that_is_not_there_is_refused_when_the_model_is_built(name):
    with pytest.raises(ValueError, match=r"axis.*\[-2, 2\)"):
        getattr(activations, name)(keras.Input((3,)), axis=2)


def test_only_softmax_and_sigmoid_leave_a_note_of_their_logits():
    noted = {name for name in NAMES if noted_logits(getattr(activations, name)(X)) is not None}
    assert noted == {"sigmoid", "softmax"}
