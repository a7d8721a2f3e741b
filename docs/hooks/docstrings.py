"""Lets the API reference show signatures and examples as a reader would write them.

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


class Readable(griffe.Extension):
    """Turns the examples in every docstring into sections of code, and defaults into values."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = EXAMPLE.sub(as_section, obj.docstring.value)

    def on_function(self, *, func: griffe.Function, **_: object) -> None:
        """Show `Default(0.001)`, which another convention replaces, as the 0.001 that it is."""
        for parameter in func.parameters:
            if parameter.kind is griffe.ParameterKind.var_keyword:
                parameter.default = None
            elif match := re.fullmatch(r"Default\((.*)\)", str(parameter.default)):
                parameter.default = match[1]
