"""An optimizer's variables are created before the step is traced, so that it is traced once.

A `tf.function` that creates variables is traced twice: TensorFlow lifts their initializers out of
the first trace and runs the second one. In a first `fit` these are the slots of the optimizer.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def lifted_build(build: Callable[..., Any]) -> Callable[..., Any]:
    """Return an optimizer's `build` that creates its variables outside of the traced function.

    The optimizer itself calls it, at its first `apply`, with the variables that it would have been
    built with. Weights that are created in the same trace have no values yet, which slots may
    start from; the optimizer is then built where it would have been.

    Args:
        build: Its own `build`.
    """

    def build_outside(variables: Sequence[Any]) -> Any:
        if tf.executing_eagerly() or tf.distribute.has_strategy():
            return build(variables)
        with tf.init_scope(), tf.variable_creator_scope(_unlifted):
            if tf.executing_eagerly() and all(map(_has_value, variables)):
                return build(variables)
        return build(variables)

    return build_outside


def _unlifted(create: Callable[..., Any], **options: Any) -> Any:
    """Create a variable that is initialized at once, not by the traced function."""
    return create(**{**options, "experimental_enable_variable_lifting": False})


def _has_value(w: Any) -> bool:
    variable = getattr(w, "value", w)
    return isinstance(variable, tf.Variable) and bool(variable.is_initialized())
