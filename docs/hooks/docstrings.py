"""Lets the API reference show docstrings and signatures as a reader would write them.

Griffe takes `Examples:` for a section of code, and only if what follows is indented. Here it is
`Example:`, and some stand at the margin; their `[0.91]` would be read as a Markdown reference. The
sections that Griffe does not know, which are laid out in two ways, get their name in bold.
"""

import re
import textwrap

import griffe

EXAMPLE = re.compile(r"^Example:\n((?:.+\n?)+)", re.M)
NAME = r"^(Differs from [^:\n]+|Reference|Deck|Input shape|Output shape|Call arguments)"
INDENTED = re.compile(NAME + r":\n((?:(?: {4}.*)?\n)+)", re.M)
ON_THE_LINE = re.compile(NAME + r": (?=\S)", re.M)


def as_section(example: re.Match) -> str:
    """Return an example under the name and with the indent that Griffe asks for."""
    lines = example[1]
    if not lines.startswith(" "):
        lines = re.sub(r"^", "    ", lines, flags=re.M)
    return f"Examples:\n{lines}"


def as_paragraph(section: re.Match) -> str:
    """Return an indented section as a paragraph that begins with its name."""
    text = textwrap.dedent(section[2]).strip("\n")
    apart = "\n\n" if re.match(r"\s|[*-] ", text) else " "
    return f"**{section[1]}:**{apart}{text}\n\n"


def readable(docstring: str) -> str:
    """Return a docstring whose sections are shown as what they are.

    Args:
        docstring: The text, without the indent that it has in the code.
    """
    text = EXAMPLE.sub(as_section, docstring + "\n")
    return ON_THE_LINE.sub(r"**\1:** ", INDENTED.sub(as_paragraph, text)).rstrip("\n")


class Readable(griffe.Extension):
    """Rewrites docstrings, and shows defaults as values."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = readable(obj.docstring.value)

    def on_function(self, *, func: griffe.Function, **_: object) -> None:
        """Show `Default(0.001)`, which another convention replaces, as the 0.001 that it is."""
        for parameter in func.parameters:
            if parameter.kind is griffe.ParameterKind.var_keyword:
                parameter.default = None
            elif match := re.fullmatch(r"Default\((.*)\)", str(parameter.default)):
                parameter.default = match[1]
