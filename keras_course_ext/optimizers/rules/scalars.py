"""Which scalars a rule takes, found from its signature."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any


def scalars_of(rule: Callable[..., Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Selects the scalars that a rule takes.

    Args:
        rule: The pure function.
        known: `lr`, `t`, and the shared scalars, by name.

    Returns:
        The scalars whose names are arguments of the rule; all of them if it takes `**keywords`,
        as a rule around another rule does.

    Example:
        >>> from keras_course_ext.optimizers.rules import momentum_rule
        >>> from keras_course_ext.optimizers.rules.scalars import scalars_of
        >>> scalars_of(momentum_rule, {"lr": 0.1, "t": 1})
        {'lr': 0.1}
    """
    parameters = parameters_of(rule)
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return {name: value for name, value in known.items() if takes_any or name in parameters}


@cache
def parameters_of(rule: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Returns the parameters of a pure function by name.

    Args:
        rule: The pure function.

    Returns:
        The parameters. They are kept, because reading a signature takes longer than a small
        eager update.
    """
    return inspect.signature(rule).parameters
