"""The arguments that all optimizers take: their types, their documentation and their checks."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

import numpy as np

from keras_course_ext._nearest import nearest_name
from keras_course_ext.optimizers.arguments.checks import (
    Number,
    check_count,
    flag,
    optional,
    shown,
    text,
)

if TYPE_CHECKING:
    from keras.optimizers.schedules import LearningRateSchedule

LearningRate: TypeAlias = "float | LearningRateSchedule | Callable[[], Any]"


class Default(float):
    """Marks an unset default: the value in the signature, which the caller has not passed.

    It distinguishes `Adam(lr=0.1)` from `Adam(learning_rate=0.001, lr=0.1)`, and a convention
    may replace it by another default.
    """


class CommonButWeightDecay(TypedDict, total=False):
    """The common arguments, without `weight_decay`, of an optimizer that declares it itself."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None
    convention: str | None
    lazy: bool
    lr: LearningRate
    decay: float


class CommonArguments(CommonButWeightDecay, total=False):
    """The keyword arguments that every optimizer takes."""

    weight_decay: float | None


COMMON_MARKER = "**common: The arguments that every optimizer takes; see `RuleOptimizer`."
"""The line of a class docstring that `COMMON_DOC` replaces."""

WEIGHT_DECAY_DOC = """\
weight_decay: Float ≥ 0 or `None`. Before each update, w ← w − η · weight_decay · w.
            Defaults to None.
        """
"""The beginning of `COMMON_DOC`, for the optimizers whose `weight_decay` is the common one."""

COMMON_DOC = f"""\
{WEIGHT_DECAY_DOC}clipnorm: Float ≥ 0 or `None`. A gradient whose L2 norm exceeds it,
            taken variable by variable, is scaled down to it. Defaults to None.
        clipvalue: Float ≥ 0 or `None`. Every element of a gradient is cut to
            [−clipvalue, clipvalue]. Defaults to None.
        global_clipnorm: Float ≥ 0 or `None`. As `clipnorm`, for the norm over all variables
            together. Only one of the three may be given. Defaults to None.
        use_ema: Boolean. Keeps an exponential moving average of the weights, which replaces
            them at the end of `fit`. Defaults to False.
        ema_momentum: Float in [0, 1]. The share of the average that is kept at a step.
            Defaults to 0.99.
        ema_overwrite_frequency: Integer ≥ 1 or `None`. The weights are replaced by their
            average every so many steps as well. Defaults to None.
        loss_scale_factor: Float > 0 or `None`. The loss is multiplied by it, the gradients are
            divided by it. Defaults to None.
        gradient_accumulation_steps: Integer ≥ 2 or `None`. The weights are updated once every
            so many batches, by the mean of their gradients. Defaults to None.
        name: String or `None`. Defaults to None: the class name in snake case.
        convention: String or `None`. The source of the form of the update and of the defaults:
            "keras", or "paper", "torch", "deck" where they differ; see the formulas above. Defaults
            to None: those of Keras. The difference to "keras" is that with
            `gradient_accumulation_steps` a schedule counts updates, where Keras counts batches.
        lazy: Boolean. For a sparse gradient, as of an Embedding, updates only the rows that were
            looked up, with their slots and their weight decay; the others keep their values,
            where the formula would apply their momentum and their decay. Defaults to False.
        lr: Deprecated, Keras 2's name of `learning_rate`.
        decay: Deprecated, Float ≥ 0. The learning rate at step t = 0, 1, … is η / (1 + decay · t);
            now `learning_rate=keras.optimizers.schedules.InverseTimeDecay(η, 1, decay)`. η is the
            optimizer's `learning_rate` and can be set during training."""


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "weight_decay": optional(Number(example=0.004)),
    "clipnorm": optional(Number(example=1.0)),
    "clipvalue": optional(Number(example=0.5)),
    "global_clipnorm": optional(Number(example=1.0)),
    "use_ema": flag,
    "ema_momentum": Number(0, 1, example=0.99),
    "ema_overwrite_frequency": optional(partial(check_count, least=1)),
    "loss_scale_factor": optional(Number(example=1024.0, above=True)),
    "gradient_accumulation_steps": optional(partial(check_count, least=2)),
    "name": optional(text),
}


_LARGEST = 3.4e38
"""The largest learning rate; Keras keeps it in float32."""


