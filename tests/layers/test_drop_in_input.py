"""Bad input for Dense, Conv1D and Conv2D: refused clearly, or answered as Keras's layer does."""

import re
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_cases import KINDS, output_and_gradients
from modes import MODES

from keras_course_ext import layers

by_kind = pytest.mark.parametrize("case", KINDS.values(), ids=KINDS.keys())


def built(case) -> Any:
    return case.pair()[0]


def sample(case, dtype="float32"):
    return tf.cast(tf.constant(case.x(2)), dtype)


# What our layers say themselves: the kinds, the call, the error, the message.
OURS: dict[str, Any] = {
    "activation name": (
        KINDS,
        lambda case: case.make(layers, activation="rleu"),
        ValueError,
        "Unknown activation function: 'rleu'. Did you mean 'relu'",
    ),
    "activation class": (
        KINDS,
        lambda case: case.make(layers, activation=layers.ReLU),
        TypeError,
        r"ReLU\(\)",
    ),
    "activation number": (
        KINDS,
        lambda case: case.make(layers, activation=3),
        TypeError,
        "Received: 3 of type int",
    ),
    "complex": (
        KINDS,
        lambda case: built(case)(sample(case, "complex64")),
        TypeError,
        "dtype is complex64",
    ),
    "ragged": (
        KINDS,
        lambda case: built(case)(tf.RaggedTensor.from_tensor(sample(case), ragged_rank=1)),
        TypeError,
        r"RaggedTensor.*to_tensor",
    ),
    "integers": (
        ["Conv1D", "Conv2D"],
        lambda case: built(case)(sample(case, "int32")),
        TypeError,
        r"dtype is int32.*tf\.cast",
    ),
    "pixels": (
        ["Conv1D", "Conv2D"],
        lambda case: built(case)(sample(case, "uint8")),
        TypeError,
        r"dtype is uint8.*tf\.cast",
    ),
    "sparse": (
        ["Conv1D", "Conv2D"],
        lambda case: built(case)(tf.sparse.from_dense(sample(case))),
        TypeError,
        r"SparseTensor.*tf\.sparse\.to_dense",
    ),
    "an axis too many": (
        ["Conv1D", "Conv2D"],
        lambda case: built(case)(sample(case)[tf.newaxis]),
        ValueError,
        "must have shape|one axis for each space axis",
    ),
    "smaller than the window": (
        ["Conv1D", "Conv2D"],
        lambda case: built(case)(sample(case)[:, :1]),
        ValueError,
        "no place for the window",
    ),
}
ROWS = [(name, kind) for name, row in OURS.items() for kind in row[0]]


@pytest.mark.parametrize(("name", "kind"), ROWS, ids=[f"{kind}, {name}" for name, kind in ROWS])
def test_is_refused_clearly(name, kind):
    _, call, error, message = OURS[name]
    with pytest.raises(error, match=f"(?s){message}"):
        call(KINDS[kind])


def in_a_model(case, module) -> Any:
    return keras.Sequential([case.make(module, name="layer")], name="model")


# What Keras says, in its words: calls that fail or not with the layer of either module.
THEIRS: dict[str, Any] = {
    "a rank too low": lambda case, module: case.make(module)(tf.zeros(case.sample)),
    "a rank too high for a new layer": lambda case, module: (
        case.make(module)(tf.zeros((1, 1, *case.sample))).shape
    ),
    "channels": lambda case, module: [
        layer(tf.zeros((2, *case.sample))).shape and layer(tf.zeros((2, *case.sample[:-1], 5)))
        for layer in [case.make(module, name="layer")]
    ],
    "no size": lambda case, module: case.make(module, **{next(iter(case.arguments)): 0}),
    "an unknown argument": lambda case, module: case.make(module, colour="red"),
    "an unknown initializer": lambda case, module: case.make(module, kernel_initializer="nil"),
    "unbuilt: kernel": lambda case, module: case.make(module).kernel,
    "unbuilt: weights": lambda case, module: case.make(module).get_weights(),
    "unbuilt: set_weights": lambda case, module: case.make(module).set_weights([np.ones(3)]),
    "unbuilt: lora": lambda case, module: case.make(module).enable_lora(2),
    "unbuilt: count_params": lambda case, module: in_a_model(case, module).count_params(),
    "unbuilt: output": lambda case, module: in_a_model(case, module).output,
    "unbuilt: export": lambda case, module: in_a_model(case, module).export("nowhere"),
    "unbuilt: save_weights": lambda case, module: in_a_model(case, module).save_weights(
        "nowhere/model.weights.h5"
    ),
    "unbuilt: fit without compile": lambda case, module: in_a_model(case, module).fit(
        np.ones((2, *case.sample))
    ),
    "unbuilt: predict builds": lambda case, module: (
        in_a_model(case, module).predict(np.ones((2, *case.sample)), verbose=0).shape
    ),
    "unbuilt: summary": lambda case, module: summary(in_a_model(case, module)),
    "weights of another shape": lambda case, module: [
        layer(tf.zeros((2, *case.sample))).shape and layer.set_weights([np.ones(3), np.ones(3)])
        for layer in [case.make(module, name="layer")]
    ],
    "predict without a sample": lambda case, module: in_a_model(case, module).predict(
        np.ones((0, *case.sample)), verbose=0
    ),
}


def summary(model) -> str:
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    return "\n".join(lines)


def what_happens(call) -> str:
    keras.backend.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)
    try:
        return f"returned {call()}"
    except Exception as error:
        # Where an object lies in memory is not part of what is said.
        return re.sub(r"0x\w+", "", f"{type(error).__name__}: {error}")


@pytest.mark.parametrize("call", THEIRS.values(), ids=THEIRS.keys())
@by_kind
def test_is_answered_as_keras_does(case, call):
    ours, theirs = (what_happens(lambda m=m: call(case, m)) for m in (layers, keras.layers))
    assert ours == theirs


@pytest.mark.parametrize("mode", MODES)
@by_kind
def test_a_batch_of_zero(case, mode):
    """Keras's convolutions fail here in eager mode, and have the wrong shape in a graph."""
    layer, _ = case.pair(activation="relu")
    x = tf.zeros((0, *case.sample))
    found = MODES[mode](lambda x: output_and_gradients(layer, x))(x)
    assert found[0].shape == layer.compute_output_shape(x.shape)
    assert [g.shape for g in found[1:]] == [x.shape, *(w.shape for w in layer.weights)]
    for g in found[1:]:
        np.testing.assert_array_equal(g, 0)
