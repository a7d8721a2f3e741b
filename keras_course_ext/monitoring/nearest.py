"""The hint that names the nearest of what there is."""

import difflib
from collections.abc import Sequence


def nearest(name: object, names: Sequence[str]) -> str:
    """Return a sentence that suggests the most similar name, with a space before it, or nothing."""
    found = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    return f" Did you mean '{found[0]}'?" if found else ""
