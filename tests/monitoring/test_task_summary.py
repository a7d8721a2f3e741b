"""What is computed of inputs and targets: against minimization, and against plain loops."""

import numpy as np
import pytest

from keras_course_ext.monitoring.record.activation_ranges import RANGES, out_of_reach
from keras_course_ext.monitoring.record.constant_loss import constant_loss, least_loss
from keras_course_ext.monitoring.record.layer_paths import ancestors, is_behind_softmax
from keras_course_ext.monitoring.record.schema import LayerInfo
from keras_course_ext.monitoring.record.task_summary import input_info, target_info

RANDOM = np.random.default_rng(1)
GRID = np.linspace(1e-4, 1 - 1e-4, 4001)


def squared(c, y):
    return ((y - c) ** 2).mean()


def absolute(c, y):
    return np.abs(y - c).mean()


def binary(c, y):
    return -(y * np.log(c) + (1 - y) * np.log(1 - c)).mean()


# Loss, its formula, targets of one column; the best constant is searched for on a grid.
ONE_COLUMN = {
    "mean_squared_error": (squared, RANDOM.random(50)),
    "half_squared_error": (lambda c, y: squared(c, y) / 2, RANDOM.random(50)),
    "mean_absolute_error": (absolute, RANDOM.random(51)),
    "binary_crossentropy": (binary, (RANDOM.random(60) < 0.3).astype(float)),
    "mean_squared_logarithmic_error": (
        lambda c, y: ((np.log1p(y) - np.log1p(c)) ** 2).mean(),
        RANDOM.random(40),
    ),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ONE_COLUMN)
def test_the_loss_of_the_best_constant_is_the_smallest_on_a_grid(loss, weighted):
    formula, y = ONE_COLUMN[loss]
    weights = RANDOM.integers(1, 4, len(y)) if weighted else np.ones(len(y), int)
    # A sample with weight 3 counts as three; Keras divides by the number of samples.
    repeated = np.repeat(y, weights)
    expected = min(formula(c, repeated) for c in GRID) * weights.mean()
    found = constant_loss(loss, y, weights if weighted else None, 1)
    assert found == pytest.approx(expected, rel=1e-3)
    assert found <= expected * (1 + 1e-9)


def test_the_loss_of_constant_probabilities_is_their_entropy():
    classes = np.array([0, 0, 1, 2, 2, 2])
    p = np.array([2, 1, 3]) / 6
    entropy = -(p * np.log(p)).sum()
    assert constant_loss("sparse_categorical_crossentropy", classes, None, 5) == pytest.approx(
        entropy
    )
    rows = np.eye(3)[classes]
    assert constant_loss("categorical_crossentropy", rows, None, 3) == pytest.approx(entropy)
    assert constant_loss("poisson", classes, None, 1) is None
    assert constant_loss("mean_squared_error", np.array([1.0, np.nan]), None, 1) is None
    assert constant_loss("mean_squared_error", np.ones(4), np.zeros(4), 1) is None


def test_the_least_loss_is_that_of_the_targets_themselves():
    y = RANDOM.random((20, 3))
    assert least_loss("binary_crossentropy", y, None) == pytest.approx(binary(y, y))
    assert least_loss("binary_crossentropy", np.array([0.0, 1.0]), None) == pytest.approx(0)
    assert least_loss("mean_squared_error", y, None) == 0


@pytest.mark.parametrize("activation", RANGES)
def test_what_an_activation_reaches_is_within_reach(activation):
    low, high = np.clip(RANGES[activation], -50, 50)
    y = RANDOM.uniform(low, high, (100, 1))
    if activation in ("softmax", "sparsemax"):
        y = np.c_[y, 1 - y]
    assert out_of_reach(activation, y) == pytest.approx(0, abs=1e-12)


def test_what_an_activation_does_not_reach():
    y = np.array([-2.0, 2.0])
    assert out_of_reach("tanh", y) == pytest.approx(1 / 4)  # 1² of a variance of 2²
    assert out_of_reach("relu", y) == pytest.approx(2 / 4)
    both = out_of_reach("softmax", np.array([[1.0, 1.0], [0.0, 1.0]]))
    constant = out_of_reach("sigmoid", np.full(3, 7.0))
    assert both is not None
    assert constant is not None
    assert 0.05 < both < 1e30 < constant
    assert out_of_reach("own", y) is None


def test_inputs():
    x = np.array([[1.0, 5.0, np.nan], [3.0, 5.0, 2.0]])
    info = input_info("x", x)
    assert (info.columns, info.samples, info.smallest, info.largest) == (3, 2, 1.0, 5.0)
    assert info.non_finite_share == pytest.approx(1 / 6)
    assert info.largest_scale == 5.0
    assert info.constant_columns == 1
    assert input_info("x", np.full((2, 2), np.nan)).non_finite_share == 1


# Targets, and the number of classes that they can be.
CLASSES = {
    "one-hot": (np.eye(4)[[0, 1, 3]], 4),
    "numbers": (np.array([0, 2, 1, 1]), 3),
    "from 1": (np.array([1, 2, 3]), 4),
    "with a gap": (np.array([0, 5]), 0),
    "fractions": (np.array([0.5, 1.0]), 0),
    "one only": (np.array([1, 1]), 0),
    "several labels": (np.array([[1, 1, 0], [0, 1, 0]]), 0),
}


@pytest.mark.parametrize("name", CLASSES)
def test_targets_that_can_be_classes(name):
    y, classes = CLASSES[name]
    info = target_info(y)
    assert info.classes == classes
    assert info.one_hot == (name == "one-hot")
    assert info.shape == y.shape[1:]


def layers(inputs, kinds=None):
    kinds = kinds or {}
    return [LayerInfo(n, kinds.get(n, "Dense"), inputs=i) for n, i in inputs.items()]


def test_ancestors_follow_the_graph_and_without_it_the_order():
    found = ancestors(layers({"a": (), "b": ("a",), "c": (), "d": ("b", "c")}))
    assert found == {"a": set(), "b": {"a"}, "c": set(), "d": {"a", "b", "c"}}
    found = ancestors(layers({"a": None, "b": None, "c": None}))
    assert found["c"] == {"a", "b"}
    found = ancestors(layers({"x": (), "mha/query": None, "mha": ("x",), "y": ("mha",)}))
    assert found["mha/query"] == {"x"}
    assert found["y"] == {"x", "mha", "mha/query"}


def test_queries_and_keys_are_known_by_their_role():
    infos = {
        i.name: i
        for i in layers({"a": (), "a/query": None, "a/value": None}, {"a": "MultiHeadAttention"})
    }
    assert [is_behind_softmax(i, infos) for i in infos.values()] == [False, True, False]
    assert not is_behind_softmax(LayerInfo("b/query"), {"b": LayerInfo("b")})
