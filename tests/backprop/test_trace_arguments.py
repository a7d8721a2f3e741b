"""What `trace` takes as model, batch and loss, and what it refuses."""

import builtins
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext import layers, losses
from keras_course_ext.backprop import trace

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)), RNG.uniform(0.1, 0.9, size=(6, 3))
LABELS = np.arange(6) % 3


def network(activation="softmax", **config) -> Any:
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, activation, name="out", **config)], name="net"
    )


def two_outputs() -> Any:
    i = keras.Input((4,), name="in")
    outputs = [layers.Dense(3, name="p")(i), layers.Dense(1, name="q")(i)]
    return keras.Model(i, outputs, name="two")


def absolute(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


LOSSES = {
    "a name": ("mse", Y),
    "a class name": ("MeanAbsoluteError", Y),
    "crossentropy, one-hot": ("crossentropy", keras.utils.to_categorical(LABELS)),
    "crossentropy, labels": ("crossentropy", LABELS),
    "labels in a column": ("sparse_categorical_crossentropy", LABELS[:, None]),
    "an object": (keras.losses.Huber(0.1), Y),
    "ours": (losses.CategoricalCrossentropy(label_smoothing=0.1), Y / Y.sum(1, keepdims=True)),
    "a sum": (keras.losses.MeanSquaredError(reduction="sum"), Y),
    "a function": (absolute, Y),
    "a list": (["mae"], Y),
    "a dict": ({"out": "mae"}, {"out": Y}),
    "the function of a name": (keras.losses.mean_squared_error, Y.astype("float32")),
}


@pytest.mark.parametrize("sample_weight", [None, np.arange(6.0)], ids=["", "weighted"])
def test_the_loss_is_keras_s(sample_weight):
    for name, (loss, y) in LOSSES.items():
        model = network()
        model.compile(loss=loss, loss_weights=None)
        found = trace(model, X, y, sample_weight=sample_weight)
        target = y["out"] if isinstance(y, dict) else y
        y_pred = model(tf.constant(X))
        weight = None if sample_weight is None else tf.constant(sample_weight)
        # A dict of one loss goes with a bare target in Keras.
        model.compile(loss=loss["out"] if isinstance(loss, dict) else loss)
        expected = model.compute_loss(None, tf.constant(target), y_pred, weight)
        np.testing.assert_allclose(found.loss, expected, rtol=1e-6, err_msg=name)
        assert trace(model, X, target, loss, sample_weight=sample_weight).check().ok


def test_loss_weights_and_outputs_without_a_loss():
    model = two_outputs()
    y = [Y, Y[:, :1]]
    plain = trace(model, X, y, "mse")
    p, q = plain.losses["p"], plain.losses["q"]
    np.testing.assert_allclose(plain.loss, p + q, rtol=1e-6)
    for weights in ([2.0, 0.5], {"p": 2.0, "q": 0.5}):
        found = trace(model, X, y, ["mse", "mse"], loss_weights=weights)
        assert found.losses == plain.losses
        np.testing.assert_allclose(found.loss, 2 * p + 0.5 * q, rtol=1e-6)
        model.compile(loss=["mse", "mse"], loss_weights=weights)
        np.testing.assert_allclose(trace(model, X, y).loss, found.loss, rtol=1e-7)
    alone = trace(model, X, {"q": Y[:, :1]}, {"q": "mse"})
    assert alone.losses == {"q": q}
    assert alone["p"].da is None
    assert not alone["p"].weights[0].gradient.any()
    assert "no gradient arrives" in str(alone)
    assert alone.check().ok


def test_rows_as_python_lists():
    found = trace(network("linear"), X.tolist(), Y.tolist(), "mse")
    np.testing.assert_allclose(found.layers[0].a, X, rtol=1e-6)
    assert trace(network("linear"), [X], [Y], "mse").check().ok


def test_the_structure_of_the_inputs_is_the_model_s():
    i, j = keras.Input((4,), name="i"), keras.Input((4,), name="j")
    out = layers.Dense(3)(i + 2 * j)
    in_list = trace(keras.Model([i, j], out), [X, 3 * X], Y, "mse")
    for model, x in (
        (keras.Model([i, j], out), {"j": 3 * X, "i": X}),
        (keras.Model({"i": i, "j": j}, out), {"j": 3 * X, "i": X}),
        (keras.Model({"i": i, "j": j}, out), [X, 3 * X]),
    ):
        found = trace(model, x, Y, "mse")
        assert [(la.name, la.inputs) for la in found.layers][:2] == [("i", ()), ("j", ())]
        assert found.layers[2].inputs == (1, 2)
        assert found.loss == in_list.loss
    one = keras.Model([i], layers.Dense(3)(i))
    assert trace(one, X, Y, "mse").loss == trace(one, [X], Y, "mse").loss


def unbuilt():
    return keras.Sequential([layers.Dense(3)], name="bare")


REFUSED = {
    "no model": (lambda: trace(layers.Dense(3), X, Y, "mse"), TypeError, "keras.Sequential"),  # type: ignore
    "not built": (lambda: trace(unbuilt(), X, Y, "mse"), ValueError, "model.build(x.shape)"),
    "no loss": (lambda: trace(network(), X, Y), ValueError, "loss='mse'"),
    "only None": (lambda: trace(network(), X, Y, [None]), ValueError, "only None"),
    "a loss's name": (lambda: trace(network(), X, Y, "no_such"), ValueError, "no_such"),
    "zero": (lambda: trace(network(), X[:0], Y[:0], "mse"), ValueError, "a batch of zero"),
    "one sample": (lambda: trace(network(), X[0], Y[0], "mse"), ValueError, "x[np.newaxis]"),
    "width": (
        lambda: trace(network(), X[:, :2], Y, "mse"),
        ValueError,
        "(batch, 4). Received: (6, 2)",
    ),
    "two inputs": (lambda: trace(network(), [X, X], Y, "mse"), ValueError, "1 input(s): 'input'"),
    "an input's name": (
        lambda: trace(two_outputs(), {"other": X}, [Y, Y], "mse"),
        ValueError,
        "1 input(s): 'in'. Received: 'other'",
    ),
    "fewer targets": (
        lambda: trace(network(), X, Y[:5], "mse"),
        ValueError,
        "each of the 6 samples",
    ),
    "a broadcast": (
        lambda: trace(network(), X, Y[:, :1], "mse"),
        ValueError,
        "shape of the predictions, (6, 3). Received: targets of shape (6, 1)",
    ),
    "another width": (
        lambda: trace(network(), X, Y[:, :2], losses.CategoricalCrossentropy()),
        ValueError,
        "cannot compare targets of shape (6, 2) with predictions of shape (6, 3)",
    ),
    "one target for two": (lambda: trace(two_outputs(), X, Y, "mse"), ValueError, "'p', 'q'"),
    "three targets for two": (
        lambda: trace(two_outputs(), X, [Y, Y, Y], "mse"),
        ValueError,
        "each of the 2 output(s): 'p', 'q'. Received: 3",
    ),
    "a target's name": (
        lambda: trace(two_outputs(), X, {"p": Y, "r": Y}, "mse"),
        ValueError,
        "does not have. Received: 'r'",
    ),
    "a target missing": (
        lambda: trace(two_outputs(), X, {"p": Y}, "mse"),
        ValueError,
        "no target for the output 'q'",
    ),
    "a loss a sample": (
        lambda: trace(network(), X, Y, keras.losses.MeanSquaredError(reduction=None)),
        ValueError,
        "has shape (6,)",
    ),
    "weights": (
        lambda: trace(network(), X, Y, "mse", sample_weight=np.ones(4)),
        ValueError,
        "sample weights of the output 'out'",
    ),
    "a dataset": (
        lambda: trace(network(), tf.data.Dataset.from_tensors(X), Y, "mse"),
        TypeError,
        "next(iter(dataset))",
    ),
    "ragged": (
        lambda: trace(network(), tf.ragged.constant([[1.0], [1.0, 2.0]]), Y, "mse"),
        TypeError,
        ".to_tensor()",
    ),
    "sparse": (
        lambda: trace(network(), tf.sparse.from_dense(X), Y, "mse"),
        TypeError,
        "tf.sparse.to_dense",
    ),
    "complex": (lambda: trace(network(), X + 1j, Y, "mse"), TypeError, "complex128"),
    "words": (lambda: trace(network(), object(), Y, "mse"), TypeError, "must be an array"),
    "in a graph": (
        lambda: tf.function(lambda: trace(network(), X, Y, "mse"))(),
        RuntimeError,
        "Call it outside",
    ),
    "a layer": (lambda: trace(network(), X, Y, "mse")["inner"], KeyError, "'input', 'out'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_what_to_write_instead(case):
    call, error, said = REFUSED[case]
    with pytest.raises(error) as raised:
        call()
    assert said in str(raised.value)


def test_texts():
    model = network("linear", kernel_regularizer="l2")
    found = trace(model, X, Y, "mse")
    assert repr(found) == f"<Trace of 'net': 2 layers, loss {found.loss:.6g}>"
    text = str(found)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100
    assert "∂L/∂W⁽²⁾       = A⁽¹⁾ᵀ δ⁽²⁾ + ∂R/∂W" in text
    assert "1/n Σ (T − A)², mean over the" in text
    large = np.ones((50, 4))
    assert "50 × 4, norm 14.142, 1 … 1" in str(trace(model, large, np.ones((50, 3)), "mse"))


def test_html_is_one_page_and_escapes(tmp_path):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)], name="a<b>&c")
    found = trace(model, X, Y, "mse")
    page = found.to_html(tmp_path / "trace.html")
    assert (tmp_path / "trace.html").read_text("utf-8") == page
    assert "a&lt;b&gt;&amp;c" in page
    assert "<b>" not in page
    assert "∂L/∂W⁽²⁾" in page
    assert not any(word in page for word in ("http:", "https:", "<script", "<link", "src="))


def test_html_without_jinja2(monkeypatch):
    import_module = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "jinja2":
            raise ImportError(name)
        return import_module(name, *args, **kwargs)

    found = trace(network(), X, Y, "mse")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pip install "keras-course-ext\[html\]"'):
        found.to_html()
