"""The plot shows what was recorded."""

import sys

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from records import LAYERS, history_of

from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.monitoring import GradientHistory, Key, LayerInfo, diagnose
from keras_course_ext.plotting import gradients
from keras_course_ext.plotting.gradients import color_limits
from keras_course_ext.plotting.save import PLOTS, draw


def test_plot_shows_the_norms_and_marks_the_layers():
    history = history_of(0.236)
    ax = gradients(history, title="sick")
    mesh = ax.collections[0]
    shown = mesh.get_array().reshape(LAYERS, -1)
    np.testing.assert_allclose(shown[:, 0], np.log10(0.236) * np.arange(LAYERS - 1, -1, -1))
    marked = [text.get_text() for text in ax.texts]
    assert marked == ["◀ starves"] * len(diagnose(history)[0].layers)
    assert [t.get_text() for t in ax.get_yticklabels()] == [x.name for x in history.layers]
    plt.close("all")


def test_plot_of_many_layers_marks_neighbours_as_one():
    history = history_of(0.7, count=60)
    ax = gradients(history)
    assert [text.get_text() for text in ax.texts] == ["  starves"]
    (line,) = ax.lines
    assert line.get_window_extent().x0 >= ax.get_window_extent().x1
    names = [info.name for info in history.layers]
    rows = sorted(names.index(name) for name in diagnose(history)[0].layers)
    np.testing.assert_allclose(line.get_ydata(), [rows[0] - 0.4, rows[-1] + 0.4])
    shown = [t.get_text() for t in ax.get_yticklabels()]
    assert len(shown) < 25
    assert (shown[0], shown[-1]) == ("h0", "out")
    assert ax.get_xlim() == (-0.5, 29.5)
    assert ax.get_ylim() == (-0.5, 59.5)
    assert ax.figure.get_size_inches()[1] <= 8
    plt.close("all")


def test_a_layer_with_several_kernels_has_a_row_for_each():
    history = GradientHistory([LayerInfo("lstm", weights=("kernel", "recurrent_kernel", "bias"))])
    keys = [Key("lstm", t, "grad_norm") for t in ("kernel", "recurrent_kernel")]
    history.append([0], [0], keys, [[1.0, 2.0]])
    shown = [t.get_text() for t in gradients(history).get_yticklabels()]
    assert shown == ["lstm kernel", "lstm recurrent_kernel"]
    plt.close("all")


def test_plot_gathers_a_long_run_and_hides_no_nan():
    history = history_of(0.9, steps=1000)
    history.blocks()[0].values[503, 0] = np.nan
    ax = gradients(history, limits=(-3, 0), colorbar=False)
    shown = ax.collections[0].get_array().reshape(LAYERS, -1)
    assert shown.shape[1] == 160
    assert np.ma.getmaskarray(shown).sum() == 1
    assert ax.get_xlim() == (-0.5, 999.5)
    plt.close("all")


def test_an_exact_zero_is_dark_and_not_grey():
    history = history_of(0.9)
    history.blocks()[0].values[:, 0] = 0.0
    ax = gradients(history)
    shown = ax.collections[0].get_array().reshape(LAYERS, -1)[0]
    assert np.isfinite(np.ma.filled(shown, np.nan)).all()
    assert shown.max() < ax.collections[0].get_clim()[0]
    plt.close("all")


def test_color_limits_span_all_runs():
    assert color_limits(history_of(1.0), history_of(0.1)) == (-8.0, 0.0)
    # Otherwise the noise of a healthy run would fill the whole scale.
    assert color_limits(history_of(0.99)) == (-3.0, 0.0)


def test_plot_draws_into_given_axes_and_into_a_file(tmp_path):
    _, ax = plt.subplots()
    assert gradients(history_of(0.5), ax=ax) is ax
    plt.close("all")
    draw(history_of(0.5), tmp_path / "gradients.png")
    assert plt.imread(tmp_path / "gradients.png").std() > 0.05
    assert not plt.get_fignums()


class Monitor:
    def __init__(self, history):
        self.history = history


@pytest.mark.parametrize("kind", ["gradients", "lines", "depth"])
def test_a_monitor_is_drawn_and_diagnosed_as_its_history(kind):
    history = history_of(0.236)
    assert diagnose(Monitor(history)) == diagnose(history)
    ax = PLOTS[kind](Monitor(history))
    assert ax.get_xlim() == PLOTS[kind](history).get_xlim()
    plt.close("all")
    for other in (None, keras.callbacks.History(), history.to_dict()):
        for read in (diagnose, PLOTS[kind]):
            with pytest.raises(ValueError, match=r"needed, or the GradientMonitor .* Received: "):
                read(other)


def test_plot_without_a_path_returns_the_figure(tmp_path):
    monitor = GradientMonitor()
    monitor._so_far.history = history_of(0.5)
    figure = monitor.plot(kind="lines")
    assert isinstance(figure, Figure)
    assert not plt.get_fignums()  # a notebook would show it twice
    figure.savefig(tmp_path / "lines.png")
    monitor.plot(tmp_path / "same.png", kind="lines")
    assert plt.imread(tmp_path / "same.png").std() > 0.05


def test_nothing_recorded_is_said():
    with pytest.raises(ValueError, match="nothing was recorded yet"):
        gradients(GradientHistory())


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"keras-course-ext\[plot\]"):
        gradients(history_of(0.5))
