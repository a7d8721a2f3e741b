"""The state of an optimizer in Keras's files, saved with slot names and checked on loading.

Keras numbers the variables of an optimizer and checks only how many there are, so it loads the
accumulator of Adagrad as the velocity of RMSprop. Here the attributes of an HDF5 file also name the
slot of each variable, and a file of Keras is identified by the name of its optimizer.

A file is loaded for its weights as well. If its state does not fit, the optimizer starts anew, with
a warning: an error would leave the model with new weights and the old state. A dictionary that is
given to `load_own_variables` is loaded for the state alone, so there it is an error.
"""

import re
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_course_ext.optimizers.engine.contract import Optimizer
from keras_course_ext.optimizers.engine.slots import restart_slots


class Saved(NamedTuple):
    """The state of an optimizer, as a store holds it.

    Attributes:
        values: The values of the variables.
        names: The name of the slot of each; empty in a file of Keras.
        saved_by: The name of the optimizer that saved it.
        in_file: Whether it is part of a file, with the weights of a model.
    """

    values: Sequence[np.ndarray]
    names: Sequence[str]
    saved_by: str
    in_file: bool


_ATTRIBUTE = "keras_course_ext_variables"

_BEFORE_BUILD = ["iteration", "learning_rate"]
"""The names of the variables that an optimizer has before it is built."""

_NOT_OF_THE_RULE = {*_BEFORE_BUILD, "average", "gradient_accumulator"}

_SLOTS_OF_KERAS = {
    "adafactor": {"row", "column", "velocity"},
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
        The state to restore once the optimizer is built; `None` if there is nothing left to do.

    Raises:
        ValueError: If a dictionary is the state of another optimizer or of other weights.
    """
    saved = _read(store)
    waits = not optimizer.built and len(saved.values) > len(optimizer.variables)
    if waits and _other_slots(optimizer, saved) is None:
        return saved
    restore(optimizer, saved)
    return None


def restore(optimizer: Optimizer, saved: Saved) -> None:
    """Assigns the values of a state to the variables of an optimizer that is built.

    Args:
        optimizer: The optimizer.
        saved: The state.

    Raises:
        ValueError: As `load`.
    """
    if not saved.values:
        if int(optimizer.batches.numpy()):
            restart(optimizer)
            warnings.warn(
                "There is no state of an optimizer beside the weights that were loaded, so "
                f"`{type(optimizer).__name__}` starts anew.",
                stacklevel=3,
            )
        return
    if _is_before_build(saved):
        restart(optimizer)
        variables = dict(zip(_kinds(optimizer), optimizer.variables, strict=True))
        for name, value in zip(saved.names or _BEFORE_BUILD, saved.values, strict=False):
            if name in variables:
                variables[name].assign(value)
        return
    difference = _other_slots(optimizer, saved) or _other_variables(optimizer, saved)
    if difference is None:
        for variable, value in zip(optimizer.variables, saved.values, strict=True):
            variable.assign(value)
        return
    problem = (
        f"The state of '{saved.saved_by}' can't be loaded into `{type(optimizer).__name__}`"
        f"{difference}"
    )
    if not saved.in_file:
        raise ValueError(
            f"{problem}. Load it into an optimizer made as the one that saved it, for a model of "
            "the same shapes."
        )
    restart(optimizer)
    warnings.warn(f"{problem}, so the optimizer starts anew.", stacklevel=3)


def restart(optimizer: Optimizer) -> None:
    """Gives all variables but the learning rate the values that they have before the first step.

    Args:
        optimizer: The optimizer, built or not.
    """
    optimizer.batches.assign(0)
    if optimizer.built:
        restart_slots(optimizer)


def _read(store: Any) -> Saved:
    values = [np.array(store[str(i)]) for i in range(len(store.keys()))]
    attributes = dict(_attributes(store) or {})
    name = str(attributes.get("name", "another optimizer"))
    if _without_number(name) == "loss_scale_optimizer":
        # Keras puts this wrapper around the optimizer for the policy "mixed_float16" and saves the
        # variables inside a second time, as the last ones of its own.
        group = getattr(store, "_h5_entry_group", None)
        inner = getattr(group, "parent", {}).get("inner_optimizer/vars")
        if inner is not None:
            values, attributes = values[-len(inner) :], dict(inner.attrs)
            name = str(attributes.get("name", name))
    names = [str(x) for x in attributes.get(_ATTRIBUTE, [])]
    return Saved(values, names, name, in_file=not isinstance(store, dict))


def _is_before_build(saved: Saved) -> bool:
    """Says whether a state was saved by an optimizer that was not built yet."""
    if len(saved.values) > len(_BEFORE_BUILD) or any(v.shape for v in saved.values):
        return False
    return int(saved.values[0]) == 0


def _other_slots(optimizer: Optimizer, saved: Saved) -> str | None:
    """Describes the difference to a state of other slots; `None` if there is none."""
    if _is_before_build(saved):
        return None
    slots = {slot.name for group in optimizer.slot_groups() for slot in group}
    shared = {scalar.name for scalar in optimizer.shared}
    if saved.names:
        other = set(saved.names) - _NOT_OF_THE_RULE - shared
        differs = not optimizer.built and (not other <= slots or bool(slots) > bool(other))
    elif len(saved.values) <= len(_BEFORE_BUILD):
        other, differs = set(), bool(slots)
    else:
        other = _SLOTS_OF_KERAS.get(_without_number(saved.saved_by), slots)
        differs = not slots <= other
    if not differs:
        return None
    return f", which keeps {sorted(slots)} where the other keeps {sorted(other)}"


def _other_variables(optimizer: Optimizer, saved: Saved) -> str | None:
    """Describes the first difference to a state of other variables; `None` if there is none."""
    here = _kinds(optimizer)
    if len(saved.values) != len(here):
        return f", which has {len(here)} variables where the state has {len(saved.values)}"
    names = saved.names or here
    for i, (variable, value) in enumerate(zip(optimizer.variables, saved.values, strict=True)):
        if names[i] != here[i] or tuple(variable.shape) != value.shape:
            return (
                f": variable {i} is '{names[i]}' of shape {value.shape} there, and '{here[i]}' of "
                f"shape {tuple(variable.shape)} here ('{variable.path}')"
            )
    return None


def _without_number(name: str) -> str:
    """The name of an optimizer without the number that Keras adds to the second one."""
    return re.sub(r"_\d+$", "", name)


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
