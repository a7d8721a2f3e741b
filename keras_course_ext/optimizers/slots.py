"""The values that a rule keeps from step to step, declared as data."""

from collections.abc import Callable
from typing import NamedTuple


class Slot(NamedTuple):
    """A value that a rule keeps for every variable from step to step, declared as data.

    Names and order of the slots are the file format, so they are Keras's own.

    Attributes:
        name: The end of the slot variables' names.
        attribute: Name of the optimizer's attribute that lists them, where `tf.train.Checkpoint`
            looks.
        only_if: Name of a hyperparameter; while it is 0 or `False` the slot doesn't exist.
            Defaults to None: the slot always exists.
        start: Name of the hyperparameter that holds the slot's first value, or `WEIGHTS`: the slot
            starts as a copy of the weights. Defaults to None: it starts at 0.
        shape: Function from the shape of the variable to the shape of the slot, both tuples.
            Defaults to None: the same shape. The rule must not be `elementwise`.
        place_held: Boolean. Whether an integer scalar takes the place of the slot in the files of
            those variables that `slots_for` gives no such slot. Defaults to False.

    Example:
        >>> from keras_course_ext.optimizers.slots import WEIGHTS, Slot
        >>> Slot("slow", "slow_weights", start=WEIGHTS).only_if is None
        True
    """

    name: str
    attribute: str
    only_if: str | None = None
    start: str | None = None
    shape: Callable[[tuple[int, ...]], tuple[int, ...]] | None = None
    place_held: bool = False

    def shape_for(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the shape of the slot of a variable.

        Args:
            shape: Tuple of integers, the shape of the variable.

        Returns:
            A tuple of integers.
        """
        return tuple(shape) if self.shape is None else self.shape(tuple(shape))


WEIGHTS = "the weights"
"""As the `start` of a `Slot`: a copy of the weights."""


class Shared(NamedTuple):
    """A scalar that a rule keeps once for all variables, such as a running product.

    The rule gets it by its name, after `RuleOptimizer.shared_values` has updated it.

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
