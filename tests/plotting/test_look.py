"""What all pictures have in common: Axes in and out, two languages, and nothing left behind."""

import re
import warnings
from pathlib import Path

import keras
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from plotting_traces import XOR, random_trace

import keras_course_ext as kce
from keras_course_ext import plotting
from keras_course_ext.monitoring import GradientHistory, Key, LayerInfo
from keras_course_ext.monitoring.record.schema import Histogram
from keras_course_ext.plotting import _language, _look
from keras_course_ext.plotting.save import draw

HANGUL = re.compile("[가-힣]")
POINTS, CLASSES = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0]
# A font that is always there stands for a Korean one: nothing is drawn with it.
FONT = "DejaVu Sans"


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def history(layers=9):
    hidden = [LayerInfo(f"h{i}", "Dense", "sigmoid", "GlorotUniform") for i in range(layers - 1)]
    record = GradientHistory([*hidden, LayerInfo("out", "Dense", "softmax", "GlorotUniform")])
    names = [("kernel", "grad_norm"), ("output", "grad_norm"), ("kernel", "update_ratio")]
    keys = [Key(info.name, *name) for info in record.layers for name in names]
    row = np.repeat(0.2 ** np.arange(layers - 1, -1, -1.0), 3)
    row[0] = 0.0
    record.append(range(20), [0] * 20, keys, np.tile(row, (20, 1)))
    edges = np.array([-1.0, 0.0, 1.0])
    record.histograms.append(Histogram(0, 0, "h0", "output", "activation", edges, np.array([1, 2])))
    return record


def bent(ax, **options):
    layers = [keras.Input((2,)), kce.layers.Dense(2, "tanh"), kce.layers.Dense(1, "sigmoid")]
    return plotting.hidden_space(keras.Sequential(layers), POINTS, CLASSES, ax, **options)


def line_between(ax, **options):
    return plotting.decision_boundary(lambda x: x[:, 0], POINTS, CLASSES, ax, **options)


def moving(ax, **options):
    animation = plotting.animate("valley", "sgd", ax, start=(-7, 2), steps=2, **options)
    animation._draw_was_started = True  # It complains of an animation that nobody looked at.
    return ax


def wild(ax, **options):
    ways = {"SGD": kce.optimizers.SGD(3.0)}
    return plotting.trajectories("valley", ways, ax, start=(-7, 2), steps=50, **options)


# Name -> (how to draw it, the English texts that have to be Korean ones in Korean).
PICTURES = {
    "activation": (
        lambda ax, **k: plotting.activation("tanh", ax, **k),
        {"tanh", "tanh′", "f(x), dashed: f′(x)", "max f′ = 1 at x = 0"},
    ),
    "decision_boundary": (
        line_between,
        {"boundary at 0.5", "class 0", "class 1", "wrong", "2 of 4 right"},
    ),
    "hidden_space": (
        bent,
        {"x₁ constant", "x₂ constant", "output = 0.5", "class 0", "class 1"},
    ),
    "trajectories": (wild, {"SGD (leaves at step 1)", "minimum", "start"}),
    "animate": (moving, {"minimum", "start", "f(x, y) = x²/20 + y²   step 0"}),
    "gradients": (
        lambda ax, **k: plotting.gradients(history(), ax, **k),
        {"step", "◀ starves", "log₁₀ ‖∂L/∂W‖ of the kernel"},
    ),
    "lines": (
        lambda ax, **k: plotting.lines(history(), ax, **k),
        {"step", "‖∂L/∂W‖ of the kernel", "output\n↓ to input"},
    ),
    "many lines": (
        lambda ax, **k: plotting.lines(history(30), ax, **k),
        {"layer: input (dark) to output (light)"},
    ),
    "depth": (
        lambda ax, **k: plotting.depth(history(), ax, **k),
        {"step 0", "theory, at most", "← input        layers        output →"},
    ),
    "activations": (
        lambda ax, **k: plotting.activations(history(), ax, **k),
        {"step", "activation", "log₁₀ of the share of activations"},
    ),
    "update_ratios": (
        lambda ax, **k: plotting.update_ratios(history(), ax, **k),
        {"step", "healthy band 10⁻⁴ to 10⁻¹", "‖ΔW‖ / ‖W‖ of the kernel"},
    ),
    "network": (lambda ax, **k: plotting.network(XOR, ax, **k), {"input layer"}),
    "large network": (
        lambda ax, **k: plotting.network(random_trace(30, 30, batch=3), ax, **k),
        {"input layer"},
    ),
}
ALL = pytest.mark.parametrize("picture", PICTURES)


def figure_texts(ax):
    return [text for text in ax.figure.findobj(Text) if text.get_text()]


def drawn(picture, **options):
    _, ax = plt.subplots()
    assert PICTURES[picture][0](ax, **options) is ax
    return ax


def test_the_table_knows_every_picture():
    functions = {name for name in plotting.__all__ if name != "Surface"}
    assert functions <= set(PICTURES)


@pytest.mark.thin("activation", "trajectories", "gradients")
@ALL
def test_a_picture_is_drawn_into_the_axes_given_and_leaves_nothing_behind(picture):
    before = mpl.rcParams.copy()
    figure, (left, right) = plt.subplots(1, 2)
    assert PICTURES[picture][0](left) is left
    assert plt.get_fignums() == [figure.number]
    assert left.has_data()
    assert not right.has_data()
    assert mpl.rcParams == before
    figure.canvas.draw()


