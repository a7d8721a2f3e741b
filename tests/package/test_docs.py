"""The code in docs/ runs as it stands, a page from its top to its end, and prints what is shown."""

import contextlib
import io
import math
import re
import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

import keras_course_ext as kce

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
EVERY_PAGE = {page.relative_to(DOCS).as_posix(): page for page in sorted(DOCS.rglob("*.md"))}
PAGES = {name: page for name, page in EVERY_PAGE.items() if not name.endswith(".ko.md")}
KOREAN = {name: page for name, page in EVERY_PAGE.items() if name.endswith(".ko.md")}
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def fences(page, *languages):
    """Return the fenced blocks of a page as (language, text)."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.M)
    return [(language, text) for language, text in found if language in languages]


def code_of(name):
    return [text for _, text in fences(PAGES[name], "python")]


def assert_prints(printed, shown):
    """Compare words exactly, and numbers as far as another processor computes the same."""
    words = [NUMBER.sub("#", text).split() for text in (printed, shown)]
    assert words[0] == words[1]
    for a, b in zip(*(map(float, NUMBER.findall(text)) for text in (printed, shown)), strict=True):
        # Of a layer three units more or less may die.
        units = 3 if a.is_integer() and b.is_integer() else 0.011
        assert math.isclose(a, b, rel_tol=0.25, abs_tol=min(units, abs(a) + abs(b))), (a, b)


# Keras reads its own variables by `np.array(variable)`.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", [name for name in PAGES if code_of(name)])
def test_the_code_of_a_page_runs(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    names = {"__name__": Path(name).stem}
    printed = ""
    for language, text in fences(PAGES[name], "python", "output"):
        if language == "output":
            assert_prints(printed, text)
        else:
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(text, names)
            printed = out.getvalue()
    for picture in tmp_path.glob("*.png"):
        shown = PAGES[name].parent / picture.name
        if shown.exists():
            assert plt.imread(shown).shape == plt.imread(picture).shape, "run the page, copy it"
            assert shown.stat().st_size < 150_000
    plt.close("all")


def test_the_pages_with_code_are_among_them():
    assert len(code_of("write_your_own_rule.md")) == 4
    assert len(code_of("guides/monitor.md")) >= 4
    assert len(fences(PAGES["first_five_minutes.md"], "output")) == 4


def test_outputs_are_compared():
    assert_prints("loss 0.50, 7 of 'a'\n", "loss 0.51,  8 of 'a'")
    for wrong in ("loss 0.80, 7 of 'a'", "loss 0.50, 70 of 'a'", "loss 0.50, 7 of 'b'", "loss 0.5"):
        with pytest.raises(AssertionError):
            assert_prints("loss 0.50, 7 of 'a'", wrong)


@pytest.mark.parametrize("name", KOREAN)
def test_a_korean_page_has_the_code_of_the_english_one(name):
    english = PAGES[name.replace(".ko.md", ".md")]
    kinds = ("python", "output", "bash", "text")
    assert fences(KOREAN[name], *kinds) == fences(english, *kinds)
    headings = [
        re.findall(
            r"^#+ ", re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.S | re.M), re.M
        )
        for page in (KOREAN[name], english)
    ]
    assert headings[0] == headings[1]


def test_every_page_but_the_one_on_the_code_is_there_in_korean():
    told = {name.replace(".ko.md", ".md") for name in KOREAN}
    assert set(PAGES) - told == {"architecture.md"}


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_links_lead_somewhere(name):
    page = EVERY_PAGE[name]
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.DOTALL | re.M)
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (page.parent / target).exists(), target


def commands(text):
    """Return the commands of a shell, one a line, those that are joined by && apart."""
    return [c.strip() for line in text.splitlines() for c in line.split("&&") if c.strip()]


EXTRAS = set(
    tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
)
README = {c for _, text in fences(ROOT / "README.md", "bash") for c in commands(text)}
CHANGING = r"python3 -m venv \S+|\. \S+/bin/activate|git clone .*|mkdocs (serve|build).*"


def exists(command):
    """Say whether a command is one of the README's, or names only what there is."""
    if command in README or re.fullmatch(CHANGING, command):
        return True
    if install := re.fullmatch(r'python -m pip install -e "\.\[([\w,]+)\]"', command):
        return set(install[1].split(",")) <= EXTRAS
    if inline := re.fullmatch(r'python -c "(.*)"', command):
        return bool(compile(inline[1], command, "exec"))
    script = re.match(r"python (\S+\.py)", command)
    return bool(script) and (ROOT / script[1]).is_file()


@pytest.mark.parametrize("name", PAGES)
def test_the_commands_of_a_page_are_those_of_the_readme(name):
    page = PAGES[name]
    typed = [c for _, text in fences(page, "bash") for c in commands(text)]
    inline = re.findall(r"`(python3? [^`\n]+)`", page.read_text("utf-8"))
    assert [c for c in typed + [c for i in inline for c in commands(i)] if not exists(c)] == []


def test_a_command_that_leads_nowhere_is_found():
    assert exists('python -m pip install -e ".[cpu,examples]"')
    assert not exists('python -m pip install -e ".[cpu,sample]"')
    assert not exists("python examples/quick.py")


def test_every_optimizer_has_its_conventions_and_defaults_in_the_table():
    text = (DOCS / "conventions.md").read_text("utf-8")
    sections = {part.split("\n", 1)[0]: part for part in text.split("\n## ")[1:]}
    wrappers = {kce.optimizers.Lookahead, kce.optimizers.LayerWise, kce.optimizers.RuleOptimizer}
    for cls in vars(kce.optimizers).values():
        if not isinstance(cls, type) or not issubclass(cls, kce.optimizers.RuleOptimizer):
            continue
        if cls in wrappers:
            continue
        rows = re.findall(r"^\| ([a-z][^|]*) \|(.*)\|$", sections[cls.__name__], re.M)
        rows = [row for row in rows if row[0] != "convention"]
        told = re.findall(
            "keras|paper|torch|deck", " ".join(re.sub(r"\(.*?\)", "", r[0]) for r in rows)
        )
        assert sorted(told) == sorted(["keras", *cls.conventions]), cls
        for names, cells in rows:
            for convention in re.findall("paper|torch|deck", names):
                for value in cls.conventions[convention].values():
                    if value is not None:
                        assert {f"{value:g}", f"{value:g}".replace("e-0", "e-"), str(value)} & {
                            cell.strip() for cell in cells.split(" | ")
                        }, (cls, convention, value)
