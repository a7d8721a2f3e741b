"""A small set of combinations in which every two values of two axes meet."""

import itertools
from collections.abc import Container, Hashable, Mapping, Sequence
from typing import Any


def pairwise(
    axes: Mapping[str, Sequence[Hashable]], apart: Container[Any] = ()
) -> list[dict[str, Any]]:
    """Cover all pairs of values, greedily.

    Each combination starts from the first pair that is still missing and takes on every other
    axis the value that adds most missing pairs to those already chosen; the first one on a tie.
    Most faults need no more than two values to meet, so this finds nearly all that the whole
    product finds, in about as many runs as the two longest axes have pairs.

    Args:
        axes: The values of every axis, by name.
        apart: Pairs that never meet, each `((axis, value), (axis, value))` in the order of `axes`.

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
    # A dictionary for its order: a set's changes from process to process.
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
