"""A trace of any Keras model: its numbers are autodiff's, its loss and gradients Keras's own."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext import layers
from keras_course_ext.backprop import trace

L = keras.layers
RNG = np.random.default_rng(0)


def real(*shape):
    return RNG.normal(size=shape).astype("float32")


def classes(n, *shape):
    return RNG.integers(0, n, shape)


def cnn(**frozen):
    convolution = L.Conv2D(3, 3, activation="relu", **frozen)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            convolution,
            L.BatchNormalization(),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dropout(0.3),
            layers.Dense(4, "relu", kernel_regularizer="l2"),
            L.Dense(3, "softmax"),
        ]
    )


def several_outputs_shared_and_nested():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    shared = layers.Dense(5, "tanh", name="shared", activity_regularizer="l1")
    h = keras.ops.concatenate([shared(a), shared(b)], -1) * 2.0
    h = L.Add()([h, L.Dense(10, name="wide")(h)])
    inner = keras.Sequential([keras.Input((10,)), layers.Dense(4, "relu"), L.Dense(2, name="last")])
    return keras.Model([a, b], [inner(h), L.Dense(1, "sigmoid", name="p")(h)])


def dicts():
    a = keras.Input((4,), name="a")
    return keras.Model({"a": a}, {"u": L.Dense(3, name="z")(a), "v": L.Dense(1, name="y")(a)})


def recurrent():
    i = keras.Input((5,), dtype="int32")
    h = L.Embedding(7, 4, mask_zero=True)(i)
    h = L.Bidirectional(L.LSTM(2, return_sequences=True))(h)
    h = L.TimeDistributed(L.Dense(3, "relu"))(h)
    h, state = L.GRU(2, return_state=True)(h)
    return keras.Model(i, L.Dense(1)(L.Activation("tanh")(L.Concatenate()([h, state]))))


def attention():
    i = keras.Input((5, 4))
    h = L.LayerNormalization()(i)
    h = i + L.MultiHeadAttention(2, 3)(h, h)
    h = L.GlobalAveragePooling1D()(L.Dense(4, "gelu")(h))
    return keras.Model(i, L.Softmax()(L.Dense(3)(h)))


# "mish" is the one whose derivative is not in the table of `ops`.
ACTIVATIONS = {"sigmoid", "tanh", "relu", "leaky_relu", "relu6", "elu", "selu", "softplus"}
ACTIVATIONS |= {"softsign", "exponential", "silu", "gelu", "hard_sigmoid", "softmax"}
ACTIVATIONS |= {"log_softmax", "hard_tanh", "mish"}


def activations():
    # Side by side, so that the gradient of none has vanished on its way.
    i = keras.Input((6,))
    h = [layers.Dense(6, name, name=f"dense_{name}")(i) for name in sorted(ACTIVATIONS)]
    own = [L.ReLU(), L.ReLU(negative_slope=0.3), L.LeakyReLU(), L.PReLU("ones"), L.ELU()]
    own += [layers.Sigmoid(), layers.Tanh(), layers.Softplus(), layers.Softmax()]
    own += [L.Activation("tanh"), L.Dense(6, L.LeakyReLU(0.1))]
    h += [one(i) for one in own]
    h = L.Softmax()(L.Dense(6)(L.Average()(h)))
    return keras.Model(i, L.Dropout(0.1)(h))  # returns its input, with the logits on it


def logits_twice():
    i = keras.Input((3,))
    p = L.Dense(3, "softmax", name="p")(i)
    return keras.Model(i, [p, L.Dense(2, name="q")(p)])


class WithAddedLoss(L.Layer):
    def __init__(self):
        super().__init__()
        self.dense = L.Dense(3, activity_regularizer="l2")

    def build(self, shape):
        self.dense.build(shape)

    def call(self, x):
        h = self.dense(x)
        self.add_loss(0.1 * tf.reduce_mean(h * h))
        return tf.tanh(h) + x


class Block(L.Layer):
    """A layer around another one, which reads the mask that is noted on its input."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.supports_masking = inner, True

    def build(self, shape):
        if not self.inner.built:
            self.inner.build(shape)

    def call(self, x):
        return self.inner(x)

    def compute_mask(self, inputs, previous_mask):
        return None


def masked_inside():
    return keras.Sequential([keras.Input((4, 3)), L.Masking(), Block(L.LSTM(2)), L.Dense(1)])


def used_alone_and_inside():
    shared = layers.Dense(3, "tanh", name="shared")
    return keras.Sequential([keras.Input((3,)), shared, Block(shared)])


PADDED = real(3, 4, 3)
PADDED[:, 2:] = 0


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(3, "relu"), L.Dense(2)
        self.scale = self.add_weight(shape=(3,), name="scale")
        self(real(1, 3))

    def call(self, x):
        return self.second(self.first(x) * self.scale)


