"""The state of an optimizer in Keras's files, saved with slot names and checked on loading.

Keras numbers the variables of an optimizer and checks only how many there are, so it loads the
accumulator of Adagrad as the velocity of RMSprop. Here the attributes of an HDF5 file also name the
slot of each variable, and a file of Keras is identified by the name of its optimizer.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from keras_course_ext.optimizers.engine.contract import Optimizer

Saved: TypeAlias = tuple[Sequence[np.ndarray], Mapping[str, Any]]
"""The values of the variables, and the attributes of the file."""

_ATTRIBUTE = "keras_course_ext_variables"

_SLOTS_OF_KERAS = {
    "adadelta": {"accumulated_grad", "accumulated_delta_var"},
    "adagrad": {"accumulator"},
    "adam": {"momentum", "velocity", "velocity_hat"},
    "adamax": {"momentum", "norm"},
    "adamw": {"momentum", "velocity", "velocity_hat"},
    "ftrl": {"accumulator", "linear"},
    "lamb": {"momentum", "velocity"},
    "lion": {"momentum"},
    "muon": {"momentum", "velocity"},
    "nadam": {"momentum", "velocity"},
    "rmsprop": {"velocity", "momentum", "average_gradient"},
    "schedule_free_adam_w": {"momentum", "velocity"},
    "sgd": {"momentum"},
}


def save(optimizer: Optimizer, store: Any) -> None:
    """Writes the variables under their numbers, and their names into the attributes.

    Args:
        optimizer: The optimizer.
        store: A store of `keras.saving`, or a dictionary.
    """
    for i, variable in enumerate(optimizer.variables):
        store[str(i)] = variable.numpy()
    attributes = _attributes(store)
    if attributes is not None:
        attributes[_ATTRIBUTE] = _kinds(optimizer)


def load(optimizer: Optimizer, store: Any) -> Saved | None:
    """Reads the variables, and assigns them to the optimizer's if it is built.

    Args:
        optimizer: The optimizer.
        store: What `save` wrote, or Keras for one of its optimizers.

    Returns:
        The state to restore once the optimizer is built; `None` if it has been restored.

    Raises:
        ValueError: If the state is that of another optimizer or of other weights.
    """
    attributes = _attributes(store)
    values = [np.array(store[str(i)]) for i in range(len(store.keys()))]
    saved = values, {} if attributes is None else dict(attributes)
    if not optimizer.built and len(values) > len(optimizer.variables):
        return saved
    restore(optimizer, *saved)
    return None


def restore(
    optimizer: Optimizer, values: Sequence[np.ndarray], attributes: Mapping[str, Any]
) -> None:
    """Assigns the values of a state to the variables of an optimizer that is built.

    Args:
        optimizer: The optimizer.
        values: The values.
        attributes: The attributes of the file, if there was one.

    Raises:
        ValueError: As `load`.
    """
    here, there = _kinds(optimizer), [str(x) for x in attributes.get(_ATTRIBUTE, [])]
    kind, saved_by = type(optimizer).__name__, str(attributes.get("name", "another optimizer"))
    advice = (
        "Load it into an optimizer made as the one that saved it, for a model of the same shapes."
    )
    slots = {slot.name for group in optimizer.slot_groups() for slot in group}
    of_keras = _SLOTS_OF_KERAS.get(re.sub(r"_\d+$", "", saved_by))
    if not there and of_keras is not None and not slots <= of_keras:
        raise ValueError(
            f"The state of '{saved_by}' can't be loaded into `{kind}`, which keeps "
            f"{sorted(slots)} where the other keeps {sorted(of_keras)}. {advice}"
        )
    if len(values) != len(here):
        raise ValueError(
            f"The state of '{saved_by}' can't be loaded into `{kind}`, which has {len(here)} "
            f"variables where the state has {len(values)}. {advice}"
        )
    for i, (variable, value) in enumerate(zip(optimizer.variables, values, strict=True)):
        name = there[i] if there else here[i]
        if name != here[i] or tuple(variable.shape) != value.shape:
            raise ValueError(
                f"The state of '{saved_by}' can't be loaded into `{kind}`: variable {i} is "
                f"'{name}' of shape {value.shape} there, and '{here[i]}' of shape "
                f"{tuple(variable.shape)} here ('{variable.path}'). {advice}"
            )
    for variable, value in zip(optimizer.variables, values, strict=True):
        variable.assign(value)


def _kinds(optimizer: Optimizer) -> list[str]:
    """Lists the slot name of every variable; its own name if it is no slot."""
    kinds = {}
    for group in optimizer.slot_groups():
        for slot in group:
            for variable in getattr(optimizer, slot.attribute, None) or ():
                kinds[id(variable)] = slot.name
    for _, variable in optimizer.averages():
        kinds[id(variable)] = "average"
    for variable in optimizer.accumulators():
        kinds[id(variable)] = "gradient_accumulator"
    return [kinds.get(id(variable), variable.name) for variable in optimizer.variables]


def _attributes(store: Any) -> Any:
    """The attributes of an HDF5 group, a private attribute of Keras's store; `None` without it."""
    return getattr(getattr(store, "_h5_entry_group", None), "attrs", None)
