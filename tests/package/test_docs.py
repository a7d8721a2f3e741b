"""The code in docs/ runs as it stands, a page from its top to its end."""

import re
from pathlib import Path

import pytest

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
