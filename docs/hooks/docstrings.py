"""Lets the API reference show the docstrings' examples as code.

Griffe takes `Examples:` for a section of code, and only if what follows is indented. Here it is
`Example:`, and some stand at the margin; their `[0.91]` would be read as a Markdown reference.
"""

import re

import griffe

EXAMPLE = re.compile(r"^Example:\n((?:.+\n?)+)", re.M)


def as_section(example: re.Match) -> str:
    """Return an example under the name and with the indent that Griffe asks for."""
    lines = example[1]
    if not lines.startswith(" "):
        lines = re.sub(r"^", "    ", lines, flags=re.M)
    return f"Examples:\n{lines}"


class Examples(griffe.Extension):
    """Turns the examples in every docstring into sections of code."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = EXAMPLE.sub(as_section, obj.docstring.value)
