"""The walk through the layers of a model, by Keras's private hook and without it."""

import keras
import pytest

from keras_course_ext._layers import sublayers, walk

L = keras.layers


class Pair(L.Layer):
    """A custom layer with layers in an attribute, a list and a dict."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = L.Dense(3, name="first")
        self.rest = [L.Dense(3, name="second"), self.first]
        self.more = {"last": L.Dense(3, name="third")}

    def call(self, x):
        return self.more["last"](self.rest[0](self.first(x)))


def model():
    inner = keras.Sequential([L.Dense(4, name="a"), L.Dense(4, name="b")], name="inner")
    shared = L.Dense(4, name="shared")
    i = keras.Input((5, 4), name="x")
    h = shared(inner(shared(i)))
    h = L.MultiHeadAttention(2, 3, name="attention")(h, h)
    h = L.Bidirectional(L.LSTM(2, name="lstm"), name="both")(Pair(name="pair")(h))
    return keras.Model(i, h)


@pytest.fixture(scope="module")
def composite():
    return model()


def test_the_private_hook_is_where_it_was():
    dense = L.Dense(3)
    assert dense._flatten_layers(include_self=False, recursive=False) == []
    model = keras.Sequential([dense])
    assert list(model._flatten_layers(include_self=False, recursive=False)) == [dense]


def test_walk_yields_each_layer_once_before_those_inside_it(composite):
    paths = ["/".join(path) for path, _ in walk(composite)]
    assert len(set(paths)) == len(paths)
    assert paths[:4] == ["x", "shared", "inner", "inner/input_layer"]
    assert paths[4:7] == ["inner/a", "inner/b", "attention"]
    assert paths[paths.index("pair") + 1 :][:3] == ["pair/first", "pair/second", "pair/third"]
    assert "both/forward_lstm/lstm_cell" in paths


def test_walk_continues_only_where_it_is_told(composite):
    shallow = [path for path, _ in walk(composite, into=lambda x: isinstance(x, keras.Model))]
    assert [path[-1] for path in shallow if len(path) == 1] == [
        *("x", "shared", "inner", "attention", "pair", "both")
    ]
    assert {path[0] for path in shallow if len(path) > 1} == {"inner"}


def other_arguments(self):
    raise AssertionError("The hook has other arguments, so its body must not run.")


@pytest.mark.parametrize("hook", [None, other_arguments], ids=["dropped", "other arguments"])
def test_without_the_hook_the_same_layers_are_found(composite, hook, monkeypatch):
    # The public `layers` of a Sequential omits the input layer that Keras adds to it.
    def found():
        return {
            path: {id(s) for s in sublayers(layer) if not isinstance(s, L.InputLayer)}
            for path, layer in walk(composite)
            if path != ("inner", "input_layer")
        }

    by_hook = found()
    monkeypatch.setattr(L.Layer, "_flatten_layers", hook)
    assert found() == by_hook
