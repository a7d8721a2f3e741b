"""The axes of softmax and log_softmax."""

from collections.abc import Sequence
from typing import Any


def axes_of(axis: Any, rank: int | None, function: str) -> tuple[int, ...] | None:
    """`axis` as a tuple, or None for all axes.

    Args:
        axis: An integer, several, or None.
        rank: The rank of the input; None if it is unknown.
        function: Name of the calling function, for the message.

    Raises:
        ValueError: If one of them is not an axis of the input, or there is none.
    """
    if axis is None:
        return None
    axes = tuple(map(int, axis)) if isinstance(axis, Sequence) else (int(axis),)
    if not axes or (rank is not None and any(not -rank <= a < rank for a in axes)):
        raise ValueError(
            f"`axis` of {function} must lie in [-{rank}, {rank}) for an input of rank {rank}. "
            f"Received: axis={axis}. Write `axis=-1` for the last axis, None for all of them."
        )
    return axes
