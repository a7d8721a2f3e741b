"""Replace an attribute of an object temporarily."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def overridden(target: Any, name: str, value: Any) -> Iterator[None]:
    """Set an attribute of an object within a context, and restore it afterwards.

    `object.__setattr__` is used, because the `__setattr__` of Keras and TensorFlow would track the
    value as a part of the model to be saved.
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