def same_names():
    one = keras.Sequential([keras.Input((4,)), L.Dense(4, "relu", name="d")], name="one")
    two = keras.Sequential([keras.Input((4,)), L.Dense(4, "tanh", name="d")], name="two")
    return keras.Sequential([keras.Input((4,)), one, two, one])


def in_policy(policy):
    last = layers.Dense(1, "sigmoid", dtype="float32")
    dense, theirs = layers.Dense(8, "relu", dtype=policy), L.Dense(8, "silu", dtype=policy)
    return keras.Sequential([keras.Input((4,)), dense, theirs, last])


def with_lora():
    model: Any = keras.Sequential([keras.Input((4,)), layers.Dense(4, "relu"), L.Dense(2)])
    model.layers[0].enable_lora(2)
    return model


def noisy():
    return keras.Sequential(
        [
            keras.Input((9, 4)),
            L.Conv1D(3, 3, activation="elu", padding="causal"),
            L.SeparableConv1D(3, 2, activation="tanh"),
            L.Masking(),
            L.SimpleRNN(3),
            L.Rescaling(2.0),
            L.GaussianNoise(0.1),
            L.Dense(2, "relu"),
        ]
    )


CE, SPARSE = "categorical_crossentropy", "sparse_categorical_crossentropy"
ONE_HOT = keras.utils.to_categorical([0, 1, 2, 3], 6)
# Model, x, y, loss and further arguments of `trace`; a new row is a new case.
MODELS = {
    "CNN with BatchNormalization": (cnn, real(5, 8, 8, 1), classes(3, 5), SPARSE, {}),
    "the same in training": (cnn, real(5, 8, 8, 1), classes(3, 5), SPARSE, {"training": True}),
    "a frozen layer": (
        lambda: cnn(trainable=False),
        real(5, 8, 8, 1),
        classes(3, 5),
        SPARSE,
        {},
    ),
    "several, shared, nested": (
        several_outputs_shared_and_nested,
        [real(6, 4), real(6, 4)],
        [real(6, 2), classes(2, 6, 1)],
        ["mse", "binary_crossentropy"],
        {"loss_weights": [0.3, 2.0], "sample_weight": [np.arange(6.0), np.ones(6)]},
    ),
    "dicts": (
        dicts,
        {"a": real(3, 4)},
        {"u": real(3, 3), "v": real(3, 1)},
        {"u": "mse", "v": "mae"},
        {"loss_weights": {"u": 2.0, "v": 1.0}},
    ),
    "Embedding, LSTM, GRU": (recurrent, classes(7, 4, 5), real(4, 1), "huber", {}),
    "attention": (attention, real(2, 5, 4), ONE_HOT[:2, :3], CE, {}),
    "activations": (activations, real(4, 6), ONE_HOT, CE, {}),
    "softmax as output and feature": (
        logits_twice,
        real(4, 3),
        [classes(3, 4), real(4, 2)],
        ["crossentropy", "mse"],
        {},
    ),
    "losses added in a call": (
        lambda: keras.Sequential([keras.Input((3,)), L.Dense(3, "relu"), WithAddedLoss()]),
        real(4, 3),
        real(4, 3),
        "mse",
        {},
    ),
    "a mask read inside a layer": (masked_inside, PADDED, real(3, 1), "mse", {}),
    "a layer alone and inside another": (
        used_alone_and_inside,
        real(4, 3),
        real(4, 3),
        "mse",
        {},
    ),
    "subclassed": (Subclassed, real(4, 3), real(4, 2), "mse", {}),
    "two layers of one name": (same_names, real(3, 4), real(3, 4), "mse", {}),
    "LoRA": (with_lora, real(3, 4), real(3, 2), "mse", {}),
    "rank 4": (
        lambda: keras.Sequential(
            [keras.Input((2, 3, 4)), layers.Dense(5, "tanh"), L.Dense(2, "softmax")]
        ),
        real(3, 2, 3, 4),
        real(3, 2, 3, 2) ** 2,
        CE,
        {},
    ),
    "mixed_float16": (
        lambda: in_policy("mixed_float16"),
        real(6, 4),
        classes(2, 6, 1),
        "binary_crossentropy",
        {},
    ),
    "mixed_bfloat16": (
        lambda: in_policy("mixed_bfloat16"),
        real(6, 4),
        classes(2, 6, 1),
        "binary_crossentropy",
        {},
    ),
    "random layers in training": (noisy, real(3, 9, 4), real(3, 2), "mse", {"training": True}),
}


def plain_gradients(model, x, y, arguments):
    """Loss and gradients of the compiled model by a tape, as `train_step` computes them."""
    convert = lambda v: keras.tree.map_structure(tf.convert_to_tensor, v)  # noqa: E731
    with tf.GradientTape() as tape:
        y_pred = model(convert(x), training=arguments.get("training", False))
        weight = arguments.get("sample_weight")
        loss = model.compute_loss(None, convert(y), y_pred, weight)
    weights = model.trainable_weights
    gradients = tape.gradient(loss, [w.value for w in weights])
    return loss, {
        id(w): tf.zeros(w.shape) if g is None else tf.convert_to_tensor(g)
        for w, g in zip(weights, gradients, strict=True)
    }


