"""The picture of a trace shows every number in its place, without one on top of another."""

from collections import Counter
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from plotting_traces import XOR, layer, random_trace

import keras_course_ext as kce
from keras_course_ext.plotting import network
from keras_course_ext.plotting._canvas import BACKWARD, FORWARD, number_text


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def texts(ax, style=None):
    return [
        text.get_text() for text in ax.texts if style is None or text.get_color() == style["color"]
    ]


def test_xor_shows_every_value_forward_and_every_gradient_backward():
    ax = network(XOR, sample=1)
    _, hidden, output = XOR.layers
    forward = ["x₁", "x₂", "a 0", "a 1", "t 1", f"L {number_text(XOR.loss)}"]
    backward = [f"∂a {number_text(output.da[1, 0])}"]
    for x in (hidden, output):
        kernel, bias = x.weights
        forward += [f"z {number_text(z)}" for z in x.z[1]] + [f"a {number_text(a)}" for a in x.a[1]]
        forward += [number_text(w) for w in kernel.value.ravel()]
        forward += [f"b {number_text(b)}" for b in bias.value]
        backward += [f"δ {number_text(d)}" for d in x.delta[1]]
        backward += [f"∂ {number_text(g)}" for w in x.weights for g in w.gradient.ravel()]
    # The last text of either kind is its line of the legend.
    shown = [Counter(t for t in texts(ax, s) if "ward: " not in t) for s in (FORWARD, BACKWARD)]
    assert shown == [Counter(forward), Counter(backward)]
    assert {"z 1", "a 0.731", "a 0.614", "δ −0.0458", "∂ 0.0167", "∂ −0.00591"} <= set(texts(ax))
    assert any("sample 1 of 4" in t for t in texts(ax))


def test_a_number_stands_on_its_line():
    trace = random_trace(2, 3, 1, batch=3)
    ax = network(trace)
    kernel = trace.layers[1].weights[0]
    lines = ax.lines[: kernel.value.size]
    values, gradients = kernel.value.ravel(), kernel.gradient.ravel()
    assert [line.get_linestyle() == "--" for line in lines] == list(values < 0)
    widths = [line.get_linewidth() for line in lines]
    assert list(np.argsort(widths)) == list(np.argsort(np.abs(values)))
    for line, w, g in zip(lines, values, gradients, strict=True):
        for label in (number_text(w), f"∂ {number_text(g)}"):
            (text,) = (t for t in ax.texts if t.get_text() == label)
            x, y = text.get_position()
            assert abs(np.interp(x, *line.get_data()) - y) < 0.1


SHAPES = [(2, 2, 1), (2, 2, 2), (3, 4, 2), (4, 4, 4), (1, 1, 1, 1, 1, 1), (1, 8, 2), (5, 3, 5)]


@pytest.mark.thin("*-units0", "*-units6")
@pytest.mark.parametrize("units", SHAPES)
@pytest.mark.parametrize("scale", [-1.0, 12.34])
def test_no_text_overlaps_another(units, scale):
    trace = random_trace(*units, scale=scale)
    for x in trace.layers[1:]:
        x.z, x.delta = x.z * -1.23e-7, np.full_like(x.delta, -1.23e-5)
        for w in x.weights:
            w.gradient = np.full_like(w.gradient, -1.23456e-3)
    ax = network(trace)
    assert len(ax.lines) >= len(units)
    boxes = [text.get_window_extent() for text in ax.texts]
    for (a, first), (b, second) in combinations(zip(boxes, ax.texts, strict=True), 2):
        # Half a pixel: descenders of one line and ascenders of the next.
        overlap_x = min(a.x1, b.x1) - max(a.x0, b.x0)
        overlap_y = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert overlap_x <= 0 or overlap_y <= 2.5, (first, second)
    frame = ax.figure.bbox
    assert all(frame.x0 <= b.x0 and b.x1 <= frame.x1 for b in boxes)
    assert all(frame.y0 <= b.y0 and b.y1 <= frame.y1 for b in boxes)


def test_numbers_stay_short():
    values = [0, 1, -2, 0.614, 0.0167, -0.00591, 1234, 12345, -1.23456e-17, np.nan, -np.inf]
    shown = "0 1 −2 0.614 0.0167 −0.00591 1234 1.2e4 −1.2e−17 NaN −∞"
    assert [number_text(value) for value in values] == shown.split()


