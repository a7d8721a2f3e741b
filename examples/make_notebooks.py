"""Make a notebook of every numbered example: `python examples/make_notebooks.py`.

The scripts are in jupytext's percent format, with text and code in cells. The notebook has the same
cells, and in addition one that installs the package if it is missing, as in a new Colab. Notebooks
are written without output.
"""

import tomllib
from pathlib import Path

import jupytext
import nbformat

EXAMPLES = Path(__file__).parent
NOTEBOOKS = EXAMPLES / "notebooks"
PROJECT = tomllib.loads((EXAMPLES.parent / "pyproject.toml").read_text("utf-8"))["project"]
# What `git clone` takes; empty as long as pyproject.toml has no `Repository` under [project.urls].
REPOSITORY = PROJECT.get("urls", {}).get("Repository", "")

INSTALL = f'''\
# Install the package where it is missing, as in a fresh Colab.
import subprocess
import sys
from importlib.util import find_spec

REPOSITORY = "{REPOSITORY}"  # @param {{type:"string"}}
if find_spec("keras_course_ext") is None:
    assert REPOSITORY, "Write into REPOSITORY the address that you `git clone` the course from."
    extras = "examples" if find_spec("tensorflow") else "cpu,examples"
    package = f"keras-course-ext[{{extras}}] @ git+{{REPOSITORY}}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", package], check=True)'''


def scripts() -> list[Path]:
    """The numbered examples, in the order of the deck."""
    return sorted(EXAMPLES.glob("[0-9][0-9]_*.py"))


def notebook(script: Path) -> str:
    """The text of a script's notebook."""
    document = jupytext.reads(script.read_text("utf-8"), fmt="py:percent")
    document.cells.insert(1, nbformat.v4.new_code_cell(INSTALL))
    for i, cell in enumerate(document.cells):
        cell.id = f"cell-{i}"  # nbformat's own are random
        cell.metadata.clear()
    document.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    document.nbformat, document.nbformat_minor = 4, 5
    return nbformat.writes(document) + "\n"


def main() -> None:
    """Write all notebooks."""
    NOTEBOOKS.mkdir(exist_ok=True)
    for script in scripts():
        path = NOTEBOOKS / f"{script.stem}.ipynb"
        path.write_text(notebook(script), "utf-8")
        print(f"Written: {path}")


if __name__ == "__main__":
    main()
