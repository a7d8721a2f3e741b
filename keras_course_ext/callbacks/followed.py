"""Which optimizers of a model are followed: those that may get the gradients of a train step."""

from collections.abc import Iterator
from typing import Any

import keras

from keras_course_ext.callbacks.request import refuse


def followed_optimizers(model: Any, given: Any = None) -> dict[str, Any]:
    """Return the optimizers whose `apply` is recorded, by the names of the model's attributes.

    An optimizer inside another one (of a `MultiOptimizer`, a `LossScaleOptimizer`) is not
    followed: its gradients reach the outer one first.

    Args:
        model: The model.
        given: One optimizer or a sequence of them; None for all that are attributes of the model,
            also in its lists and dictionaries.
    """
    # TensorFlow keeps what it saves in checkpoints under names that begin with `_self_`.
    own = {name: value for name, value in vars(model).items() if not name.startswith("_self_")}
    attributes = dict(_optimizers_in(own))
    if given is None:
        inner = {id(i) for o in attributes.values() for _, i in _optimizers_in(vars(o))}
        found = [(n, o) for n, o in attributes.items() if id(o) not in inner]
    else:
        name_of = {id(o): name for name, o in reversed(attributes.items())}
        all_given = given if isinstance(given, list | tuple) else [given]
        found = [(name_of.get(id(o), getattr(o, "name", "optimizer")), o) for o in all_given]
    followed: dict[str, Any] = {}
    for name, optimizer in found:
        if not any(optimizer is other for other in followed.values()):
            followed[_unused(name, followed)] = optimizer
    return followed


def checked_optimizers(model: Any, given: Any, needed: bool = False) -> dict[str, Any]:
    """Return the optimizers to follow, or refuse the model.

    Args:
        model: The model.
        given: As in `followed_optimizers`.
        needed: Whether there must be one.

    Raises:
        ValueError: If the model or one of the optimizers cannot be recorded.
        TypeError: If one of them is not of Keras's kind.
    """
    optimizers = followed_optimizers(model, given)
    refuse(model, *(optimizers.values() or ([None] if needed else [])))
    return optimizers


def described(optimizers: dict[str, Any]) -> str:
    """Return the names and classes of some optimizers, for a message."""
    return ", ".join(f"`{name}` ({type(o).__name__})" for name, o in optimizers.items())


# Containers may contain each other.
_DEPTH = 3


def _optimizers_in(values: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield the optimizers among some values, with the names or numbers that lead to them."""
    items = values.items() if isinstance(values, dict) else enumerate(values)
    for key, value in items:
        if isinstance(value, keras.optimizers.Optimizer):
            yield "/".join([*path, str(key)]), value
        elif isinstance(value, dict | list | tuple) and len(path) < _DEPTH:
            yield from _optimizers_in(value, (*path, str(key)))


def _unused(name: str, taken: dict[str, Any]) -> str:
    unique, n = name, 2
    while unique in taken:
        unique, n = f"{name}_{n}", n + 1
    return unique
