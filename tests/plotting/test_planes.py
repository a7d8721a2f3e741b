"""Boundaries lie where the formula has them, and the bent plane is σ(XW + B)."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

import keras_course_ext as kce
from keras_course_ext.plotting import decision_boundary, hidden_space

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
XOR = np.array([0, 1, 1, 0])
# The deck's solution of XOR.
W1, B1 = np.array([[-2.0, 2.0], [-2.0, 2.0]]), np.array([3.0, -1.0])
W2, B2 = np.array([1.0, 1.0]), -1.0


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def sigmoid(z):
    return 1 / (1 + np.exp(-np.asarray(z, np.float64)))


def deck(hidden="sigmoid", output="sigmoid"):
    neurons = kce.layers.Perceptron
    return keras.Sequential(
        [
            keras.Input((2,)),
            neurons(2, hidden, kernel=W1, bias=B1, name="hidden"),
            neurons(1, output, kernel=W2, bias=B2, name="out"),
        ]
    )


def boundary(ax):
    """The vertices of the line that is drawn."""
    (line,) = (c for c in ax.collections if len(c.get_linewidths()) and c.get_linewidths()[0] > 2)
    return np.concatenate([path.vertices for path in line.get_paths()])


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def points(ax, label):
    (line,) = (line for line in ax.get_lines() if line.get_label() == label)
    return np.stack(line.get_data(), axis=1)


AND = {"kernel": [1, 1], "bias": -1.5}
PREDICTORS = {
    "a layer": lambda: kce.layers.Perceptron(activation="sigmoid", **AND),
    "a step": lambda: kce.layers.Perceptron(**AND),
    "a model": lambda: keras.Sequential([keras.Input((2,)), kce.layers.Perceptron(**AND)]),
    "(n,)": lambda: lambda x: sigmoid(x @ [1, 1] - 1.5),
    "(n, 1)": lambda: lambda x: sigmoid(x @ [[1], [1]] - 1.5),
}


@pytest.mark.parametrize("kind", PREDICTORS)
@pytest.mark.parametrize("threshold", [0.5, 0.3])
def test_the_boundary_of_a_perceptron_is_its_line(kind, threshold):
    ax = decision_boundary(PREDICTORS[kind](), X, [0, 0, 0, 1], threshold=threshold)
    shown = boundary(ax)
    step = kind in {"a step", "a model"}
    # Between two values of a step the line lies where one cell of the picture ends.
    offset, within = (1.5, 0.013) if step else (1.5 + np.log(threshold / (1 - threshold)), 1e-3)
    np.testing.assert_allclose(shown.sum(axis=1), offset, atol=within)
    assert np.ptp(shown[:, 0]) > 0.5
    assert legend(ax)[:3] == [f"boundary at {threshold:g}", "class 0", "class 1"]
    right = 4 if step or threshold == 0.5 else 2
    assert ax.get_title() == f"{right} of 4 right"
    np.testing.assert_array_equal(points(ax, "class 1"), [[1, 1]])
    np.testing.assert_array_equal(points(ax, "class 0"), X[:3])


def test_what_is_wrong_is_crossed_out():
    ax = decision_boundary(lambda x: x[:, 0], X, XOR.reshape(4, 1), title="x₁ alone")
    np.testing.assert_array_equal(points(ax, "wrong"), [[0, 1], [1, 1]])
    assert ax.get_title() == "x₁ alone"
    assert decision_boundary(lambda x: x[:, 0], X, XOR).get_title() == "2 of 4 right"


def test_the_deck_separates_xor_by_two_lines_where_sigma_is_a_threshold():
    shown = boundary(decision_boundary(deck("step", "step"), X, XOR)).sum(axis=1)
    assert {0.5, 1.5} == set(np.round(2 * shown) / 2)
    np.testing.assert_allclose(np.abs(shown - 1), 0.5, atol=0.013)


def test_other_classes_and_thresholds():
    ax = decision_boundary(lambda x: 3 * x[:, 1] - 1, X, [-1, 1, -1, 1], threshold=0)
    np.testing.assert_allclose(boundary(ax)[:, 1], 1 / 3, atol=1e-9)
    assert legend(ax)[1:] == ["class -1", "class 1"]
    one = decision_boundary(lambda x: 0 * x[:, 1] + 0.7, X, [1, 1, 1, 1], limits=(-1, 3))
    assert one.get_title() == "4 of 4 right"
    assert legend(one) == ["class 1"]
    assert (one.get_xlim(), one.get_ylim()) == ((-1, 3), (-1, 3))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_outputs_that_are_not_finite_leave_a_hole(value):
    predict = lambda x: np.where(x[:, 0] > 0.9, value, x[:, 0])  # noqa: E731
    ax = decision_boundary(predict, X, XOR)
    np.testing.assert_allclose(boundary(ax)[:, 0], 0.5, atol=1e-6)
    ax.figure.canvas.draw()


BAD = [
    ({"predict": 3}, TypeError, "a callable that takes points"),
    ({"predict": type("SVC", (), {"predict": len})()}, TypeError, "Write `svc.predict`"),
    ({"predict": lambda x: x}, ValueError, r"\(n|lambda x: model\(x\)\[:, 1\]"),
    ({"x": X[:, :1]}, ValueError, r"shape \(n, 2\).* Received: shape \(4, 1\)"),
    ({"x": X * np.nan}, ValueError, "finite"),
    ({"y": XOR[:3]}, ValueError, r"each of the 4 points.* Received: shape \(3,\)"),
    ({"y": [0, 1, 2, 3]}, ValueError, "4 different values. Write `y == k`"),
    ({"threshold": "half"}, ValueError, "threshold='half'"),
    ({"limits": [1, 2, 3]}, ValueError, r"limits=\[1, 2, 3\]"),
    ({"lang": "kr"}, ValueError, "'en' or 'ko'"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_boundaries_refuse_bad_arguments(change, error, message):
    options = {"predict": lambda x: x[:, 0], "x": X, "y": XOR} | change
    with pytest.raises(error, match=message):
        decision_boundary(options.pop("predict"), options.pop("x"), options.pop("y"), **options)


def test_the_deck_picture_of_the_hidden_layer():
    ax = hidden_space(deck(), X, XOR)
    # n = σ(X W₁ + B₁): (0.95, 0.27), twice (0.73, 0.73), and (0.27, 0.95).
    n = np.array([[0.9526, 0.2689], [0.7311, 0.7311], [0.7311, 0.7311], [0.2689, 0.9526]])
    np.testing.assert_allclose(points(ax, "class 0"), n[[0, 3]], atol=1e-4)
    np.testing.assert_allclose(points(ax, "class 1"), n[1:3], atol=1e-4)
    # σ(n₁ + n₂ − 1) = 0.5 where n₁ + n₂ = 1.
    np.testing.assert_allclose(boundary(ax).sum(axis=1), 1.0, atol=1e-9)
    assert {text.get_text() for text in ax.texts} == {"(0, 0)", "(0, 1)\n(1, 0)", "(1, 1)"}
    assert legend(ax) == ["x₁ constant", "x₂ constant", "output = 0.5", "class 0", "class 1"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("n₁", "n₂")


def test_the_grid_is_the_plane_bent():
    ax = hidden_space(deck("tanh"), X, XOR, limits=((-1, 2), (0, 1)))
    grid = [line for line in ax.get_lines() if line.get_linewidth() < 1]
    assert len(grid) == 26
    for k, line in enumerate(grid):
        x = np.full((121, 2), np.linspace(-1, 2, 13)[k % 13])
        x[:, 1] = np.linspace(0, 1, 121)
        if k >= 13:
            x = np.stack([np.linspace(-1, 2, 121), np.full(121, np.linspace(0, 1, 13)[k % 13])], 1)
        np.testing.assert_allclose(
            np.stack(line.get_data(), axis=1), np.tanh(x @ W1 + B1), atol=1e-6
        )


@pytest.mark.parametrize(
    ("output", "threshold", "total"),
    [("sigmoid", 0.585, 1 + np.log(0.585 / 0.415)), ("step", 0.5, 1.0), ("linear", 0.25, 1.25)],
)
def test_the_line_is_where_the_output_crosses_the_threshold(output, threshold, total):
    ax = hidden_space(deck(output=output), X, XOR, threshold=threshold)
    np.testing.assert_allclose(boundary(ax).sum(axis=1), total, atol=1e-6)


def test_a_layer_may_be_chosen_and_what_follows_may_be_deep():
    layers = kce.layers
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(2, name="first"),
            layers.Tanh(),
            layers.Dense(2, "tanh", name="second"),
            layers.Dense(3, "relu"),
            layers.Dense(1, "sigmoid"),
        ]
    )
    W, B = (w.numpy() for w in model.get_layer("first").weights)
    for layer in ("first", 0, model.layers[0]):
        ax = hidden_space(model, X, XOR, layer=layer)
        np.testing.assert_allclose(points(ax, "class 0"), (X @ W + B)[[0, 3]], atol=1e-5)
    ax = hidden_space(model, X, XOR, layer=1, threshold=float(model(X)[0, 0]) * 0.99)
    np.testing.assert_allclose(points(ax, "class 1"), np.tanh(X @ W + B)[1:3], atol=1e-5)
    assert ax.get_title() == "The plane bent by 'tanh'"


def test_more_units_are_seen_from_the_edge_of_the_separating_plane():
    model = keras.Sequential(
        [keras.Input((2,)), kce.layers.Dense(5, "tanh"), kce.layers.Dense(1, "sigmoid")]
    )
    W, B, w, b = (np.float64(v.numpy()) for v in model.weights)
    b[:] = 0.1
    model.layers[1].bias.assign(b)
    ax = hidden_space(model, X, XOR)
    expected = np.tanh(X @ W + B) @ w[:, 0] / np.linalg.norm(w)
    np.testing.assert_allclose(points(ax, "class 1")[:, 0], expected[1:3], atol=1e-5)
    np.testing.assert_allclose(boundary(ax)[:, 0], -b[0] / np.linalg.norm(w), atol=1e-6)
    assert ax.get_xlabel() == "n·w / ‖w‖"
    # Distances in a projection are never longer than they were.
    n = np.tanh(X @ W + B)
    seen = points(ax, "class 1")
    assert np.linalg.norm(seen[0] - seen[1]) <= np.linalg.norm(n[1] - n[2]) + 1e-6


def model_of(*units, inputs=2):
    layers = [kce.layers.Dense(n, name=f"d{i}") for i, n in enumerate(units)]
    return keras.Sequential([keras.Input((inputs,)), *layers])


BAD_MODELS = [
    (lambda: 3, {}, TypeError, "Received: 3"),
    (lambda: keras.Sequential([kce.layers.Dense(1)]), {}, TypeError, r"keras.Input\(\(2,\)\)"),
    (lambda: model_of(2, 1, inputs=3), {}, ValueError, r"of inputs \(None, 3\)"),
    (lambda: model_of(1), {}, ValueError, "at least two dense layers. Received: 1"),
    (lambda: model_of(1, 1), {}, ValueError, "'d0' with 1 units"),
    (lambda: model_of(3, 2), {}, ValueError, "'d0' with 3 units"),
    (lambda: model_of(3, 2, 1), {"layer": "d0"}, ValueError, "'d0' with 3 units"),
    (lambda: model_of(2, 1), {"layer": "d1"}, ValueError, "hidden layer: 'd0'. .*layer='d1'"),
    (lambda: model_of(2, 1), {"layer": 7}, ValueError, "layer=7"),
    (lambda: model_of(2, 1), {"layer": -3}, ValueError, "layer=-3"),
]


@pytest.mark.parametrize(("make", "options", "error", "message"), BAD_MODELS)
def test_models_without_such_a_layer_are_refused(make, options, error, message):
    with pytest.raises(error, match=message):
        hidden_space(make(), X, XOR, **options)
    assert not plt.get_fignums()


def test_several_outputs_have_no_line():
    ax = hidden_space(model_of(2, 3), X, XOR)
    assert legend(ax) == ["x₁ constant", "x₂ constant", "class 0", "class 1"]