def bits(model):
    return [variable.numpy().tobytes() for variable in model.variables]


@pytest.mark.parametrize("name", MODELS)
def test_a_trace_is_autodiff_s_and_keras_s_own(name):
    make, x, y, loss, arguments = MODELS[name]
    model: Any = make()
    model.compile(loss=loss, loss_weights=arguments.get("loss_weights"))
    before = bits(model)
    found = trace(model, x, y, loss, **arguments)
    assert found.check().ok
    assert bits(model) == before
    value, gradients = plain_gradients(model, x, y, arguments)
    half = "mixed" in name
    np.testing.assert_allclose(found.loss, value, rtol=1e-2 if half else 1e-6)
    by_path = {(w.path, w.shape): gradients[id(w)] for w in model.trainable_weights}
    if name != "two layers of one name":  # these have one path
        for layer in found.layers:
            for weight in layer.weights:
                if weight.trainable:
                    expected = by_path[weight.path, weight.value.shape].numpy()
                    atol = (5e-2 if half else 2e-5) * max(np.abs(expected).max(), 1e-2)
                    np.testing.assert_allclose(weight.gradient, expected, rtol=0, atol=atol)
    assert all(w.gradient.dtype == w.value.dtype for la in found.layers for w in la.weights)
    str(found)


def traced(name):
    make, x, y, loss, arguments = MODELS[name]
    return trace(make(), x, y, loss, **arguments)


def test_layers_are_numbered_in_order_and_say_what_feeds_them():
    found = traced("several, shared, nested")
    assert [(la.number, la.name, la.role, la.inputs) for la in found.layers] == [
        (1, "a", "input", ()),
        (2, "b", "input", ()),
        (3, "shared", "hidden", (1,)),
        (4, "shared, call 2", "hidden", (2,)),
        (5, "wide", "hidden", (3, 4)),
        (6, found.layers[5].name, "hidden", (3, 4, 5)),
        (7, "p", "output", (6,)),
        (8, found.layers[7].name, "hidden", (6,)),
        (9, "last", "output", (8,)),
    ]
    first, second = found["shared"].weights[0], found["shared, call 2"].weights[0]
    np.testing.assert_array_equal(first.gradient, second.gradient)
    assert not np.array_equal(found["shared"].delta, found["shared, call 2"].delta)


def test_a_fused_activation_shows_z_and_its_derivative_is_written_out():
    found = traced("activations")
    written = {la.activation: la.derivative for la in found.layers if la.name.startswith("dense_")}
    assert written.pop("mish") is None  # not written here, by TensorFlow's gradient
    assert written.pop(None) is None  # the layer without one
    assert set(written) == ACTIVATIONS - {"mish"}
    assert all(written.values())
    for name in ACTIVATIONS:
        layer = found[f"dense_{name}"]
        again = getattr(keras.activations, name)(layer.z)
        np.testing.assert_allclose(layer.a, again, rtol=1e-5, atol=1e-6)
    sloped = [la for la in found.layers if la.kind == "ReLU"]
    assert [la.derivative for la in sloped] == ["[Z > 0]", None]  # the second has a slope


def test_what_has_no_gradient_is_none():
    found = traced("Embedding, LSTM, GRU")
    first, embedding = found.layers[:2]
    assert first.a.dtype == np.int32
    assert first.da is None
    assert embedding.inputs == (1,)
    assert embedding.weights[0].gradient.shape == (7, 4)
    assert np.abs(embedding.weights[0].gradient).max() > 0
    frozen = traced("a frozen layer").layers[1]
    assert [w.trainable for w in frozen.weights] == [False, False]
    assert np.abs(frozen.weights[0].gradient).max() > 0
    assert [w.name for w in traced("CNN with BatchNormalization").layers[2].weights] == [
        "gamma",
        "beta",
    ]


def test_a_layer_inside_another_is_part_of_it():
    found = traced("a layer alone and inside another")
    assert [la.kind for la in found.layers] == ["InputLayer", "Dense", "Block"]


def test_the_model_is_free_of_hooks_afterwards_even_after_an_error():
    model: Any = several_outputs_shared_and_nested()
    _, x, y, _, _ = MODELS["several, shared, nested"]
    attributes = [sorted(vars(layer)) for layer in model.layers]

    def fails(y_true, y_pred):
        raise RuntimeError("no loss today")

    for loss in ("mse", fails):
        try:
            trace(model, x, y, loss)
        except RuntimeError:
            assert loss is fails
        assert [sorted(vars(layer)) for layer in model.layers] == attributes