def check_learning_rate(optimizer: str, value: Any, name: str = "learning_rate") -> LearningRate:
    """Returns a learning rate in the form that Keras takes.

    Args:
        optimizer: Name of the optimizer's class, for the message.
        value: A number ≥ 0 of Python or NumPy, a schedule, or a callable without arguments.
        name: Name of the argument, for the message. Defaults to "learning_rate".

    Returns:
        A float, or the schedule or callable itself.

    Raises:
        ValueError: If it is anything else: negative, NaN, infinite, a bool, a string, a tensor.
    """
    if callable(value):  # a schedule is callable too
        return value
    if isinstance(value, Sequence) and not isinstance(value, str):
        raise ValueError(
            f"`{name}`, the first argument of `{optimizer}`, must be a number of at least "
            "0, a schedule from `keras.optimizers.schedules` or a callable without arguments, but "
            f"got a {type(value).__name__} of length {len(value)}. An optimizer of Keras does not "
            "take the weights of the model: write "
            f"`model.compile({optimizer}(learning_rate=0.01))`."
        )
    try:
        return Number(0, _LARGEST)(name, value)
    except ValueError:
        number = isinstance(value, (int, float, np.integer, np.floating))
        too_large = number and value > _LARGEST
        limit = f" and at most {_LARGEST:.2g}" if too_large else ""
        raise ValueError(
            f"`{name}` must be a number of at least 0{limit}, a schedule from "
            "`keras.optimizers.schedules` or a callable without arguments, but got "
            f"{name}={shown(value)} ({type(value).__name__}). Write, for example, "
            f"`{optimizer}(learning_rate=0.01)`."
        ) from None


def check_convention(
    optimizer: str, convention: Any, known: Mapping[str, Mapping[str, float | None]]
) -> Mapping[str, float | None]:
    """Returns the default values that a convention changes.

    Args:
        optimizer: Name of the optimizer's class, for the message.
        convention: The name of a convention.
        known: The changed defaults of every convention other than "keras".

    Raises:
        ValueError: If there is no such convention for this optimizer.
    """
    if convention is None or (isinstance(convention, str) and convention == "keras"):
        return {}
    if isinstance(convention, str) and convention in known:
        return known[convention]
    names = ", ".join(f'"{name}"' for name in ["keras", *known])
    raise ValueError(
        f"`{optimizer}` knows the conventions {names}, but got convention={shown(convention)}. "
        f'Write, for example, `{optimizer}(convention="keras")`.'
    )


def check_lazy(optimizer: Any, lazy: Any) -> bool:
    """Returns `lazy`, or raises a ValueError if the optimizer can't be lazy."""
    kind = type(optimizer).__name__
    if flag("lazy", lazy) and not optimizer.elementwise:
        raise ValueError(
            f"`{kind}` takes norms or products of whole variables, so it can't renew single rows. "
            f"Write `{kind}(lazy=False)`."
        )
    if lazy and optimizer.gradient_accumulation_steps:
        raise ValueError(
            f"`{kind}` got lazy=True and gradient_accumulation_steps="
            f"{optimizer.gradient_accumulation_steps}, but the sum of several batches' gradients "
            "is kept for all rows. Leave one of the two out."
        )
    return bool(lazy)


def check_common(
    optimizer: str, arguments: Mapping[str, Any], own: Iterable[str]
) -> dict[str, Any]:
    """Returns the common arguments, checked.

    Args:
        optimizer: Name of the optimizer's class, for the message.
        arguments: The caller's keyword arguments that are not hyperparameters.
        own: Names of the optimizer's own hyperparameters, to propose for a misspelled one.

    Returns:
        The arguments for Keras's `Optimizer`.

    Raises:
        ValueError: If a name is unknown or a number out of its range.
    """
    if names := arguments.get("exclude_from_weight_decay"):
        raise ValueError(
            f"`{optimizer}` got exclude_from_weight_decay={shown(names)}, which is a method "
            f"in Keras 3. Write `optimizer = {optimizer}(...)` and "
            f"`optimizer.exclude_from_weight_decay(var_names={names!r})` before `compile`."
        )
    known = [*CommonArguments.__annotations__, "learning_rate", *own]
    for name in arguments:
        if name not in known:
            raise ValueError(
                f"`{optimizer}` has no argument `{name}`. {_advice(name, known)} Received: "
                f"{name}={shown(arguments[name])}."
            )
    return {name: _CHECKS[name](name, value) for name, value in arguments.items()}


def _advice(name: str, known: Iterable[str]) -> str:
    """What to write instead of an argument that does not exist."""
    # One argument of torch, such as `betas`, is several of Keras.
    parts = sorted(k for k in known if re.fullmatch(rf"{re.escape(name.rstrip('s'))}_\d", k))
    if parts:
        return f"Did you mean {' and '.join(f'`{part}`' for part in parts)}?"
    nearest = nearest_name(name, known, cutoff=0.6)
    return f"Did you mean `{nearest}`?" if nearest else f"It takes {sorted(known)}."


def complete_docstring(cls: type) -> None:
    """Lists the common arguments in the docstring of an optimizer's class."""
    # There is no docstring to complete under `python -OO`.
    if cls.__doc__:
        its_own = "\n        weight_decay: " in cls.__doc__
        common = COMMON_DOC.removeprefix(WEIGHT_DECAY_DOC) if its_own else COMMON_DOC
        cls.__doc__ = cls.__doc__.replace(COMMON_MARKER, common)
