"""What Dense alone has: other dtypes and sparse tensors as inputs, and quantization."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_cases import KINDS, assert_same, output_and_gradients

from keras_course_ext import layers

CASE = KINDS["Dense"]


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool", "float64", "float16"])
def test_other_input_dtypes_are_cast_as_keras_does(dtype):
    ours, theirs = CASE.pair()
    x = tf.cast(tf.constant([[1, 0, 3, 1]]), dtype)
    assert ours(x).dtype == theirs(x).dtype == tf.float32
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-6)


def test_sparse_input_is_computed_by_keras():
    ours, theirs = CASE.pair()
    x = tf.sparse.from_dense(np.eye(4, dtype="float32"))
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-6)


# Keras's own float8 and int8 code, under NumPy 2.4; layers that cannot be quantized are named.
quantizing = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning", "ignore:.*`quantize` method:UserWarning"
)


@pytest.mark.thin("int8")
@quantizing
@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
def test_a_quantized_model_is_keras_s_and_its_files_too(mode, tmp_path):
    x, outputs = CASE.x(), []
    for module in (layers, keras.layers):
        keras.utils.set_random_seed(0)
        model: Any = keras.Sequential(
            [keras.Input((4,)), module.Dense(6, "relu"), module.Dense(3, use_bias=False)]
        )
        model.quantize(mode)
        assert [layer.quantization_mode for layer in model.layers] == [mode, mode]
        gradients = [] if mode == "float8" else output_and_gradients(model, x)[1:]
        outputs.append([model(x), *gradients])
        model.save(tmp_path / "model.keras")
        loaded: Any = keras.models.load_model(tmp_path / "model.keras")
        assert type(loaded.layers[0]) is module.Dense
        np.testing.assert_array_equal(loaded(x), model(x))
    assert_same(*outputs)


CONFIGS = {
    "Int8QuantizationConfig": {},
    "Int4QuantizationConfig": {"block_size": 2},
    "Float8QuantizationConfig": {},
    "GPTQConfig": {"dataset": ["a"], "tokenizer": str.split},
    "AWQConfig": {"dataset": ["a"], "tokenizer": str.split},
}


@quantizing
@pytest.mark.parametrize("name", CONFIGS)
def test_quantization_configs_are_keras_s(name):
    if not hasattr(keras.quantizers, name):
        pytest.skip(f"this Keras has no {name}")
    ours, theirs = CASE.pair(activation="relu")
    for layer in (ours, theirs):
        config = getattr(keras.quantizers, name)(**CONFIGS[name])
        layer.quantize(mode=config.mode, config=config)
    assert ours.quantization_mode == theirs.quantization_mode
    x = CASE.x()
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-6)


@quantizing
def test_quantize_refuses_what_keras_refuses():
    for layer in CASE.pair():
        with pytest.raises(ValueError, match="Invalid quantization mode"):
            layer.quantize("int7")

    class Mine(layers.Dense):
        pass

    mine = Mine(3)
    mine.build((None, 4))
    with pytest.raises(NotImplementedError, match="Mine"):
        mine.quantize("int8")
    for kind in ("Conv1D", "Conv2D"):
        for layer in KINDS[kind].pair():
            with pytest.raises(NotImplementedError, match=f"{kind}.*quantize"):
                layer.quantize("int8")


@quantizing
def test_lora_on_a_quantized_layer_is_keras_s():
    ours, theirs = CASE.pair(activation="tanh")
    for layer in (ours, theirs):
        layer.quantize("int8")
        layer.enable_lora(2)
        for w in layer.trainable_variables:
            w.assign(np.ones(w.shape) / 3)
    x = CASE.x()
    assert_same(output_and_gradients(ours, x), output_and_gradients(theirs, x))
