"""One update of one variable: a rule and the values that it is applied to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from keras_course_ext.optimizers.engine.flat import FlatStore, FlatView


@dataclass(frozen=True)
class Update:
    """One update of one variable, with everything that an engine needs to carry it out.

    Attributes:
        rule: The rule with its hyperparameters filled in. `rule.func` is the pure function,
            `rule.keywords` the hyperparameters.
        gradient: dL/dw, a dense tensor of the variable's shape, or a `tf.IndexedSlices` in which
            each row is listed once.
        variable: w, a `tf.Variable` or `keras.Variable`.
        slots: The variables that the rule keeps for w, in the order of its arguments.
        scalars: The values that change from step to step: `lr`, `t` and the shared scalars. The
            rule gets those that are its arguments.
        decay: λ of w ← w − η λ w before the rule; `None` for no decay.
        elementwise: Whether the rule treats every element separately.
        shifts: Whether the rule is w + Δ with a Δ that does not depend on w.
    """

    rule: partial
    gradient: Any
    variable: Any
    slots: Sequence[Any]
    scalars: Mapping[str, Any]
    decay: Any = None
    elementwise: bool = True
    shifts: bool = False

    @property
    def size(self) -> int:
        """The number of elements of w."""
        return int(np.prod(self.variable.shape))

    @property
    def store(self) -> FlatStore | None:
        """The flat variables that hold the slots, if the slots are views."""
        return self.slots[0].store if self.slots and isinstance(self.slots[0], FlatView) else None

    @property
    def compute_dtype(self) -> tf.DType:
        """The dtype of the arithmetic.

        Half precision is computed in float32: an epsilon of 1e-8 is 0 in float16, and a product
        of two small numbers vanishes. The slots keep the variable's dtype, as in Keras's files.
        """
        dtype = tf.as_dtype(self.variable.dtype)
        return tf.float32 if dtype in (tf.float16, tf.bfloat16) else dtype


def native(variable: Any) -> Any:
    """Returns the `tf.Variable` of a `keras.Variable`; a `tf.Variable` itself."""
    return variable if isinstance(variable, tf.Variable) else variable.value


def path_of(variable: Any) -> str:
    """Returns the path of a variable, such as "encoder/dense/kernel"."""
    return str(getattr(variable, "path", variable.name)).partition(":")[0]
