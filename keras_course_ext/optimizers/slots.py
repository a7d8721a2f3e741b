"""The values that a rule keeps from step to step, declared as data."""

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
