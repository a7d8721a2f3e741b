"""The page of a record: self-contained, escaped, with the record's figures, bilingual."""

import ast
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from records import history_of

import keras_course_ext as kce
from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.command_line.main import main
from keras_course_ext.monitoring import Finding, GradientHistory, Histogram, Key, LayerInfo
from keras_course_ext.monitoring.page.korean import PAGE
from keras_course_ext.monitoring.page.page import page
from keras_course_ext.monitoring.page.remedies import remedy

FOLDER = Path(kce.__file__).parent / "monitoring" / "page"
VOID = {"meta", "link", "br", "img", "hr", "input"}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x>',
    "a\nb",
    "it's & <b>bold</b>",
    "\x1b\u202eab",
]


class Checked(HTMLParser):
    """The text, the titles of the SVG and the addresses of a page whose tags are in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.titles, self.addresses, self.names, self.text = [], [], [], set(), ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.addresses += [v for k, v in attrs if k in ("src", "href", "xlink:href", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.names.add(tag)

    def handle_data(self, data):
        if self.open[-1:] == ["title"] and "svg" in self.open:
            self.titles.append(data)
        elif "style" not in self.open:
            self.text += data


def rich_history(names=("a", "b", "out"), steps=12):
    """Every picture has something to show."""
    history = GradientHistory([LayerInfo(name, activation="tanh", units=4) for name in names])
    statistics = {"kernel": ("grad_norm", "update_ratio")}
    statistics["output"] = ("grad_norm", "mean", "std", "zero_share", "saturated_share")
    keys = [Key(n, t, s) for n in names for t, found in statistics.items() for s in found]
    values = np.tile(0.5 ** np.arange(1, len(keys) + 1), (steps, 1))
    history.append(range(steps), [0] * steps, keys, values)
    edges = np.array([-2.0, -1, -0.5, 0.5, 1, 2])
    for name in names:
        counts = np.array([0, 3, 2, 5, 0])
        history.histograms.append(Histogram(11, 0, name, "output", "activation", edges, counts))
    return history


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_page_is_self_contained_and_has_the_verdict_first(language):
    found = Checked(page(history_of(0.236), language))
    assert not found.addresses
    assert not {"script", "iframe", "link"} & found.names
    verdict = {"en": "1 problem found", "ko": "문제 한 가지를 찾았습니다"}[language]
    map_title = {"en": "Map of the layers", "ko": "층 지도"}[language]
    assert found.text.index(verdict) < found.text.index(map_title)
    healthy = Checked(page(history_of(0.9), language)).text
    assert {"en": "No problem found", "ko": "문제를 찾지 못했습니다"}[language] in healthy
    if language == "ko":
        # What is left in English are names, code and figures.
        assert not re.findall(r"(?:\b[a-z]{2,}\b ){3}", found.text.replace("\n", "|"))


def test_the_pictures_show_the_figures_of_the_record():
    history = rich_history()
    found = Checked(page(history, "en"))
    cells = [title for title in found.titles if re.fullmatch(r"\w+, step \d+: \S+", title)]
    values = {
        key.layer: history.series(*key)[2][3]
        for key in history.keys
        if key[1:] == ("kernel", "grad_norm")
    }
    for layer, value in values.items():
        assert f"{layer}, step 3: {value:.2g}" in cells
    # Of 10 activations 3, 2 and 5.
    assert "a, −1 … −0.5: 30.0% of the activations" in found.titles
    assert "a, ≈ 0: 20.0% of the activations" in found.titles
    assert f"a, last: {history.series('a', 'kernel', 'update_ratio')[2][-1]:.2g}" in found.titles
    history.histograms.clear()
    mean, std = (history.series("b", "output", s)[2][0] for s in ("mean", "std"))
    text = f"b: mean {mean:.2g}, standard deviation {std:.2g}"
    assert text in Checked(page(history, "en")).titles


def test_what_was_not_recorded_is_left_out():
    assert "Nothing was recorded yet" in Checked(page(GradientHistory(), "en")).text
    only = rich_history().select(statistics="update_ratio")
    found = Checked(page(only, "en")).text
    assert "The signal on its way back" not in found
    assert "How far each step moves the weights" in found
    bad = history_of(0.5)
    bad.append([30], [0], bad.keys, [[np.nan, np.inf] * 9])
    assert "h0, step 30: nan" in Checked(page(bad, "en")).titles


def test_names_are_text_wherever_they_stand():
    text = page(rich_history(HOSTILE), "en", {"layers": HOSTILE[0]})
    found = Checked(text)
    assert not {"script", "b>", "img"} & found.names
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)
    for name in HOSTILE[:2]:
        assert name in found.text
        assert any(name in title for title in found.titles)
    assert r"\x1b\u202eab" in found.text
    finding = Finding("dead", HOSTILE[0], 0, 0, HOSTILE[1], "&", layers=(HOSTILE[0],))
    assert not {"script", "img"} & Checked(finding._repr_html_() or "").names


ADVICE = {
    "Use (activation='relu', kernel_initializer='he_normal') in the 2 layers 'a' to 'b'.": (
        'keras.layers.Dense(4, name=\'a\', activation="relu", kernel_initializer="he_normal")\n'
        'keras.layers.Dense(4, name=\'b\', activation="relu", kernel_initializer="he_normal")'
    ),
    "Lower the learning rate by a factor of ten, or clip with global_clipnorm=1.0.": (
        "model.optimizer.learning_rate = float(model.optimizer.learning_rate) / 10\n\n"
        "optimizer = keras.optimizers.Adam(learning_rate=1e-3, global_clipnorm=1.0)"
    ),
    "If that is meant, set `layer.trainable = False`.": (
        "# if the layer is meant to be frozen:\nmodel.get_layer('a').trainable = False"
    ),
    "Think again.": "",
}


@pytest.mark.parametrize("advice", ADVICE)
def test_advice_as_code(advice):
    layers = rich_history().layers
    code = remedy(Finding("vanishing", "a", 0, 0, "", advice, layers=("a",)), layers, "en")
    assert code == ADVICE[advice]
    ast.parse(code)


def test_code_with_hostile_names_is_python():
    layers = rich_history(HOSTILE).layers
    advice = "Set activation='relu'. If that is meant, set `layer.trainable = False`."
    for name in HOSTILE:
        ast.parse(remedy(Finding("dead", name, 0, 0, "", advice, layers=(name,)), layers, "ko"))


def test_every_sentence_has_a_translation():
    written = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.jinja"))
    used = re.findall(r'say\(\s*"((?:[^"\\]|\\.)*)"', written)
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                used += [a.value for a in node.args[1:2] if isinstance(a, ast.Constant)]
    assert len(used) > 30
    assert not set(used) - PAGE.keys()
    for english, korean in PAGE.items():
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", korean))


def test_a_monitor_a_history_and_the_command_write_it(tmp_path, capsys):
    monitor = GradientMonitor(2, layers=["h0"])
    monitor._so_far.history = history_of(0.236)
    assert str(monitor).split()[:3] == ["Gradients", "by", "layer"]
    monitor.report(tmp_path / "report.html", "ko")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "update_freq" in text
    assert 'lang="ko"' in text
    monitor.history.report(tmp_path / "history.html")
    monitor.history.save(tmp_path / "r.jsonl")
    main(["report", str(tmp_path / "r.jsonl"), "--html", str(tmp_path / "command.html")])
    pages = [(tmp_path / name).read_text("utf-8") for name in ("history.html", "command.html")]
    assert pages[0] == pages[1]
    for shown in (monitor, monitor.history, monitor.findings[0]):
        assert "hidden" not in Checked(shown._repr_html_()).text
        assert "anishing gradient in 'h0'" in Checked(shown._repr_html_()).text
    with pytest.raises(ValueError, match=r"Write `report\(console=...\)`"):
        monitor.report(capsys)
    with pytest.raises(ValueError, match="`language` must be 'en'"):
        monitor.report(language="fr")


def test_set_language():
    kce.set_language("ko")
    try:
        assert "문제를 찾지 못했습니다" in page(history_of(0.9))
        assert kce.get_language() == "ko"
    finally:
        kce.set_language("en")


def test_without_jinja2(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ImportError, match=r'pip install "keras-course-ext\[html\]"'):
        history_of(0.9).report(tmp_path / "report.html")
    assert history_of(0.9)._repr_html_() is None
