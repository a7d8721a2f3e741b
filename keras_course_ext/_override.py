"""One attribute of one object, replaced for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def overridden(target: Any, name: str, value: Any) -> Iterator[None]:
    """Give an object's attribute another value within a context, and leave no trace of it.

    Written past `__setattr__`: Keras's and TensorFlow's own would track what is assigned, as a
    part of the model to be saved.
    """
    had, before = name in vars(target), vars(target).get(name)
    object.__setattr__(target, name, value)
    try:
        yield
    finally:
        if had:
            object.__setattr__(target, name, before)
        else:
            object.__delattr__(target, name)
