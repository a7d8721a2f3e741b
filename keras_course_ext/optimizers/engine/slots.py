"""Creates the variables for the slots that a rule declares."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext.optimizers.engine.contract import Optimizer
from keras_course_ext.optimizers.engine.flat import SMALL, FlatStore, views_are_supported
from keras_course_ext.optimizers.engine.update import native
from keras_course_ext.optimizers.slots import WEIGHTS, Slot


def create_slots(optimizer: Optimizer, variables: Sequence[Any]) -> None:
    """Creates the slots of all variables, and sets the optimizer's attributes that list them.

    The slots of small variables lie end to end in flat ones, if the rule treats every element
    separately and there is one device. A group is created variable by variable, because the order
    of creation is the file format.

    Args:
        optimizer: The optimizer, built except for its slots.
        variables: The weights.
    """
    groups = optimizer.slot_groups()
    slots = [slot for group in groups for slot in group]
    starts = [_first_value(optimizer, slot) for slot in slots]
    own = [_own_slots(optimizer, w) for w in variables]
    kept = [[optimizer.kept(w, slot.name) for slot in slots] for w in variables]
    together = [
        i
        for i, w in enumerate(variables)
        if slots and own[i] == slots and _is_small(w) and not any(v is not None for v in kept[i])
    ]
    places = _places_in_stores(optimizer, {i: variables[i] for i in together}, starts)
    created: dict[Slot, list[Any]] = {slot: [] for slot in slots}
    for group in groups:
        for i, w in enumerate(variables):
            for slot in group:
                created[slot].append(None)
                if slot not in own[i] and not slot.place_held:
                    continue
                j = slots.index(slot)
                if kept[i][j] is not None:
                    variable = kept[i][j]
                    optimizer.list_again(variable)
                elif slot not in own[i]:
                    variable = optimizer.add_variable((), "zeros", "int32", name=_own_name(w))
                elif slot.shape is not None:
                    # Keras gives the slots that have other shapes the names of the weights.
                    name = _own_name(w) if slot.place_held else f"{_path(w)}_{slot.name}"
                    variable = optimizer.add_variable(
                        slot.shape_for(w.shape), _initializer(starts[j], w), w.dtype, name=name
                    )
                elif i in places:
                    store, index = places[i]
                    with keras.name_scope(optimizer.name, caller=optimizer):
                        variable = store.view(j, index, w, f"{_path(w)}_{slot.name}")
                    optimizer._track_variable(variable)
                else:
                    # A function that is being traced cannot read the weights.
                    with tf.init_scope() if slot.start == WEIGHTS else nullcontext():
                        variable = optimizer.add_variable_from_reference(
                            w, slot.name, _initializer(starts[j], w)
                        )
                created[slot][-1] = variable
    for slot, slot_variables in created.items():
        setattr(optimizer, slot.attribute, slot_variables)


def restart_slots(optimizer: Optimizer) -> None:
    """Gives everything that is kept for the weights its first value.

    Args:
        optimizer: The optimizer, built.
    """
    for slot in (slot for group in optimizer.slot_groups() for slot in group):
        start = _first_value(optimizer, slot)
        for w, variable in zip(optimizer.weights, getattr(optimizer, slot.attribute), strict=True):
            if variable is not None and not holds_a_place(variable):
                variable.assign(start(w))
    for variable in (*optimizer.accumulators(), *(mean for _, mean in optimizer.averages())):
        variable.assign(tf.zeros(variable.shape, variable.dtype))
    for scalar in optimizer.shared:
        getattr(optimizer, scalar.attribute).assign(scalar.start)


def start_at_weights(optimizer: Optimizer) -> None:
    """Copies the weights into the slots that start as a copy of them, before the first update.

    They got the weights when they were created. But weights that are created while the training
    step is traced have no values by then, and others may be replaced before the first step.

    Args:
        optimizer: The optimizer, built.
    """
    pairs = weights_to_copy(optimizer)
    if not pairs:
        return

    def copy() -> None:
        for w, slot in pairs:
            slot.assign(tf.convert_to_tensor(w))

    tf.cond(tf.equal(optimizer.iterations, 0), copy, lambda: None)


def weights_to_copy(optimizer: Optimizer) -> list[tuple[Any, Any]]:
    """Lists the slots that start as a copy of the weights.

    Args:
        optimizer: The optimizer, built.

    Returns:
        Pairs of a weight and its slot.
    """
    slots = [s for group in optimizer.slot_groups() for s in group if s.start == WEIGHTS]
    pairs = [
        pair
        for slot in slots
        for pair in zip(optimizer.weights, getattr(optimizer, slot.attribute), strict=True)
    ]
    return [(w, slot) for w, slot in pairs if slot is not None]


def holds_a_place(variable: Any) -> bool:
    """Says whether a variable stands for a slot that the rule does not have; no slot is integer.

    Args:
        variable: A variable of the optimizer.

    Returns:
        A Boolean.
    """
    return keras.backend.standardize_dtype(variable.dtype) == "int32"


def _own_slots(optimizer: Optimizer, w: Any) -> list[Slot]:
    # Keras assigns the "gradient" of such a variable, a float8 scale, to it without a rule.
    if getattr(w, "overwrite_with_gradient", False):
        return []
    return [slot for group in optimizer.slots_for(w) for slot in group]


def _first_value(optimizer: Optimizer, slot: Slot) -> Callable[[Any], tf.Tensor]:
    if slot.start == WEIGHTS:
        return _weights_or_zeros
    # TensorFlow would convert a Python float to float32, also for a float64 slot.
    value = np.float64(optimizer.start_of(slot))
    return lambda w: tf.cast(tf.fill(slot.shape_for(w.shape), value), w.dtype)


def _weights_or_zeros(w: Any) -> tf.Tensor:
    # Weights that are created in a function while it is traced get their values when it is called.
    if tf.executing_eagerly() and not bool(native(w).is_initialized()):
        return tf.zeros(w.shape, w.dtype)
    return tf.convert_to_tensor(w)


def _initializer(start: Callable[[Any], tf.Tensor], w: Any) -> Callable[..., tf.Tensor]:
    return lambda shape, dtype: tf.cast(start(w), dtype)


def _is_small(w: Any) -> bool:
    return (
        keras.backend.standardize_dtype(w.dtype) in ("float32", "float64")
        and np.prod(w.shape) < SMALL
    )


def _places_in_stores(
    optimizer: Optimizer, small: Mapping[int, Any], starts: Sequence[Callable[[Any], Any]]
) -> dict[int, tuple[FlatStore, int]]:
    """Returns, by the index of a small variable, the store of its slots and its place there."""
    places: dict[int, tuple[FlatStore, int]] = {}
    if not optimizer.elementwise or optimizer.lazy or tf.distribute.has_strategy():
        return places
    if not views_are_supported(optimizer):
        return places
    groups: dict[Any, list[int]] = {}
    for i, w in small.items():
        key = (keras.backend.standardize_dtype(w.dtype), optimizer.group_of(w))
        groups.setdefault(key, []).append(i)
    for members in groups.values():
        if len(members) > 1:
            store = FlatStore([small[i] for i in members], starts)
            places |= {i: (store, place) for place, i in enumerate(members)}
    return places


def _own_name(w: Any) -> str:
    return str(w.name).rpartition("/")[2].partition(":")[0]


def _path(w: Any) -> str:
    """The weights' path in the form that Keras's slot names use."""
    path = w.path if hasattr(w, "path") else str(w.name).replace(":", "_")
    return path.replace("/", "_")
