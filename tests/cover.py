"""Which parametrizations of a test run by default, and which only with `-m slow`.

A test with the marker `thin` names its thin cover, by ids or globs of ids; the others get the
marker `slow`:

    @pytest.mark.thin("graph-adam", "jit-*")
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("case", CASES)
    def test_...
"""

from collections import defaultdict
from collections.abc import Iterable
from fnmatch import fnmatchcase

import pytest


def mark_slow(items: Iterable[pytest.Item], whole_tests: bool) -> None:
    """Give the marker `slow` to what is outside of the thin cover of its test.

    Args:
        items: The collected tests.
        whole_tests: Whether every parametrization of a test is among them; only then can a pattern
            that matches none be told from one whose rows were not collected.
    """
    unused: dict[str, set[str]] = defaultdict(set)
    used: dict[str, set[str]] = defaultdict(set)
    for item in items:
        marker = item.get_closest_marker("thin")
        if marker is None:
            continue
        test, _, rest = item.nodeid.partition("[")
        matching = {p for p in marker.args if fnmatchcase(rest.removesuffix("]"), p)}
        used[test] |= matching
        unused[test] |= set(marker.args)
        if not matching:
            item.add_marker(pytest.mark.slow)
    for test, patterns in unused.items():
        if whole_tests and (wrong := sorted(patterns - used[test])):
            raise pytest.UsageError(
                f"{test}: the marker `thin` has {wrong}, which is the id of no parametrization. "
                f"`pytest --collect-only -m ''` lists the ids."
            )