@pytest.mark.thin("activation", "trajectories", "gradients")
@ALL
def test_labels_are_korean_where_there_is_a_font(picture, monkeypatch):
    monkeypatch.setattr(_language, "korean_font", lambda: FONT)
    before = mpl.rcParams.copy()
    english = {text.get_text() for text in figure_texts(drawn(picture))}
    assert PICTURES[picture][1] <= english
    assert not any(HANGUL.search(text) for text in english)
    texts = figure_texts(drawn(picture, lang="ko"))
    korean = {text.get_text() for text in texts if HANGUL.search(text.get_text())}
    left = PICTURES[picture][1] & {text.get_text() for text in texts}
    assert not left
    assert len(korean) >= len(PICTURES[picture][1])
    for text in texts:
        if HANGUL.search(text.get_text()):
            # Behind the font of the user's choice, which has the other signs.
            assert text.get_fontfamily() == [*mpl.rcParams["font.family"], FONT]
            # TeX's signs are no text with a fallback.
            assert "$" not in text.get_text()
    assert mpl.rcParams == before


@pytest.mark.thin("activation", "trajectories", "gradients")
@ALL
def test_without_a_font_the_labels_are_english_and_one_warning_says_so(picture, monkeypatch):
    monkeypatch.setattr(_language, "korean_font", lambda: None)
    with pytest.warns(UserWarning, match=r"No font with Korean letters .* fonts-nanum") as warned:
        ax = drawn(picture, lang="ko", title="제목")
    assert len(warned) == 1
    shown = {text.get_text() for text in figure_texts(ax)}
    assert PICTURES[picture][1] <= shown
    assert not any(HANGUL.search(text) for text in shown)
    ax.figure.canvas.draw()


@pytest.mark.thin("activation", "trajectories", "gradients")
@ALL
def test_a_title_of_ones_own_may_be_korean_in_an_english_picture(picture, monkeypatch):
    monkeypatch.setattr(_language, "korean_font", lambda: FONT)
    texts = figure_texts(drawn(picture, title="제목"))
    (title,) = (text for text in texts if text.get_text().startswith("제목"))
    assert title.get_fontfamily()[-1] == FONT


@ALL
@pytest.mark.parametrize("lang", ["fr", "KO", None, 1])
def test_other_languages_are_refused(picture, lang):
    message = re.escape(f"must be 'en' or 'ko'. Received: lang={lang!r}")
    with pytest.raises(ValueError, match=message):
        drawn(picture, lang=lang)


def test_a_record_is_saved_in_korean_too(monkeypatch, tmp_path):
    monkeypatch.setattr(_language, "korean_font", lambda: None)
    with pytest.warns(UserWarning, match="Korean"):
        draw(history(), tmp_path / "gradients.png", lang="ko")
    assert plt.imread(tmp_path / "gradients.png").std() > 0.05
    assert not plt.get_fignums()


def entry(name):
    return font_manager.FontEntry(name=name)


@pytest.mark.parametrize(
    ("installed", "found"),
    [
        (["DejaVu Sans"], None),
        (["DejaVu Sans", "Malgun Gothic"], "Malgun Gothic"),
        (["Noto Sans CJK JP", "Apple SD Gothic Neo", "NanumGothic"], "NanumGothic"),
    ],
)
def test_the_font_is_looked_for_among_those_installed(installed, found, monkeypatch):
    entries = [entry(name) for name in installed]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", entries)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    assert _language.korean_font() == found


def test_a_font_installed_since_is_found(monkeypatch):
    entries = [entry("DejaVu Sans")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", entries)
    files = ["/fonts/Symbols.ttf", "/fonts/truetype/nanum/NanumGothic.ttf"]
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: files)
    add = lambda path: entries.append(entry(Path(path).stem))  # noqa: E731
    monkeypatch.setattr(font_manager.fontManager, "addfont", add)
    assert _language.korean_font() == "NanumGothic"
    assert [one.name for one in entries] == ["DejaVu Sans", "NanumGothic"]


def test_an_english_picture_asks_for_no_font(monkeypatch):
    monkeypatch.setattr(_language, "korean_font", lambda: pytest.fail("looked for a font"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn("trajectories")


def luminance(color):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_colours_can_be_seen_on_white_and_told_apart_in_grey():
    for i in range(7):
        assert 1.05 / (luminance(_look.series(i)["color"]) + 0.05) > 2
    for ink in (_look.INK_BLUE, _look.INK_VERMILLION):
        assert 1.05 / (luminance(ink) + 0.05) > 4.5
    # The two classes, and the tints beneath them, differ in lightness.
    assert luminance(_look.ORANGE) / luminance(_look.BLUE) > 2
    low, _, high = map(luminance, _look.TINTS)
    assert high / low > 1.2


@pytest.mark.parametrize("corner", ["upper right", "upper left", "lower left", "lower right"])
def test_the_legend_stands_where_there_is_room(corner):
    _, ax = plt.subplots()
    ax.plot([0, 1], [0, 1], label="line")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    curves = []
    corners = {"upper right": (0.93, 0.95), "upper left": (0.07, 0.95)}
    corners |= {"lower left": (0.07, 0.05), "lower right": (0.93, 0.05)}
    for name, at in corners.items():
        if name != corner:
            curves.append(np.array([at, at]))
    _look.legend(ax, curves)
    box = ax.get_legend().get_window_extent().transformed(ax.transAxes.inverted())
    center = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2
    assert (np.abs(center - corners[corner]) < 0.2).all()


def test_the_legend_covers_no_start_and_no_long_way():
    _, ax = plt.subplots()
    ax.plot([0, 1], [0, 1], label="line")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    start = np.array([[0.95, 0.95], [0.5, 0.5], [0.1, 0.9], [0.1, 0.88]])
    # Its two points lie outside of every corner, and the way between them crosses the lower ones.
    across = np.array([[-0.5, 0.05], [1.5, 0.05]])
    _look.legend(ax, [start, across])
    assert ax.get_legend()._loc == ax.get_legend().codes["upper left"]
