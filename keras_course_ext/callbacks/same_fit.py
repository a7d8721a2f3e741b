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
    caller = _caller(callback)
    return [] if caller is None else [c for c in caller.callbacks if isinstance(c, kind)]


def call_first(callback: keras.callbacks.Callback) -> None:
    """Have a callback that is being called be called before all of another class from now on.

    Keras's list gets a new list of callbacks. The old one, which Keras is going through, stays as
    it is, so no callback is left out or called twice. So does the list that `fit` was given.

    Args:
        callback: The callback. Several of its class keep their order.
    """
    caller = _caller(callback)
    if caller is not None:
        of_class = [c for c in caller.callbacks if isinstance(c, type(callback))]
        others = [c for c in caller.callbacks if not isinstance(c, type(callback))]
        caller.callbacks = [*of_class, *others]


def _caller(callback: keras.callbacks.Callback) -> Any:
    """Return the `CallbackList` that is calling a callback; None if there is none."""
    frame = inspect.currentframe()
    while frame is not None:
        caller: Any = frame.f_locals.get("self")
        if isinstance(caller, keras.callbacks.CallbackList) and callback in caller.callbacks:
            return caller
        frame = frame.f_back
    return None
