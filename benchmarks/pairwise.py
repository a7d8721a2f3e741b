"""A small set of combinations that contains every pair of values of two axes."""

import itertools
from collections.abc import Container, Hashable, Mapping, Sequence
from typing import Any


def pairwise(
    axes: Mapping[str, Sequence[Hashable]], apart: Container[Any] = ()
) -> list[dict[str, Any]]:
    """Cover all pairs of values, greedily.

    Each combination starts from the first missing pair. On every other axis it takes the value that
    adds the most missing pairs, the first one if several do. Most faults depend on at most two
    values, so this finds nearly all faults that the full product finds, with about as many
    combinations as the two longest axes have pairs.

    Args:
        axes: The values of every axis, by name.
        apart: Pairs to exclude, each `((axis, value), (axis, value))` in the order of `axes`.

    Returns:
        The combinations, each a dictionary of one value per axis; the same ones at every call.

    Example:
    >>> from pairwise import pairwise
    >>> for row in pairwise({"mode": ["eager", "jit"], "dtype": [16, 32], "devices": [1, 2]}):
    ...     print(*row.values())
    eager 16 1
    eager 32 2
    jit 16 2
    jit 32 1
    """
    points = [[(name, value) for value in values] for name, values in axes.items()]
    two_axes = itertools.combinations(points, 2)
    # A dictionary, because the order of a set differs from process to process.
    pairs = (pair for a, b in two_axes for pair in itertools.product(a, b))
    missing = dict.fromkeys(pair for pair in pairs if pair not in apart)
    rows = []
    while missing:
        row: dict[str, Any] = dict(next(iter(missing)))
        for axis in sorted(points, key=len, reverse=True):
            if axis[0][0] not in row:
                row |= [max(axis, key=lambda point: _added(point, row, missing, apart))]
        row = {name: row[name] for name in axes}
        for pair in itertools.combinations(row.items(), 2):
            missing.pop(pair, None)
        rows.append(row)
    return rows


def _added(
    point: tuple[str, Any], row: Mapping[str, Any], missing: Container[Any], apart: Container[Any]
) -> int:
    pairs = [pair for p in row.items() for pair in ((point, p), (p, point))]
    return -1 if any(p in apart for p in pairs) else sum(p in missing for p in pairs)
