"""The code in docs/ runs as it stands, a page from its top to its end."""

import re
from pathlib import Path

import pytest

import keras_course_ext as kce

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    page.name: re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.M)
    for page in sorted(DOCS.glob("*.md"))
}


# Keras reads its own variables by `np.array(variable)`.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("page", [page for page, blocks in PAGES.items() if blocks])
def test_the_code_of_a_page_runs(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": Path(page).stem}
    for block in PAGES[page]:
        exec(block, names)


def test_the_page_on_rules_is_among_them():
    assert len(PAGES["write_your_own_rule.md"]) == 4


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", (DOCS / page).read_text("utf-8")):
        assert (DOCS / target).exists(), target


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
