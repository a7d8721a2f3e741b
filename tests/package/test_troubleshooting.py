"""The troubleshooting page quotes what is printed, in both languages."""

import ast
import functools
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from troubles import KERAS, TROUBLES

ROOT = Path(__file__).parents[2]
PAGES = {
    language: (ROOT / "docs" / name).read_text("utf-8")
    for language, name in {"en": "troubleshooting.md", "ko": "troubleshooting.ko.md"}.items()
}
LEAST = 15  # so many characters of a message are fixed, or it would fit anything


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def quotes_of(text: str) -> list[str]:
    return [one_line(t) for t in re.findall(r"^```text\n(.*?)^```", text, re.DOTALL | re.M)]


QUOTES = quotes_of(PAGES["en"])


def printed(mistake: Callable[[], object]) -> str:
    """Return what a mistake prints, its error or its first warning."""
    try:
        with warnings.catch_warnings(action="error"):
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            mistake()
    except Exception as error:
        text = error.args[0] if isinstance(error, KeyError) else str(error)
        return one_line(f"{type(error).__name__}: {text}")
    raise AssertionError("nothing was printed")


@pytest.mark.parametrize("name", TROUBLES)
def test_what_is_printed_is_quoted(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = printed(TROUBLES[name])
    matching = [q for q in QUOTES if re.fullmatch(re.escape(q).replace("…", ".*"), message)]
    assert len(matching) == 1, message


@pytest.mark.parametrize("name", KERAS)
def test_keras_says_what_the_table_says(name):
    message = printed(KERAS[name])
    assert all(message in text for text in PAGES.values()), message


def test_both_languages_quote_the_same():
    assert quotes_of(PAGES["ko"]) == QUOTES
    assert len(set(QUOTES)) == len(QUOTES) >= len(TROUBLES)


@pytest.mark.parametrize("quote", QUOTES, ids=range(len(QUOTES)))
def test_the_fixed_parts_of_a_quote_are_in_the_source(quote):
    assert re.match(r"\w+(Error|Warning): ", quote), quote
    message = quote.split(": ", 1)[1]
    assert any(re.fullmatch(pattern, message) for pattern in patterns()), message


@functools.cache
def patterns() -> list[re.Pattern]:
    """Every text of the package as a pattern, with anything where a value is filled in."""
    found = []
    for file in (ROOT / "keras_course_ext").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            parts = list(parts_of(node)) if isinstance(node, TEXT) else []
            if sum(len(part) for part in parts if part) >= LEAST:
                pattern = "".join(".*" if part is None else re.escape(part) for part in parts)
                found.append(re.compile(pattern))
    return found


TEXT = ast.BinOp | ast.JoinedStr | ast.Constant


def parts_of(node: ast.AST) -> Iterator[str | None]:
    """Yield the fixed parts of a text, None for a value."""
    match node:
        case ast.Constant(value=str(text)):
            yield re.sub(r"\s+", " ", text)
        case ast.JoinedStr(values=values):
            for value in values:
                yield from parts_of(value)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from parts_of(left)
            yield from parts_of(right)
        case _:
            yield None
