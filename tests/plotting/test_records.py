"""The pictures of a record show what was recorded, with 3 layers and with 60."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import keras_course_ext as kce
from keras_course_ext.monitoring import GradientHistory, Key, LayerInfo
from keras_course_ext.monitoring.capture.layers import layer_entries
from keras_course_ext.monitoring.record.schema import Histogram
from keras_course_ext.plotting import activations, depth, lines, update_ratios
from keras_course_ext.plotting._records import label_indices
from keras_course_ext.plotting._theory import rate
from keras_course_ext.plotting.save import PLOTS, draw


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def history_of(count, rate=0.2, activation="sigmoid", initializer="GlorotUniform", steps=30):
    hidden = [LayerInfo(f"h{i}", "Dense", activation, initializer) for i in range(count - 1)]
    history = GradientHistory([*hidden, LayerInfo("out", "Dense", "softmax", "GlorotUniform")])
    names = [("kernel", "grad_norm"), ("output", "grad_norm"), ("kernel", "update_ratio")]
    keys = [Key(info.name, *name) for info in history.layers for name in names]
    row = np.repeat(rate ** np.arange(count - 1, -1, -1.0), 3)
    history.append(range(steps), [0] * steps, keys, np.tile(row, (steps, 1)))
    return history


def add_histograms(history, counts, edges, layer="h0"):
    for step, row in enumerate(counts):
        history.histograms.append(
            Histogram(10 * step, 0, layer, "output", "activation", np.array(edges), np.array(row))
        )
    return history


def layer_lines(ax, count):
    return [line for line in ax.lines if len(line.get_xdata()) > 2][-count:]


@pytest.mark.parametrize("count", [3, 60])
@pytest.mark.parametrize("plot", [lines, update_ratios])
def test_one_line_a_layer(plot, count):
    history = history_of(count, rate=0.8)
    _, given = plt.subplots()
    ax = plot(history, ax=given, title="here")
    assert ax is given
    assert ax.get_title() == "here"
    assert ax.get_yscale() == "log"
    shown = [line.get_ydata()[0] for line in layer_lines(ax, count)]
    np.testing.assert_allclose(shown, 0.8 ** np.arange(count - 1, -1, -1.0), rtol=1e-6)
    assert (ax.get_legend() is None) == (count == 60)
    if count == 3:
        assert [t.get_text() for t in ax.get_legend().get_texts()] == ["out", "h1", "h0"]


def test_a_layer_without_a_line_is_named():
    history = history_of(60, rate=0.8)
    for dead in (0, 3):
        history.blocks()[0].values[:, 3 * dead] = 0.0
    (note,) = lines(history).texts
    assert note.get_text() == "no line, as 0 or not finite throughout: h0, h3"
    history.blocks()[0].values[:, : 3 * 40 : 3] = np.nan
    (note,) = lines(history).texts
    assert note.get_text().endswith(": h0, h1, h2 and 37 more")


@pytest.mark.parametrize("count", [3, 24, 25, 60, 200])
def test_some_names_are_shown_the_first_and_the_last_among_them(count):
    shown = label_indices(count, 24)
    assert (shown[0], shown[-1]) == (0, count - 1)
    assert len(shown) == min(count, len(shown)) <= 25
    assert min(np.diff(shown)) > -(-count // 24) / 2


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_what_a_logarithm_cannot_show_is_a_gap(value):
    history = history_of(3)
    history.blocks()[0].values[7, 0] = value
    first = layer_lines(lines(history), 3)[0]
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(first.get_ydata())), [7])
    assert not first.axes.texts
    long = history_of(3, steps=1000)
    long.blocks()[0].values[503, 0] = np.nan
    first = layer_lines(lines(long), 3)[0]
    assert first.get_ydata().size == 160
    assert np.isnan(first.get_ydata()).sum() == 1


# sqrt(n Var(W) E[f'(z)^2]): the rows of theory, the bound of sigmoid and tanh at 0.
RATES = {
    ("sigmoid", "GlorotUniform"): 0.25,
    ("sigmoid", "HeNormal"): 0.125**0.5,
    ("tanh", "GlorotNormal"): 1.0,
    ("relu", "GlorotUniform"): 0.5**0.5,
    ("relu", "HeUniform"): 1.0,
    ("linear", "HeNormal"): 2**0.5,
}


@pytest.mark.parametrize("case", RATES)
def test_depth_shows_the_signal_and_the_decay_of_theory(case):
    ax = depth(history_of(9, 0.2, *case), steps=[0, 28, 29.4])
    *measured, theory = ax.lines
    assert [line.get_label() for line in measured] == ["step 0", "step 28", "step 29"]
    signal = 0.2 ** np.arange(8, -1, -1.0)
    np.testing.assert_allclose(measured[0].get_ydata(), signal, rtol=1e-6)
    expected = signal[7] * RATES[case] ** np.arange(7, -1, -1.0)
    np.testing.assert_allclose(theory.get_ydata()[:8], expected, rtol=1e-5)
    assert np.isnan(theory.get_ydata()[8])
    assert ("at most" in theory.get_label()) == (case[0] in {"sigmoid", "tanh"})


def signal_back(layer, gradient, x, rng):
    """Simulate a layer: ∂L/∂A of what goes into it, from ∂L/∂A of its output."""
    spread = {"HeNormal": 2 / layer.fan_in, "GlorotUniform": 2 / (layer.fan_in + layer.fan_out)}
    if layer.kind == "Dense":
        W = rng.normal(0, np.sqrt(spread[layer.initializer]), (layer.fan_in, layer.fan_out))
        delta = gradient * (x @ W > 0) if layer.activation == "relu" else gradient
        return W @ delta
    window, n, m = 5, layer.fan_in // 5, layer.fan_out // 5
    W = rng.normal(0, np.sqrt(spread[layer.initializer]), (window, n, m))
    delta = gradient.reshape(-1, m)
    return np.array(
        [sum(np.convolve(delta[:, j], W[:, i, j]) for j in range(m)) for i in range(n)]
    ).T


@pytest.mark.parametrize(
    "layer",
    [
        LayerInfo("a", "Dense", "relu", "HeNormal", fan_in=2000, fan_out=1000),
        LayerInfo("a", "Dense", "relu", "GlorotUniform", fan_in=2000, fan_out=1000),
        LayerInfo("a", "Dense", "linear", "GlorotUniform", fan_in=800, fan_out=2400),
        LayerInfo("a", "Conv1D", "linear", "HeNormal", fan_in=5 * 16, fan_out=5 * 40),
        LayerInfo("a", "Conv1D", "linear", "GlorotUniform", fan_in=5 * 16, fan_out=5 * 40),
    ],
)
def test_theory_is_what_a_simulated_layer_does_whatever_its_widths(layer):
    rng = np.random.default_rng(0)
    gradient = rng.normal(size=(40 * layer.fan_out,) if layer.kind == "Conv1D" else layer.fan_out)
    back = signal_back(layer, gradient, rng.normal(size=layer.fan_in), rng)
    assert rate(layer) == pytest.approx(np.linalg.norm(back) / np.linalg.norm(gradient), rel=0.06)


def test_theory_passes_activation_layers_and_ends_at_what_it_does_not_know():
    def between(*kinds):
        history = history_of(4, 0.5, "linear", "HeNormal")
        others = [LayerInfo(f"x{i}", *kind, weights=()) for i, kind in enumerate(kinds)]
        # In front of the last hidden layer but one.
        history.layers = (*history.layers[:1], *others, *history.layers[1:])
        *_, theory = depth(history).lines
        return theory.get_ydata()[:3] / theory.get_ydata()[2], theory.get_label()

    # linear with He, √2 a layer, and what stands between.
    for kinds, factor, label in [
        ([], 1.0, "theory"),
        ([("ReLU",)], 0.5**0.5, "theory"),
        ([("Activation", "relu"), ("Flatten",)], 0.5**0.5, "theory"),
        ([("Activation", "sigmoid")], 0.25, "theory, at most"),
        ([("Dropout",)], np.nan, "theory"),
        ([("BatchNormalization",)], np.nan, "theory"),
        ([("LSTM", "linear", "HeNormal")], np.nan, "theory"),
    ]:
        shown, said = between(*kinds)
        np.testing.assert_allclose(shown, [2 * factor, 2**0.5, 1.0], rtol=1e-6)
        assert said == label


def test_the_inventory_knows_the_widths():
    import keras

    layers = [keras.Input((9, 3)), keras.layers.Conv1D(4, 5), keras.layers.Flatten()]
    entries = layer_entries(keras.Sequential([*layers, kce.layers.Dense(2)]))
    fans = [(entry.info.fan_in, entry.info.fan_out) for entry in entries]
    assert fans == [(15, 20), (None, None), (20, 2)]


def test_depth_leaves_out_what_theory_does_not_know():
    assert len(depth(history_of(5, activation="swish")).lines) == 3
    assert len(depth(history_of(1)).lines) == 3
    with pytest.raises(ValueError, match="at least one step"):
        depth(history_of(3), steps=[])


def test_activations_are_the_shares_of_the_bins():
    history = add_histograms(
        history_of(3), [[1, 0, 2, 0, 1], [0, 0, 0, 0, 0]], [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0]
    )
    # Bins that differ from step to step, as they do in a record.
    add_histograms(history, [[2, 4, 2]], [-1.0, -0.5, 0.5, 1.0])
    shown = activations(history).collections[0].get_array().reshape(-1, 3)
    filled = np.ma.filled(10**shown, np.nan)
    # From -2 to 2; low is 1/2: the smallest edge of what is filled.
    np.testing.assert_allclose(filled[:, 0], [0.25, 0, 0.5, 0, 0.25], atol=1e-8)
    assert np.isnan(filled[:, 1]).all()
    np.testing.assert_allclose(filled[:, 2], [0, 0.25, 0.5, 0.25, 0], atol=1e-8)


def test_activations_without_negative_ones_need_no_lower_half():
    history = add_histograms(history_of(3), [[0, 4, 4]] * 200, [-1.0, -0.5, 0.5, 1.0])
    ax = activations(history, layer="h0")
    assert ax.get_ylim() == (-0.5, 1.5)
    assert ax.collections[0].get_array().reshape(3, -1).shape[1] == 160
    with pytest.raises(ValueError, match=r"'h7'.* h0"):
        activations(history, layer="h7")


@pytest.mark.parametrize("kind", PLOTS)
def test_nothing_recorded_is_said(kind):
    with pytest.raises(ValueError, match="histograms=50" if kind == "activations" else "recorded"):
        PLOTS[kind](GradientHistory())


def test_a_statistic_that_was_not_recorded_is_named():
    with pytest.raises(ValueError, match=r"'weight_norm' .*`statistics='all'`"):
        lines(history_of(3), statistic="weight_norm")


def test_the_monitor_draws_every_kind_into_a_file(tmp_path):
    monitor = kce.callbacks.GradientMonitor()
    monitor._so_far.history = add_histograms(history_of(3), [[1, 2, 1]], [-1.0, -0.5, 0.5, 1.0])
    for kind in PLOTS:
        monitor.plot(tmp_path / f"{kind}.png", kind)
        assert plt.imread(tmp_path / f"{kind}.png").std() > 0.05, kind
    assert not plt.get_fignums()
    with pytest.raises(ValueError, match="kind='heat'"):
        draw(monitor.history, tmp_path / "x.png", "heat")
