"""Short names of layers, for tables and pictures: distinct where the long ones are."""

from collections.abc import Iterable

# A part of a path keeps at least its first letter, an ellipsis and its last two letters.
_LEAST = 4


def short_names(names: Iterable[str], longest: int) -> dict[str, str]:
    """Return a short form of each name, no two of them equal.

    The parts of a path are cut in their middle, the longest first, so that siblings such as
    `block_11/attention/query` and `block_12/attention/key` stay distinct. What a terminal cannot
    print, such as a newline, is escaped.

    Args:
        names: Names of layers, each once.
        longest: Integer ≥ 8, the number of characters that a short name has at most. Where two
            would be equal, the later ones end with `~2`, `~3` and so on.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        short = first = _shortened(printable(name), longest)
        number = 2
        while short in taken:
            end = f"~{number}"
            short, number = first[: longest - len(end)] + end, number + 1
        taken.add(short)
        found[name] = short
    return found


def _shortened(name: str, longest: int) -> str:
    parts = name.split("/")
    lengths = [len(part) for part in parts]
    while sum(lengths) + len(parts) - 1 > longest:
        at = max(range(len(parts)), key=lambda i: lengths[i])
        if lengths[at] <= _LEAST:
            return _cut(name, longest)
        lengths[at] -= 1
    return "/".join(map(_cut, parts, lengths))


def _cut(text: str, length: int) -> str:
    """Return a text of at most this length, with an ellipsis in its middle if it was longer."""
    if len(text) <= length:
        return text
    tail = length // 2
    return f"{text[: length - 1 - tail]}…{text[len(text) - tail :]}"


def printable(name: str) -> str:
    """Return a text whose characters a terminal prints: others, such as ESC, are escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)
