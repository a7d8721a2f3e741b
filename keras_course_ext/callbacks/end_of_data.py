"""How Keras's train function finds the end of data whose length is not known."""

from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import tensorflow as tf


def asks_for_data_first() -> bool:
    """Say whether Keras's train function asks for a batch before the step begins.

    If not, TensorFlow runs what does not depend on the batch, such as counting the optimizer's
    iterations, once more at the end of the data. A train function that stands for Keras's must do
    the same. It is tried, once in a process, because the version does not tell: a model is given no
    data, and counts its steps.
    """
    return _tried(keras.Model.make_train_function)


@cache
def _tried(make_train_function: Callable[..., Any]) -> bool:
    del make_train_function  # Keras's own method, of the version that is used or of a test
    with tf.init_scope():
        model = _Counting()
        model.jit_compile = False
        model.make_train_function()
        try:
            model.train_function(iter(tf.data.Dataset.range(1).take(0)))
        except (StopIteration, tf.errors.OutOfRangeError):
            return int(model.steps.numpy()) == 0
    return True


class _Counting(keras.Model):
    """Counts its steps."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = tf.Variable(tf.constant(0), trainable=False)

    def train_step(self, data: Any) -> dict[str, Any]:
        """Count a step, whatever the data."""
        self.steps.assign_add(1)
        return {"data": data}
