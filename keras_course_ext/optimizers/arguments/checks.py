"""The checks of the values of arguments."""

import math
import numbers
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


def shown(value: Any) -> str:
    """Returns a value as an error message shows it, cut to 100 characters."""
    try:
        text = repr(value)
    except ValueError:  # Python prints no integer of more than 4300 digits
        text = "an integer of too many digits"
    return text if len(text) <= 100 else f"{text[:97]}..."


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
            f"`{name}` must be a number {self._interval()}, but got {name}={shown(value)} "
            f"({type(value).__name__}). Write, for example, `{name}={self.example}`."
        )

    def _allows(self, value: Any) -> bool:
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            return False
        try:
            number = float(value)
        except OverflowError:  # an integer beyond the largest float
            return False
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
        f"`{name}` must be True or False, but got {name}={shown(value)} ({type(value).__name__}). "
        f"Write `{name}=True` or leave it out."
    )


def text(name: str, value: Any) -> str:
    """Returns `value` if it is a string, or raises a ValueError."""
    if isinstance(value, str):
        return value
    raise ValueError(
        f"`{name}` must be a string, but got {name}={shown(value)} ({type(value).__name__}). "
        f'Write, for example, `{name}="optimizer"`, or leave it out.'
    )


def optional(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Returns a check that lets `None` pass and hands everything else to `check`."""

    def checked(name: str, value: Any) -> Any:
        return None if value is None else check(name, value)

    return checked


def check_count(name: str, value: Any, least: int = 0, most: int = 2**31 - 1) -> int:
    """Returns `value` if it is an integer from `least` to `most`, or raises a ValueError."""
    integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if integer and least <= value <= most:
        return int(value)
    limit = f" and at most {most}" if integer and value > most else ""
    raise ValueError(
        f"`{name}` must be an integer of at least {least}{limit}, but got {name}={shown(value)} "
        f"({type(value).__name__}). Write, for example, `{name}={max(least, 5)}`."
    )


def patterns(name: str, value: Any) -> list[str]:
    """Returns a list of regular expressions, empty for `None`, or raises a ValueError."""
    if value is None:
        return []
    if isinstance(value, Sequence) and not isinstance(value, str):
        try:
            for pattern in value:
                re.compile(pattern)
            return list(value)
        except (re.error, TypeError):
            pass
    raise ValueError(
        f"`{name}` must be a list of regular expressions, but got {name}={shown(value)} "
        f'({type(value).__name__}). Write, for example, `{name}=["output"]`.'
    )
