"""Gives every file of the repository that a page links to a page of its own in the site.

`[adam.py](../keras_course_ext/optimizers/adam.py)` leads to the file where the Markdown is read in
the repository; the site has only `docs/`, so the file's text becomes the page
`source/keras_course_ext/optimizers/adam.py`, and the link leads there.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(?<=\]\()(\.\./[^)#\s]+)(?=[)#])")
LANGUAGES = {".py": "python", ".toml": "toml", ".md": "markdown", ".yml": "yaml", ".json": "json"}


def repository_path(page: str, target: str) -> str | None:
    """Return the path in the repository that a link leads to, None if it stays inside `docs/`.

    Args:
        page: The page's path below `docs/`.
        target: The link as written, relative to the page.
    """
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), target))
    inside = path.startswith("docs/")
    return None if inside or not (ROOT / path).is_file() else path


def source_page(path: str) -> str:
    """Return the Markdown of the page that shows a file."""
    file = ROOT / path
    text = file.read_text("utf-8").rstrip()
    language = LANGUAGES.get(file.suffix, "text")
    fence = "`" * 5
    front = f"---\ntitle: {file.name}\nsearch: {{exclude: true}}\nhide: [toc, navigation]\n---\n"
    return f"{front}\n# {path}\n\n{fence}{language}\n{text}\n{fence}\n"


def source_file(path: str, language: str, config: MkDocsConfig) -> File:
    """Return the page of a file in one language, with all that the language plugin asks of one."""
    file = File.generated(
        config,
        f"source/{path}.md",
        content=source_page(path),
        inclusion=InclusionLevel.NOT_IN_NAV,
    )
    folder = "" if language == "en" else f"{language}/"
    file.dest_uri = file.url = f"{folder}source/{path}.html"
    file.locale = file.locale_alternate_of = language
    return file


@event_priority(-200)  # after the languages have been told apart, which knows files on disk only
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every file outside of `docs/` that some page links to."""
    wanted = {
        path
        for file in files.documentation_pages()
        for target in LINK.findall(file.content_string)
        if (path := repository_path(file.src_uri, target))
    }
    for path in sorted(wanted):
        alternates = {language: source_file(path, language, config) for language in ("en", "ko")}
        file = alternates[config.theme["language"]]
        file.alternates = alternates
        files.append(file)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links to files outside of `docs/` to the pages that show them."""
    here = page.file.src_uri

    def turn(match: re.Match) -> str:
        path = repository_path(here, match[1])
        if path is None:
            return match[1]
        return posixpath.relpath(f"source/{path}.md", posixpath.dirname(here) or ".")

    return LINK.sub(turn, markdown)
