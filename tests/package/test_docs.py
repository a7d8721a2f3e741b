"""The code in docs/ runs as it stands, a page from its top to its end, and prints what is shown.

To the digit, but for the lines of `VARYING`.
"""

import contextlib
import io
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
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.(\d+))?(?:e([+-]?\d+))?")

# Page and pattern of a line -> how far its numbers may be from those shown, as a share of them; one
# unit of the last digit shown is allowed too. The numbers of these lines depend on the speed of the
# processor (`update_freq="auto"` records as many steps as there is time for, and a report shows
# medians over the recorded steps) or on its vector units (training in float32 ends elsewhere if
# sums are added up in another order). All other lines are compared exactly.
VARYING = {
    ("first_five_minutes.md", r"^(output|hidden_\d) "): 0.15,  # by the steps; ‖∂L/∂W‖ 0.73 or 0.75
    ("first_five_minutes.md", r"^factor of "): 0.05,  # by the steps
    ("first_five_minutes.md", r"of its kernel is "): 0.1,  # by the steps; 1.8e-01 or 1.9e-01
    ("first_five_minutes.md", r"^accuracy 0\.95"): 0.05,  # 0.91 on AVX without oneDNN
    ("guides/monitor.md", r"% of the outputs of 'hidden_2' lie"): 0.0,  # 89 or 90 by the processor
    ("quick_start.md", r"^(output|hidden) "): 0.15,  # by the steps
    ("quick_start.md", r"^No rule fired"): 0.15,  # by the steps
}


def fences(page, *languages):
    """Return the fenced blocks of a page as (language, text)."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.M)
    return [(language, text) for language, text in found if language in languages]


def code_of(name):
    return [text for _, text in fences(PAGES[name], "python")]


def numbers(line):
    """Return the numbers of a line as (value, unit of its last digit)."""
    return [
        (float(m[0]), 10.0 ** (int(m[2] or 0) - len(m[1] or ""))) for m in NUMBER.finditer(line)
    ]


def assert_prints(printed, shown, varying=None):
    """Compare two outputs word by word; in the lines of `varying`, numbers up to a tolerance.

    Args:
        printed: What the code has printed.
        shown: What the page shows.
        varying: Pattern of a line -> how far its numbers may be off, as a share of them.

    Returns:
        The patterns of `varying` that fit a line shown.
    """
    lines = [[" ".join(x.split()) for x in text.strip().splitlines()] for text in (printed, shown)]
    assert len(lines[0]) == len(lines[1]), f"printed:\n{printed}\nshown:\n{shown}"
    used = set()
    for line, expected in zip(*lines, strict=True):
        patterns = [p for p in varying or {} if re.search(p, expected)]
        if not patterns:
            assert line == expected
            continue
        used |= set(patterns)
        assert NUMBER.sub("#", line) == NUMBER.sub("#", expected)
        share = max(varying[p] for p in patterns)
        for (a, _), (b, unit) in zip(numbers(line), numbers(expected), strict=True):
            assert abs(a - b) <= max(share * abs(b), unit * (1 + 1e-6)), (line, expected)
    return used


# Keras reads its own variables by `np.array(variable)`.
@pytest.mark.thin("quick_start.md", "write_your_own_*", "guides/optimizers.md")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", [name for name in PAGES if code_of(name)])
def test_the_code_of_a_page_runs(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    names = {"__name__": Path(name).stem}
    printed, used = "", set()
    varying = {pattern: share for (page, pattern), share in VARYING.items() if page == name}
    for language, text in fences(PAGES[name], "python", "output"):
        if language == "output":
            used |= assert_prints(printed, text, varying)
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
    assert used == varying.keys(), "VARYING has lines that the page does not"


def test_every_block_of_code_is_among_them():
    for name, page in PAGES.items():
        opened = re.findall(r"^ *```(python|output)\b", page.read_text("utf-8"), re.M)
        assert [language for language, _ in fences(page, "python", "output")] == opened, name


def test_outputs_are_compared():
    shown = "loss 0.50, 7 of 'a'"
    assert_prints("loss  0.50, 7 of 'a' \n", shown)
    for wrong in ("loss 0.51, 7 of 'a'", "loss 0.50, 8 of 'a'", "loss 0.50, 7 of 'b'", "loss 0.5"):
        with pytest.raises(AssertionError):
            assert_prints(wrong, shown)


def test_outputs_that_vary_are_compared_too():
    shown, share = "step 3\nloss 0.50, 7 of 'a'", {"loss": 0.1}
    for near in ("step 3\nloss 0.54, 7 of 'a'", "step 3\nloss 0.50, 8 of 'a'"):
        assert assert_prints(near, shown, share) == {"loss"}
    wrong = ["step 4\nloss 0.50, 7 of 'a'", "step 3\nloss 0.56, 7 of 'a'"]
    wrong += ["step 3\nloss 0.50, 9 of 'a'", "step 3\nloss 0.50, 7 of 'b'"]
    for far in wrong:
        with pytest.raises(AssertionError):
            assert_prints(far, shown, share)


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
        if name in KOREAN and target.endswith(".md"):
            translated = (page.parent / target.replace(".md", ".ko.md")).exists()
            assert target.endswith(".ko.md") or not translated, f"{target} has a Korean page"


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
    if tests := re.fullmatch(r'(?:FUZZ=nightly )?python -m pytest (tests/\S+) -m ""', command):
        return (ROOT / tests[1]).exists()
    if module := re.fullmatch(r"python -m (\w+)", command):
        return (ROOT / module[1] / "__main__.py").is_file()
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
