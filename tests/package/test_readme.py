"""The two READMEs say the same, and what they tell a newcomer to type is what exists."""

import ast
import io
import re
import tokenize
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SECTIONS = {"README.md": "Quick start", "README.ko.md": "빠른 시작"}


def quick_start(readme):
    text = (ROOT / readme).read_text(encoding="utf-8")
    section = text.split(f"\n## {SECTIONS[readme]}\n")[1].split("\n## ")[0]
    block = re.search(r"```bash\n(.*?)```", section, re.DOTALL)
    assert block
    return block[1].strip().splitlines()


@pytest.mark.parametrize("readme", SECTIONS)
def test_the_quick_start_is_two_commands(readme):
    main_job, tests = quick_start(readme)
    assert "[cpu," in main_job
    assert "examples/quickstart.py" in main_job
    assert "[cpu," in tests
    assert tests.endswith("python -m pytest -n auto")


def test_both_readmes_have_the_same_code():
    blocks = [
        re.findall(r"```(?:bash|python)\n.*?```", (ROOT / r).read_text("utf-8"), re.DOTALL)
        for r in SECTIONS
    ]
    assert blocks[0] == blocks[1]
    assert len(blocks[0]) >= 2


NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]\d+)?")


@pytest.mark.parametrize("readme", SECTIONS)
def test_the_code_of_the_readme_prints_what_stands_below_it(readme, monkeypatch, tmp_path, capsys):
    text = (ROOT / readme).read_text("utf-8")
    found = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    assert found
    code, shown = found.groups()
    if readme != "README.md":  # the code of both is the same
        other = re.search(r"```text\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
        assert other
        assert other[1] == shown
        return
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert (tmp_path / "gradients.png").exists()
    printed = capsys.readouterr().out
    # Other processors round otherwise.
    pairs = [[float(n) for n in NUMBER.findall(t)] for t in (printed, shown)]
    np.testing.assert_allclose(*pairs, rtol=0.3)
    lines = [[NUMBER.sub("0", line).split() for line in t.splitlines()] for t in (printed, shown)]
    assert lines[0] == lines[1]


@pytest.mark.parametrize("readme", SECTIONS)
def test_the_cells_of_its_tables_are_short(readme):
    rows = [r for r in (ROOT / readme).read_text("utf-8").splitlines() if r.startswith("|")]
    cells = [cell for row in rows for cell in row.strip("|").split(" | ")]
    assert len(cells) > 100
    assert not [cell for cell in cells if len(cell.split()) > 40]


def lines_of_code(path):
    """Count the lines that hold code: no docstrings, comments or blank lines."""
    text = path.read_text(encoding="utf-8")
    strings = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    documented = {n for node in strings for n in range(node.lineno, node.end_lineno + 1)}
    without = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    code = {
        n
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in without | {tokenize.ENDMARKER}
        for n in range(token.start[0], token.end[0] + 1)
    }
    return len(code - documented)


def test_files_stay_short():
    for path in ROOT.glob("keras_course_ext/**/*.py"):
        assert lines_of_code(path) <= 250, path
