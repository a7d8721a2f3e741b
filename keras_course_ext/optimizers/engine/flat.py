"""Slots of many small variables, held in one flat variable.

A rule on a hundred small variables is about a thousand tiny operations, and their time is the
overhead of each operation. With the slots of all of them end to end in one flat vector, one run of
the rule updates them all. Each variable has slots under Keras's names and in Keras's order, as
views into the flat ones, so files and checkpoints are the same as without flat slots.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

SMALL = 65_536
"""A variable of fewer elements is small: below this size the overhead of an operation dominates."""


PRIVATE_NAMES = (
    "_initialize",
    "_direct_assign",
    "_shared_name",
    "_serialize_to_tensors",
    "_restore_from_tensors",
    "_export_to_saved_model_graph",
    "_write_object_proto",
)
"""The methods of `keras.Variable`, and of TensorFlow's Trackable, that `FlatView` overrides."""


class FlatStore:
    """The slots of a list of small variables of one dtype, one flat variable for each slot.

    Args:
        variables: The weights, in the order in which they lie in the store.
        starts: For each slot what it starts as: takes one of the weights and returns the first
            value of its slot.
    """

    def __init__(self, variables: Sequence[Any], starts: Sequence[Callable[[Any], Any]]) -> None:
        self.sizes = [int(np.prod(v.shape)) for v in variables]
        self.offsets = np.concatenate([[0], np.cumsum(self.sizes)]).tolist()
        # Lifted out of a `tf.function` that is being traced, which would run the initialization
        # again at every step.
        with tf.init_scope():
            self.slots = [
                tf.Variable(end_to_end([start(v) for v in variables]), trainable=False)
                for start in starts
            ]

    def view(self, slot: int, index: int, reference: Any, name: str) -> "FlatView":
        """Returns a slot of one of the weights, as a separate variable.

        Args:
            slot: Which slot.
            index: The place of the weights in the list.
            reference: The weights.
            name: The name of the variable.
        """
        return FlatView(self, slot, index, reference, name)

    def part(self, slot: int, indices: Sequence[int]) -> tf.Tensor:
        """Returns a slot of some of the weights end to end; of all of them, the slot itself."""
        flat = self.slots[slot]
        if len(indices) == len(self.sizes):
            return tf.convert_to_tensor(flat)
        return tf.concat([flat[self.offsets[i] : self.offsets[i + 1]] for i in indices], 0)

    def write(self, slot: int, indices: Sequence[int], value: tf.Tensor) -> None:
        """Writes what `part` returns for the same indices."""
        flat = self.slots[slot]
        if len(indices) == len(self.sizes):
            flat.assign(value)
            return
        old = tf.split(flat, self.sizes)
        new = tf.split(value, [self.sizes[i] for i in indices])
        for i, piece in zip(indices, new, strict=True):
            old[i] = piece
        flat.assign(tf.concat(old, 0))


class FlatView(keras.Variable):
    """A slot of one variable: a piece of a flat variable that behaves as a separate variable.

    Args:
        store: Where the slots lie.
        slot: Which of its flat variables.
        index: Which piece of it.
        reference: The weights that the slot belongs to.
        name: The name of the variable.
    """

    def __init__(self, store: FlatStore, slot: int, index: int, reference: Any, name: str) -> None:
        self.store, self.slot, self.index = store, slot, index
        super().__init__(
            "zeros", reference.shape, dtype=reference.dtype, trainable=False, name=name
        )

    @property
    def value(self) -> tf.Tensor:
        """The piece, in the shape of the weights."""
        start, end = self.store.offsets[self.index : self.index + 2]
        return tf.reshape(self.store.slots[self.slot][start:end], self.shape)

    @property
    def _shared_name(self) -> str:
        return self.path

    def _initialize(self, value: Any) -> None:
        # The store has given the flat variable its first value.
        self._value = None

    def _direct_assign(self, value: Any) -> None:
        start, end = self.store.offsets[self.index : self.index + 2]
        flat = self.store.slots[self.slot]
        flat[start:end].assign(tf.reshape(tf.cast(value, flat.dtype), [-1]))

    def _serialize_to_tensors(self) -> dict[str, tf.Tensor]:
        return {"VARIABLE_VALUE": self.value}

    def _restore_from_tensors(self, restored_tensors: dict[str, tf.Tensor]) -> None:
        self.assign(restored_tensors["VARIABLE_VALUE"])

    def _export_to_saved_model_graph(
        self, object_map: Any, tensor_map: Any, options: Any, **kwargs: Any
    ) -> list[Any]:
        # In a SavedModel the slot is a separate variable, which gets its value from the files.
        object_map[self] = self._separate()
        return []

    def _write_object_proto(self, proto: Any, options: Any) -> None:
        self._separate()._write_object_proto(proto, options)

    def _separate(self) -> Any:
        """A variable of the same shape and dtype; its value is not that of the view."""
        zeros = tf.zeros(self.shape, self.dtype)
        return tf.Variable(zeros, trainable=False, name=self.name)


def views_are_supported(optimizer: Any) -> bool:
    """Says whether Keras has the private names that a `FlatView` needs.

    Without them every slot is a separate variable: the same values in the same files, but one run
    of the rule for each variable.

    Args:
        optimizer: The optimizer whose slots they are.
    """
    return hasattr(optimizer, "_track_variable") and all(
        hasattr(keras.Variable, name) for name in PRIVATE_NAMES
    )


def end_to_end(tensors: Sequence[Any]) -> tf.Tensor:
    """Returns the elements of all tensors in one vector."""
    return tf.concat([x if len(x.shape) == 1 else tf.reshape(x, [-1]) for x in tensors], 0)
