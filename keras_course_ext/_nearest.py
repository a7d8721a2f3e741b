"""The nearest of a list of known names, for the hint "did you mean"."""

import difflib
from collections.abc import Iterable


def nearest_name(name: object, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """Finds the known name that is nearest to an unknown one.

    Args:
        name: The unknown name.
        known: The known names.
        cutoff: How similar they must be, in [0, 1]. Defaults to 0.5.

    Returns:
        The nearest name; `None` if none is similar enough.
    """
    found = difflib.get_close_matches(str(name), list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


def nearest(name: object, known: Iterable[str]) -> str:
    """Words the hint for an error message.

    Args:
        name: The unknown name.
        known: The known names.

    Returns:
        ` Did you mean 'adam'?`, or nothing if no name is similar.
    """
    found = nearest_name(name, known)
    return f" Did you mean {found!r}?" if found else ""
