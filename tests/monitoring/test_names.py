"""Names of weights and layers: told apart by layer and attribute, and short ones distinct."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from keras_course_ext.monitoring import Finding, GradientHistory, Key, LayerInfo
from keras_course_ext.monitoring.capture.layers import layer_entries
from keras_course_ext.monitoring.record.names import short_names
from keras_course_ext.plotting import depth, gradients, lines


class Linear(keras.layers.Layer):
    """As in Keras's guide: weights without names."""

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 3))
        self._b = self.add_weight(shape=(3,), initializer="zeros")
        self.named = self.add_weight(shape=(3,), name="scale")
        self.again = self.w
        self.experts = [self.add_weight(shape=(shape[-1], 3)) for _ in range(2)]
        self.gates = {"in": self.add_weight(shape=(3,))}

    def call(self, x):
        return x @ self.w + self._b


class Cell(keras.layers.Layer):
    state_size = 3

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 3))
        self.u = self.add_weight(shape=(3, 3))

    def call(self, x, states):
        state = x @ self.w + states[0] @ self.u
        return state, [state]


def names_of(*layers, shape=(5,)):
    model = keras.Sequential([keras.Input(shape), *layers])
    return [list(entry.weights) for entry in layer_entries(model)]


def test_unnamed_weights_have_the_names_of_their_attributes():
    expected = ["w", "b", "scale", "experts_0", "experts_1", "gates_in"]
    assert names_of(Linear(), Linear()) == [expected, expected]
    # The counter of the process has gone on, the names have not.
    assert names_of(Linear()) == [expected]
    assert names_of(keras.layers.RNN(Cell()), shape=(4, 5)) == [["w", "u"]]


def test_a_weight_that_no_attribute_holds_is_numbered_in_its_layer():
    class Hidden(keras.layers.Layer):
        def build(self, shape):
            for _ in range(2):
                self.add_weight(shape=(3,))

        def call(self, x):
            return x

    assert names_of(Hidden(), Hidden()) == [["variable", "variable_2"]] * 2


# Names that differ in a number or in the last part only.
LONG = [
    f"functional_1/transformer_block_{i}/multi_head_attention/{part}"
    for i in (1, 2, 11, 12)
    for part in ("query", "key", "value", "attention_output")
]


@pytest.mark.parametrize("longest", [8, 12, 16, 22, 40, 100])
def test_short_names_are_distinct_and_short(longest):
    short = short_names([*LONG, "dense"], longest)
    assert list(short) == [*LONG, "dense"]
    assert len(set(short.values())) == len(short)
    assert max(map(len, short.values())) <= longest
    assert short["dense"] == "dense"
    if longest == 22:
        assert short[LONG[0]].endswith("_1/mu…on/query")
        assert short[LONG[9]].endswith("11/mu…ion/key")
    if longest == 100:
        assert list(short.values())[:-1] == LONG


def test_siblings_are_distinct_in_the_pictures():
    layers = LONG[:4]
    history = GradientHistory([LayerInfo(name) for name in layers])
    keys = [Key(name, t, "grad_norm") for name in layers for t in ("kernel", "output")]
    history.append([0, 1], [0, 0], keys, np.ones((2, 8)))
    rows = gradients(history).get_yticklabels()
    legend = lines(history).get_legend().get_texts()[::-1]
    for labels in (rows, legend, depth(history).get_xticklabels()):
        ends = [label.get_text().rsplit("/")[-1] for label in labels]
        assert ends == ["query", "key", "value", "at…ut"]
    plt.close("all")


def test_a_finding_prints_no_control_characters_of_a_name():
    """Found by tests/fuzz: ESC of a layer's name came into the text of a finding."""
    name = "\x1b[31mdense\n"
    finding = Finding("dead", name, 0, 7, f"All units of '{name}' are 0.", "Lower it.")
    assert str(finding).isprintable()
    assert str(finding).count("\\x1b[31mdense\\n") == 2
