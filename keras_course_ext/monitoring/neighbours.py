"""The other callbacks of the same `fit`."""

import gc
from typing import Any, TypeVar

import keras

_Kind = TypeVar("_Kind", bound=keras.callbacks.Callback)


def neighbours(kind: type[_Kind], params: Any) -> list[_Kind]:
    """Return the callbacks of a kind that stand in a `fit`.

    A callback is not told which others there are, but Keras gives the same dictionary `params` to
    all callbacks of one `fit` and to no other, and that is how they are known among all living
    ones.

    Args:
        kind: Their class.
        params: The `params` of a callback in this `fit`; None outside of one.
    """
    if not params:
        return []
    # type(), not isinstance: a lazy module or a proxy would start to load what it stands for.
    living: Any = [c for c in gc.get_objects() if issubclass(type(c), kind)]
    return [c for c in living if c.params is params]
