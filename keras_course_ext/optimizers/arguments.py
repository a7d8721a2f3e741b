"""What a caller may write: the arguments common to all optimizers, and how they are checked."""

import difflib
import math
import numbers
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypedDict

import numpy as np
from keras.optimizers.schedules import LearningRateSchedule

LearningRate: TypeAlias = float | LearningRateSchedule | Callable[[], Any]


class Default(float):
    """A number that nobody wrote: the value in the signature.

    It tells `Adam(lr=0.1)` from `Adam(learning_rate=0.001, lr=0.1)`, and gives way to the default
    of another convention.
    """


class CommonButWeightDecay(TypedDict, total=False):
    """The common arguments of an optimizer that has a `weight_decay` of its own."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None
    convention: str
    lazy: bool
    lr: LearningRate
    decay: float


class CommonArguments(CommonButWeightDecay, total=False):
    """The keyword arguments that every optimizer takes besides its own."""

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
        convention: String. Whose form of the update and whose defaults: "keras", or "paper",
            "torch", "deck" where they differ; see the formulas above. Defaults to "keras".
        lazy: Boolean. For a sparse gradient, as of an Embedding, renews only the rows that were
            looked up, with their slots and their weight decay; the others stand still, where
            the formula would have their momentum and their decay go on. Defaults to False.
        lr: Deprecated, Keras 2's name of `learning_rate`.
        decay: Deprecated, Float ≥ 0. The learning rate at step t = 0, 1, … is η / (1 + decay · t);
            now `learning_rate=keras.optimizers.schedules.InverseTimeDecay(η, 1, decay)`."""


@dataclass(frozen=True)
class Number:
    """The check that an argument is a finite number of an interval.

    Args:
        low: The smallest number allowed. Defaults to 0.
        high: The largest number allowed. Defaults to infinity.
        example: The number that the error message proposes. Defaults to 0.9.
        below: Whether `high` itself is refused. Defaults to False.
        above: Whether `low` itself is refused. Defaults to False.

    Example:
        >>> from keras_course_ext.optimizers.arguments import Number
        >>> Number(0, 1)("momentum", 0.5)
        0.5
        >>> Number(0, 1)("momentum", 2)
        Traceback (most recent call last):
        ...
        ValueError: `momentum` must be a number in [0, 1], but got momentum=2 (int). Write, ...
    """

    low: float = 0.0
    high: float = math.inf
    example: float = 0.9
    below: bool = False
    above: bool = False

    def __call__(self, name: str, value: Any) -> float:
        """Returns `value` as a float, or raises a ValueError that says what to write."""
        if self._allows(value):
            return float(value)
        raise ValueError(
            f"`{name}` must be a number {self._interval()}, but got {name}={value!r} "
            f"({type(value).__name__}). Write, for example, `{name}={self.example}`."
        )

    def _allows(self, value: Any) -> bool:
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            return False
        number = float(value)
        over_low = self.low < number if self.above else self.low <= number
        under_high = number < self.high if self.below else number <= self.high
        return over_low and under_high and math.isfinite(number)

    def _interval(self) -> str:
        if self.high == math.inf:
            return f"greater than {self.low:g}" if self.above else f"of at least {self.low:g}"
        return f"in [{self.low:g}, {self.high:g}{')' if self.below else ']'}"


def flag(name: str, value: Any) -> bool:
    """Returns `value` if it is True or False, or raises a ValueError that says what to write."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise ValueError(
        f"`{name}` must be True or False, but got {name}={value!r} ({type(value).__name__}). "
        f"Write `{name}=True` or leave it out."
    )


def optional(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Returns a check that lets `None` pass and hands everything else to `check`."""

    def checked(name: str, value: Any) -> Any:
        return None if value is None else check(name, value)

    return checked


def check_count(name: str, value: Any, least: int = 0) -> int:
    """Returns `value` if it is an integer of at least `least`, or raises a ValueError."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least:
        return int(value)
    raise ValueError(
        f"`{name}` must be an integer of at least {least}, but got {name}={value!r} "
        f"({type(value).__name__}). Write, for example, `{name}={max(least, 5)}`."
    )


_CHECKED_COMMON = {
    "weight_decay": Number(example=0.004),
    "clipnorm": Number(example=1.0),
    "clipvalue": Number(example=0.5),
    "global_clipnorm": Number(example=1.0),
    "loss_scale_factor": Number(example=1024.0, above=True),
}


def check_learning_rate(optimizer: str, value: Any) -> LearningRate:
    """Returns a learning rate in the form that Keras takes.

    Args:
        optimizer: Name of the optimizer's class, for the message.
        value: A number ≥ 0 of Python or NumPy, a schedule, or a callable without arguments.

    Returns:
        A float, or the schedule or callable itself.

    Raises:
        ValueError: If it is anything else: negative, NaN, infinite, a bool, a string, a tensor.
    """
    if isinstance(value, LearningRateSchedule) or callable(value):
        return value
    try:
        return Number()("learning_rate", value)
    except ValueError:
        raise ValueError(
            "`learning_rate` must be a number of at least 0, a schedule from "
            "`keras.optimizers.schedules` or a callable without arguments, but got "
            f"learning_rate={value!r} ({type(value).__name__}). Write, for example, "
            f"`{optimizer}(learning_rate=0.01)`."
        ) from None


def check_convention(
    optimizer: str, convention: Any, known: Mapping[str, Mapping[str, float | None]]
) -> Mapping[str, float | None]:
    """Returns the default values that a convention changes.

    Args:
        optimizer: Name of the optimizer's class, for the message.
        convention: The name of a convention.
        known: The changed defaults of every convention besides "keras".

    Raises:
        ValueError: If there is no such convention for this optimizer.
    """
    if convention == "keras":
        return {}
    if isinstance(convention, str) and convention in known:
        return known[convention]
    names = ", ".join(f'"{name}"' for name in ["keras", *known])
    raise ValueError(
        f"`{optimizer}` knows the conventions {names}, but got convention={convention!r}. Write, "
        f'for example, `{optimizer}(convention="keras")`.'
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
        arguments: What is left of the caller's keyword arguments.
        own: Names of the optimizer's own hyperparameters, to propose for a misspelled one.

    Returns:
        The arguments for Keras's `Optimizer`.

    Raises:
        ValueError: If a name is unknown or a number out of its range.
    """
    known = [*CommonArguments.__annotations__, "learning_rate", *own]
    for name in arguments:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            advice = f"Did you mean `{nearest[0]}`?" if nearest else f"It takes {sorted(known)}."
            raise ValueError(f"`{optimizer}` has no argument `{name}`. {advice}")
    return {
        name: _CHECKED_COMMON[name](name, value)
        if name in _CHECKED_COMMON and value is not None
        else value
        for name, value in arguments.items()
    }


def complete_docstring(cls: type) -> None:
    """Lists the common arguments in the docstring of an optimizer's class."""
    # There is no docstring to complete under `python -OO`.
    if cls.__doc__:
        its_own = "\n        weight_decay: " in cls.__doc__
        common = COMMON_DOC.removeprefix(WEIGHT_DECAY_DOC) if its_own else COMMON_DOC
        cls.__doc__ = cls.__doc__.replace(COMMON_MARKER, common)
