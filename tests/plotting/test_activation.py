"""The curves of activations are those of the formulas, written out once more."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf

import keras_course_ext as kce
from keras_course_ext.plotting import activation

NOT_CURVES = {"deserialize", "get", "serialize", "softmax", "log_softmax"}
NAMES = sorted(set(kce.activations.__all__) - NOT_CURVES)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


FORMULAS = {
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x))),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "relu": (lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0)),
    "softplus": (lambda x: np.log(1 + np.exp(x)), sigmoid),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    "silu": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x)))),
    "step": (lambda x: 1.0 * (x > 0), lambda x: 0 * x),
    "linear": (lambda x: x, lambda x: 1 + 0 * x),
    "exponential": (np.exp, np.exp),
    "elu": (lambda x: np.where(x > 0, x, np.exp(x) - 1), lambda x: np.minimum(np.exp(x), 1)),
}


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize("name", FORMULAS)
def test_curves_are_those_of_the_formula(name):
    f, slope = activation(name, limits=(-5, 5)).get_lines()[:2]
    x = np.linspace(-5, 5, 1201)
    for line, formula in zip((f, slope), FORMULAS[name], strict=True):
        np.testing.assert_allclose(line.get_xdata(), x, atol=1e-12)
        np.testing.assert_allclose(line.get_ydata(), formula(x), rtol=1e-9, atol=1e-9)
    assert (f.get_linestyle(), slope.get_linestyle()) == ("-", "--")


@pytest.mark.thin("sigmoid", "relu", "gelu")
@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_drawn_and_its_derivative_fits_its_curve(name):
    ax = activation(name)
    f, slope = (line.get_ydata() for line in ax.get_lines()[:2])
    rise, mean = np.diff(f) / 0.01, (slope[1:] + slope[:-1]) / 2
    # Two intervals at most: those beside a bend or a jump.
    assert (np.abs(rise - mean) > 0.02 + 0.001 * np.abs(mean)).sum() <= 4
    assert legend(ax)[:2] == [name, f"{name}′"]
    ax.figure.canvas.draw()


# Of the formulas: σ′(0) = 1/4; silu″ = 0 at 2.3994; gelu″ = 0 at √2, where f′ = 1.1289.
LARGEST = {
    "sigmoid": "0.25 at x = 0",
    "tanh": "1 at x = 0",
    "silu": "1.1 at x = 2.4",
    "gelu": "1.13 at x = 1.41",
    "selu": "1.76 at x = 0",
    "relu": "1",
    "hard_sigmoid": "0.167",
    "softplus": None,
    "exponential": None,
}


@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_derivative_is_marked(name):
    ax = activation(name)
    expected = [] if LARGEST[name] is None else [f"max f′ = {LARGEST[name]}"]
    assert legend(ax)[2:] == expected
    assert len(ax.get_lines()) == 4 + len(expected)
    if name == "sigmoid":
        (dot,) = (line for line in ax.get_lines() if line.get_label().startswith("max"))
        assert np.ravel(dot.get_data()).tolist() == [0.0, 0.25]


def test_the_derivative_is_the_one_of_the_function_itself():
    @tf.custom_gradient
    def cube(x):
        return x**3, lambda dy: dy * 7

    ax = activation(cube, limits=(0, 2))
    f, slope = ax.get_lines()[:2]
    np.testing.assert_allclose(f.get_ydata(), f.get_xdata() ** 3)
    np.testing.assert_array_equal(slope.get_ydata(), 7.0)
    assert ax.get_title() == "cube"


@pytest.mark.parametrize(
    "function",
    [kce.ops.tanh, keras.activations.tanh, kce.layers.Tanh(), keras.activations.get("tanh")],
)
def test_functions_and_layers_are_drawn_as_well(function):
    f = activation(function).get_lines()[0]
    np.testing.assert_allclose(f.get_ydata(), np.tanh(f.get_xdata()), atol=1e-6)


def test_several_share_axes():
    ax = activation("sigmoid", title="compared")
    assert activation("tanh", ax, limits=(-3, 8)) is ax
    activation("relu", ax, derivative=False)
    assert ax.get_title() == "compared"
    assert ax.get_xlim() == (-6, 8)
    assert legend(ax) == [
        *("sigmoid", "sigmoid′", "max f′ = 0.25 at x = 0"),
        *("tanh", "tanh′", "max f′ = 1 at x = 0", "relu"),
    ]
    curves = [line for line in ax.get_lines() if line.get_label() in {"sigmoid", "tanh", "relu"}]
    assert len({line.get_color() for line in curves}) == 3
    assert len({line.get_marker() for line in curves}) == 3
    # The dashed curve has the colour of its function.
    assert ax.get_lines()[0].get_color() == ax.get_lines()[1].get_color()


def test_without_a_derivative():
    assert legend(activation("sigmoid", derivative=False)) == ["sigmoid"]
    assert legend(activation(lambda x: tf.round(x)))[:1] == ["<lambda>"]


BAD = [
    ("softmax", {}, ValueError, "'softmax' does not work on each element"),
    ("log_softmax", {}, ValueError, "'log_softmax' does not work on each element"),
    ("sigmiod", {}, ValueError, "Did you mean 'sigmoid'"),
    (3, {}, TypeError, "Received: 3"),
    ("tanh", {"limits": (2, 2)}, ValueError, r"limits=\(2, 2\)"),
    ("tanh", {"limits": 5}, ValueError, r"\(low, high\).* limits=5"),
    ("tanh", {"lang": None}, ValueError, "lang=None"),
]


@pytest.mark.parametrize(("name", "options", "error", "message"), BAD)
def test_bad_arguments_are_refused(name, options, error, message):
    with pytest.raises(error, match=message):
        activation(name, **options)
    assert not plt.get_fignums()
