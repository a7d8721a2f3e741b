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


def test_the_code_of_the_readme_runs(monkeypatch, tmp_path, capsys):
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert code
    monkeypatch.chdir(tmp_path)
    exec(code[1], {"x": np.ones((32, 64), "float32"), "y": np.zeros(32, "int32")})
    assert (tmp_path / "gradients.png").exists()
    assert "No rule fired" in capsys.readouterr().out


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
