"""Slots of many small variables, held in one flat variable.

A rule on a hundred small variables is some thousand tiny operations, and their number, not their
work, is what they cost. Held end to end in one flat vector, the slots of all of them are renewed by
one run of the rule. Each variable still has its own slots under Keras's names and in Keras's order,
as views into the flat ones, so that files and checkpoints do not tell the difference.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

SMALL = 65_536
"""A variable of fewer elements is small: its share of the work is less than the cost of asking."""


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
        # Outside of the function that may be being traced: it would run the initialization again
        # at every step.
        with tf.init_scope():
            self.slots = [
                tf.Variable(end_to_end([start(v) for v in variables]), trainable=False)
                for start in starts
            ]

    def view(self, slot: int, index: int, reference: Any, name: str) -> "FlatView":
        """Returns a slot of one of the weights, as a variable of its own.

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
    """A slot of one variable: a piece of a flat variable that behaves as a variable of its own.

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


def end_to_end(tensors: Sequence[Any]) -> tf.Tensor:
    """Returns the elements of all tensors in one vector."""
    return tf.concat([x if len(x.shape) == 1 else tf.reshape(x, [-1]) for x in tensors], 0)