@pytest.mark.slow
def test_a_large_network_is_a_column_of_heat_maps_per_layer():
    trace = random_trace(20, *[64] * 11, 5, batch=32, scale=0.1)
    trace.layers[5].delta[3, 7] = np.nan
    trace.layers[6].a[:, 9] = 0.0
    ax = network(trace)
    maps = ax.collections
    assert len(maps) == 2 * len(trace.layers)
    a, delta = maps[::2], maps[1::2]
    np.testing.assert_allclose(a[0].get_array(), np.log10(np.abs(trace.layers[0].a)))
    last = trace.layers[-1]
    np.testing.assert_allclose(delta[-1].get_array(), np.log10(np.abs(last.delta)))
    # One scale for all layers, or a gradient that vanishes would not be seen to.
    assert len({m.get_clim() for m in a}) == len({m.get_clim() for m in delta}) == 1
    means = [np.ma.mean(m.get_array()) for m in delta[1:]]
    assert np.all(np.diff(means) > 0)
    assert np.ma.getmaskarray(delta[5].get_array()).sum() == 1
    dead = a[6].get_array()
    assert not np.ma.getmaskarray(dead).any()
    assert (dead[:, 9] < dead.max() - 100).all()
    shown = set(texts(ax))
    assert {"7: hidden_7", "Dense, sigmoid", "32×64", "32×5"} <= shown
    assert f"‖δ‖ {number_text(np.linalg.norm(last.delta))}" in shown
    assert f"‖∂L/∂W‖ {number_text(np.linalg.norm(last.weights[0].gradient))}" in shown


def test_cells_are_means_of_neighbours():
    x = random_trace(2, 1, batch=1)
    images = np.arange(1.0, 5 * 10 * 10 + 1).reshape(5, 10, 10, 1)
    x.layers = (layer(1, "image", "InputLayer", "input", a=images), *x.layers[1:])
    mesh = network(x).collections[0]
    cells = 10 ** mesh.get_array()
    assert cells.shape == (5, 64)
    # 100 pixels into 64 cells: one or two each.
    np.testing.assert_allclose(cells[0, :4], [1.0, 2.5, 4.0, 5.5])
    assert set(np.round(2 * cells.ravel()) % 2) == {0.0, 1.0}


def test_what_is_not_there_is_said():
    trace = random_trace(30, 30, batch=4)
    trace.layers[0].da = None
    assert texts(network(trace)).count("no gradient") == 1
    trace = random_trace(2, 2)
    trace.layers[1].da = None
    trace.targets = {"out": np.array([1])}
    shown = texts(network(trace))
    assert not any(text.startswith(("∂a −", "∂a 0")) for text in shown)
    assert "t 1" in shown


def test_given_axes_are_used_and_text_shrinks_with_them():
    large = network(XOR)
    figure_, (ax, _) = plt.subplots(1, 2, figsize=(6, 3))
    assert network(XOR, ax=ax, title="here") is ax
    assert "here" in texts(ax)
    assert ax.texts[0].get_fontsize() < 0.3 * large.texts[0].get_fontsize()
    assert network(random_trace(40, 40, batch=3), ax=figure_.add_subplot()).get_figure() is figure_


def test_the_picture_may_be_chosen():
    assert not network(XOR, detail="layers").lines
    assert network(random_trace(6, 6), detail="units").lines
    assert not network(random_trace(6, 6)).lines


@pytest.mark.parametrize(
    ("trace", "options", "error", "message"),
    [
        (XOR, {"sample": 4}, ValueError, r"\[0, 4\), .* sample=4"),
        (XOR, {"detail": "all"}, ValueError, "'units', 'layers' or None"),
        (42, {}, TypeError, "kce.backprop.trace"),
    ],
)
def test_bad_arguments_are_refused(trace, options, error, message):
    with pytest.raises(error, match=message):
        network(trace, **options)


def test_a_network_that_is_no_chain_of_dense_layers_has_no_units():
    trace = random_trace(2, 2, 2)
    trace.layers[2].inputs = (1, 2)
    with pytest.raises(ValueError, match="does not simply follow 'hidden_2'"):
        network(trace, detail="units")
    trace.layers[2].inputs = (2,)
    trace.layers[2].weights[0].value = np.ones((2, 1, 2))
    with pytest.raises(ValueError, match="not a dense layer"):
        network(trace, detail="units")


# Keras reads its own variables by `np.array(variable)`.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_real_traces(tmp_path):
    import keras

    layers = keras.layers
    random = np.random.default_rng(0)
    small = keras.Sequential(
        [keras.Input((2,)), layers.Dense(2), layers.Activation("tanh"), layers.Dense(3, "softmax")]
    )
    trace = kce.backprop.trace(
        small, random.normal(size=(2, 2)), np.array([2, 0]), "sparse_categorical_crossentropy"
    )
    ax = trace.plot(tmp_path / "small.png")
    assert {"2: dense", "Activation, tanh", "Dense, softmax", "t 2"} <= set(texts(ax))
    assert plt.imread(tmp_path / "small.png").std() > 0.02
    large = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(2, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    trace = kce.backprop.trace(large, random.normal(size=(3, 6, 6, 1)), np.ones((3, 1)), "mse")
    assert len(trace.plot().collections) == 2 * len(trace.layers)
