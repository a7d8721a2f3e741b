"""How a rule is run over a variable.

A rule knows nothing of variables: it takes values and returns values. An engine reads the
variable and its slots, runs the rule, and writes the results back. Engines are asked in the order
of `ENGINES`, and the first that serves an update carries it out. The plain one serves every
update and is what any other is tested against.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeAlias

import tensorflow as tf


@dataclass(frozen=True)
class Update:
    """One update of one variable: all that an engine needs to carry it out.

    Attributes:
        rule: The rule with its hyperparameters filled in. `rule.func` is the pure function,
            `rule.keywords` the hyperparameters.
        gradient: dL/dw, a dense tensor of the variable's shape.
        variable: w, a `tf.Variable` or `keras.Variable`.
        slots: The variables that the rule keeps for w, in the order of its arguments.
        scalars: What changes from step to step: `lr`, and `t` if the rule asks for it.
        assign: `assign(variable, value)` writes a value, cast to the variable's dtype.
    """

    rule: partial
    gradient: Any
    variable: Any
    slots: Sequence[Any]
    scalars: Mapping[str, Any]
    assign: Callable[[Any, Any], None]


Engine: TypeAlias = Callable[[Update], bool]
"""Carries out an update and returns True, or leaves it to the next engine and returns False."""


def plain(update: Update) -> bool:
    """Computes the formula, then assigns.

    Half precision is computed in float32: an epsilon of 1e-8 is 0 in float16, and a product of
    two small numbers vanishes. The slots keep the variable's dtype, as in Keras's files.
    """
    dtype = _compute_dtype(update.variable.dtype)
    targets = (update.variable, *update.slots)
    g, *old = (tf.cast(x, dtype) for x in (update.gradient, *targets))
    new = update.rule(g, *old, **{k: tf.cast(x, dtype) for k, x in update.scalars.items()})
    if not isinstance(new, tuple) or len(new) != len(targets):
        raise ValueError(
            f"The rule `{update.rule.func.__name__}` must return a tuple of {len(targets)}: the "
            f"new w and its {len(update.slots)} new slots, in the order of its arguments. It "
            f"returned {new!r}."
        )
    for target, value in zip(targets, new, strict=True):
        update.assign(target, value)
    return True


ENGINES: tuple[Engine, ...] = (plain,)


def run(update: Update) -> None:
    """Carries out an update by the first engine that serves it."""
    any(engine(update) for engine in ENGINES)


@cache
def asked_for(rule: Callable[..., Any]) -> frozenset[str]:
    """Returns the names of a rule's arguments: `lr`, perhaps `t`, and so on."""
    return frozenset(inspect.signature(rule).parameters)


def _compute_dtype(dtype: Any) -> tf.DType:
    dtype = tf.as_dtype(dtype)
    return tf.float32 if dtype in (tf.float16, tf.bfloat16) else dtype
