"""The deck map names every page of the deck, and what it names is there."""

import ast
import functools
import importlib
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

# The headings of the deck's pages, in its order; a heading stands as often as it has pages.
DECK = {
    "1": [
        "딥러닝 소프트웨어",
        *["TensorFlow"] * 2,
        "Keras",
        "TF1.x vs TF2.x",
        "TF 상위 API – Sequential API",
        "TF 상위 API – Functional API",
    ],
    "2": [
        "로지스틱 회귀에서 퍼셉트론으로",
        "뉴런(Neuron)이란?",
        "뉴런과 퍼셉트론의 비교",
        "가중치, 가중합, 바이어스, 활성화 함수",
        *["퍼셉트론의 과제"] * 2,
        *["XOR 문제"] * 2,
    ],
    "3": ["다층 퍼셉트론", *["XOR 문제 해결"] * 3, "다층 퍼셉트론 설계", *["XOR 문제의 해결"] * 2],
    "4": [
        "오차 역전파(Back Propagation) 개념",
        *["오차 역전파 개념"] * 2,
        "미분 공식",
        "Sigmoid 미분",
        *["수식으로 표현"] * 3,
        "오차 역전파 – 개념 및 문제점",
        "오차 역전파 - 각 층의 선형회귀값(z) / 각 층의 출력값(a)",
        "오차 역전파 - 최종 손실(에러) 값 E / 가중치 W / 바이어스 b",
        "오차 역전파 - 선형회귀 값 Z / 출력 값 A / 손실 값 E / 가중치 W / 바이어스 b",
        "오차 역전파 - 일반 공식 구하는 순서",
        "오차 역전파 - 일반 공식",
    ],
    "5": [
        *["기울기 소실 문제"] * 2,
        "기울기 소실 문제와 활성화 함수",
        "대체 활성화 함수",
        "활성화 함수",
        *["속도와 정확도 문제를 해결하는 고급 경사 하강법"] * 5,
    ],
}


EXAMPLE = re.compile(r"\[(\d\d)\]\(\.\./(examples/\1_[^)]+)\)")


@dataclass(frozen=True)
class Row:
    """A page of the deck in the map."""

    chapter: str
    title: str
    note: str
    symbols: tuple[str, ...]
    examples: tuple[str, ...]
    tests: tuple[tuple[str, str], ...]


def rows_of(page: str) -> list[Row]:
    rows = []
    for section in (DOCS / page).read_text("utf-8").split("\n## ")[1:]:
        for line in re.findall(r"^\| \*\*.*\|$", section, re.M):
            topic, symbols, examples, tests = re.split(r"(?<!\\) \| ", line[2:-2])
            title, note = topic.removeprefix("**").split("**<br>")
            rows.append(
                Row(
                    section[0],
                    title,
                    note,
                    tuple(re.findall(r"`([^`]+)`", symbols)),
                    tuple(m[2] for m in EXAMPLE.finditer(examples)),
                    tuple(re.findall(r"\[([^]]+)\]\(\.\./([^)]+)\)", tests)),
                )
            )
    return rows


ROWS = rows_of("deck_map.md")
by_row = pytest.mark.parametrize("row", ROWS, ids=[f"{r.chapter}-{i}" for i, r in enumerate(ROWS)])


def test_every_page_of_the_deck_is_in_the_map():
    assert [(r.chapter, r.title) for r in ROWS] == [(c, t) for c in DECK for t in DECK[c]]


def test_both_languages_name_the_same():
    korean = rows_of("deck_map.ko.md")
    for one, other in zip(ROWS, korean, strict=True):
        assert (one.title, one.symbols, one.examples, one.tests) == (
            other.title,
            other.symbols,
            other.examples,
            other.tests,
        )
        assert re.search("[가-힣]", other.note)
        assert not re.search("[가-힣]", one.note)


@by_row
def test_what_is_in_the_package_is_public(row):
    assert row.symbols
    for symbol in row.symbols:
        module, _, name = re.sub(r"^kce\b", "keras_course_ext", symbol).rpartition(".")
        if not module:
            importlib.import_module(name)
            continue
        parent = importlib.import_module(module)
        assert name in parent.__all__, symbol
        assert hasattr(parent, name), symbol


def test_the_examples_are_there():
    assert all(row.examples for row in ROWS)
    named = {example for row in ROWS for example in row.examples}
    assert {example for example in named if not (ROOT / example).is_file()} == set()


@by_row
def test_the_tests_are_there(row):
    assert row.tests
    for label, file in row.tests:
        assert "test_" + re.sub(r"\W+", "_", label) in functions_of(file), (label, file)


def test_every_example_is_in_the_map():
    numbered = {f"examples/{path.name}" for path in (ROOT / "examples").glob("[0-9][0-9]_*.py")}
    text = (DOCS / "deck_map.md").read_text("utf-8")
    assert numbered <= set(re.findall(r"\(\.\./([^)]+)\)", text))


@functools.cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
