"""Adds variables to an optimizer that is built.

It is built a second time, for the old and the new variables, and the variables that it has are
used again. So a step that was traced before still updates them, and everything is in the order in
which an optimizer that is built once for all these variables has it: that of the files.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_course_ext.optimizers.engine.contract import Optimizer
from keras_course_ext.optimizers.engine.update import native


def check_known(optimizer: Optimizer, variables: Sequence[Any]) -> None:
    """Raises an error for a variable that an optimizer was not built for.

    Args:
        optimizer: The optimizer.
        variables: The variables of a step.

    Raises:
        ValueError: If the optimizer is built and does not know one of the variables.
    """
    new = [w for w in variables if optimizer.built and not optimizer.knows(w)]
    if new:
        names = [str(getattr(w, "path", w.name)) for w in new[:4]]
        raise ValueError(
            f"Unknown variable{'s' * (len(new) > 1)}: {', '.join(names)}"
            f"{', ...' * (len(new) > 4)}. `{type(optimizer).__name__}` was built for "
            f"{len(optimizer.weights)} other variables. If layers were unfrozen, or a second model "
            "is trained, call `optimizer.add_variables(model.trainable_variables)` before "
            "training (`optimizer.inner_optimizer.add_variables` of a `LossScaleOptimizer`)."
        )


def add(optimizer: Optimizer, variables: Sequence[Any]) -> None:
    """Creates the slots of the variables that the optimizer does not have yet.

    Args:
        optimizer: The optimizer, built.
        variables: Variables. If the optimizer's are all among them, their order becomes the order
            of the state; otherwise the new ones come last.
    """
    old, given = optimizer.weights, {id(native(w)): w for w in variables}
    new = [w for w in given.values() if not optimizer.knows(w)]
    if not new:
        return
    has_all = all(id(native(w)) in given for w in old)
    # Lifted out of a function that is being traced, so that the slots are created once.
    with tf.init_scope():
        optimizer.build_again(
            list(given.values()) if has_all else [*old, *new],
            [slot.attribute for group in optimizer.slot_groups() for slot in group],
        )
        added = {id(native(w)) for w in new}
        for w, mean in optimizer.averages():
            if id(native(w)) in added:
                mean.assign(tf.convert_to_tensor(w))


def kept_variables(optimizer: Optimizer) -> dict[tuple[int | None, str], Any]:
    """Lists the variables of an optimizer for `build` to use again.

    Args:
        optimizer: The optimizer, built.

    Returns:
        Variables by the weights that they are for (`None`: for all) and by their names.
    """
    kept: dict[tuple[int | None, str], Any] = {}
    for slot in (slot for group in optimizer.slot_groups() for slot in group):
        slots = getattr(optimizer, slot.attribute)
        kept |= {
            (id(native(w)), slot.name): variable
            for w, variable in zip(optimizer.weights, slots, strict=True)
            if variable is not None
        }
    kept |= {(id(native(w)), "average"): mean for w, mean in optimizer.averages()}
    kept |= {
        (id(native(w)), "gradient_accumulator"): optimizer.accumulator_of(w)
        for w in optimizer.weights
        if optimizer.gradient_accumulation_steps
    }
    kept |= {
        (None, scalar.name): getattr(optimizer, scalar.attribute) for scalar in optimizer.shared
    }
    return kept
