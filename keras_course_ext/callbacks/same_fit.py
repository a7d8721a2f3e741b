"""The other callbacks of the same `fit`."""

import inspect
from typing import Any, TypeVar

import keras

_Kind = TypeVar("_Kind", bound=keras.callbacks.Callback)


def callbacks_in_same_fit(kind: type[_Kind], callback: keras.callbacks.Callback) -> list[_Kind]:
    """Return the callbacks of a kind that stand in the same list as one that is being called.

    Keras tells a callback nothing of the others. But it calls all of them from a `CallbackList`, a
    public class, which is found among the callers. Called from elsewhere there are no others.

    Args:
        kind: Their class.
        callback: The callback.
    """
    frame = inspect.currentframe()
    while frame is not None:
        caller: Any = frame.f_locals.get("self")
        if isinstance(caller, keras.callbacks.CallbackList) and callback in caller.callbacks:
            return [c for c in caller.callbacks if isinstance(c, kind)]
        frame = frame.f_back
    return []
