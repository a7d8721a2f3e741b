"""The values that a rule keeps from step to step: declared as data, created as variables."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext.optimizers.flat import SMALL, FlatStore

if TYPE_CHECKING:
    from keras_course_ext.optimizers.base import RuleOptimizer


class Slot(NamedTuple):
    """A value that a rule keeps for every variable from step to step, declared as data.

    Names and order of the slots are the file format, so they are Keras's own.

    Attributes:
        name: The end of the slot variables' names.
        attribute: Name of the optimizer's attribute that lists them, where `tf.train.Checkpoint`
            looks.
        only_if: Name of the hyperparameter without which the slot doesn't exist. Defaults to None:
            it always does.
        start: Name of the hyperparameter that holds the slot's first value, or `WEIGHTS`: the slot
            starts as a copy of the weights. Defaults to None: it starts at 0.

    Example:
        >>> from keras_course_ext.optimizers.slots import WEIGHTS, Slot
        >>> Slot("slow", "slow_weights", start=WEIGHTS).only_if is None
        True
    """

    name: str
    attribute: str
    only_if: str | None = None
    start: str | None = None


WEIGHTS = "the weights"
"""As the `start` of a `Slot`: a copy of the weights."""


class Shared(NamedTuple):
    """A scalar that a rule keeps once for all variables, such as a running product.

    It is handed to the rule by its name, after `RuleOptimizer.shared_values` has renewed it.

    Attributes:
        name: The name of the rule's argument and of the variable.
        attribute: Name of the optimizer's attribute that holds the variable.
        start: A number, its value before the first step. Defaults to 0.

    Example:
        >>> from keras_course_ext.optimizers.slots import Shared
        >>> Shared("u_product", "_u_product", start=1.0).start
        1.0
    """

    name: str
    attribute: str
    start: float = 0.0


def create_slots(optimizer: "RuleOptimizer", variables: Sequence[Any]) -> None:
    """Creates the slots of all variables, under the optimizer's attributes for them.

    The slots of small variables lie end to end in flat ones, if the rule treats every element by
    itself and there is one device. A group's variables are created variable by variable, since the
    order in which they are created is the file format.

    Args:
        optimizer: The optimizer, built but for its slots.
        variables: The weights.
    """
    groups = optimizer.slot_groups()
    slots = [slot for group in groups for slot in group]
    starts = [_first_value(optimizer, slot) for slot in slots]
    own = [_own_slots(optimizer, w) for w in variables]
    together = [i for i, w in enumerate(variables) if slots and own[i] == slots and _is_small(w)]
    places = _places_in_stores(optimizer, {i: variables[i] for i in together}, starts)
    created: dict[Slot, list[Any]] = {slot: [] for slot in slots}
    for group in groups:
        for i, w in enumerate(variables):
            for slot in group:
                created[slot].append(None)
                if slot not in own[i]:
                    continue
                j = slots.index(slot)
                if i in places:
                    store, index = places[i]
                    with keras.name_scope(optimizer.name, caller=optimizer):
                        variable = store.view(j, index, w, f"{_path(w)}_{slot.name}")
                    optimizer._track_variable(variable)
                else:
                    # The weights can't be read within a function that is being traced.
                    with tf.init_scope() if slot.start == WEIGHTS else nullcontext():
                        variable = optimizer.add_variable_from_reference(
                            w, slot.name, _initializer(starts[j], w)
                        )
                created[slot][-1] = variable
    for slot, slot_variables in created.items():
        setattr(optimizer, slot.attribute, slot_variables)


def _own_slots(optimizer: "RuleOptimizer", w: Any) -> list[Slot]:
    # Keras writes the "gradient" of such a variable, a scale of float8, into it without a rule.
    if getattr(w, "overwrite_with_gradient", False):
        return []
    return [slot for group in optimizer.slots_for(w) for slot in group]


def _first_value(optimizer: "RuleOptimizer", slot: Slot) -> Callable[[Any], tf.Tensor]:
    if slot.start == WEIGHTS:
        return tf.convert_to_tensor
    # A Python float would be rounded to float32 on its way to a float64 slot.
    value = np.float64(optimizer.start_of(slot))
    return lambda w: tf.cast(tf.fill(w.shape, value), w.dtype)


def _initializer(start: Callable[[Any], tf.Tensor], w: Any) -> Callable[..., tf.Tensor]:
    return lambda shape, dtype: tf.cast(start(w), dtype)


def _is_small(w: Any) -> bool:
    return (
        keras.backend.standardize_dtype(w.dtype) in ("float32", "float64")
        and np.prod(w.shape) < SMALL
    )


def _places_in_stores(
    optimizer: "RuleOptimizer", small: Mapping[int, Any], starts: Sequence[Callable[[Any], Any]]
) -> dict[int, tuple[FlatStore, int]]:
    """Returns, by the index of a small variable, the store of its slots and its place there."""
    places: dict[int, tuple[FlatStore, int]] = {}
    if not optimizer.elementwise or optimizer.lazy or tf.distribute.has_strategy():
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


def _path(w: Any) -> str:
    """The weights' path as it stands in the names of Keras's slots."""
    path = w.path if hasattr(w, "path") else str(w.name).replace(":", "_")
    return path.replace("/", "_")
