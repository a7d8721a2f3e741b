"""What a file of a record may hold: checks that say what was found instead."""

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from keras_course_ext.monitoring.record.schema import ROLES, Fit, Histogram, Key, LayerInfo

# JSON has no NaN and no infinity.
_NOT_FINITE = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}
# Python's JSON reads bare NaN and Infinity too; a float32 is at most this large.
_LARGEST = float(np.finfo(np.float32).max) * (1 + 2**-25)
_LARGEST_INT = 2**63 - 1
_LONGEST = 60


def parsed(text: str | bytes) -> Any:
    """Return what a text of JSON holds; -0 is the float, as whole values are written without a dot.

    Raises:
        ValueError: If it is not JSON.
    """
    try:
        return json.loads(text, parse_int=_int_but_minus_zero)
    except RecursionError:
        raise ValueError("its lists are nested too deep") from None


def _int_but_minus_zero(text: str) -> float:
    return -0.0 if text == "-0" else int(text)


def object_of(value: Any, needed: Collection[str], optional: Collection[str] = ()) -> dict:
    """Return a JSON object if it has these fields and no others.

    Raises:
        ValueError: If it has not.
    """
    if not isinstance(value, dict):
        raise _wrong("an object", value)
    missing = [name for name in needed if name not in value]
    unknown = [name for name in value if name not in needed and name not in optional]
    if missing or unknown:
        what = f"lacks {missing[0]!r}" if missing else f"has an unknown field {unknown[0]!r}"
        raise ValueError(f"{_short(value)} {what}")
    return value


def list_of(
    value: Any, item: Callable[[Any], Any] = lambda x: x, length: int | None = None
) -> list:
    """Return a list of the results of `item`, of a given length.

    Raises:
        ValueError: If the value is no list or has another length.
    """
    if not isinstance(value, list | tuple):
        raise _wrong("a list", value)
    if length is not None and len(value) != length:
        raise ValueError(f"{_short(value)} has {len(value)} items instead of {length}")
    return [item(x) for x in value]


def count_of(value: Any) -> int:
    """Return a whole number from 0 to 2^63 - 1, such as a step.

    Raises:
        ValueError: If the value is none.
    """
    if type(value) is not int or not 0 <= value <= _LARGEST_INT:
        raise _wrong("a whole number from 0 to 2^63 - 1", value)
    return value


def number_of(value: Any) -> float:
    """Return a recorded value: a number that a float32 can hold, "nan", "inf" or "-inf".

    Raises:
        ValueError: If the value is none.
    """
    kind = type(value)
    if kind is str and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    if kind is float and not math.isfinite(value):
        return value
    if (kind is float or kind is int) and abs(value) <= _LARGEST:
        return float(value)
    raise _wrong('a float32, "nan", "inf" or "-inf"', value)


def text_of(value: Any) -> str:
    """Return a string that a file can hold: without halves of UTF-16 pairs.

    Raises:
        ValueError: If the value is none.
    """
    if not isinstance(value, str) or not (value.isascii() or _is_unicode(value)):
        raise _wrong("a string of Unicode characters", value)
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def bool_of(value: Any) -> bool:
    """Return true or false.

    Raises:
        ValueError: If the value is neither.
    """
    if not isinstance(value, bool):
        raise _wrong("true or false", value)
    return value


def keys_of(values: Any) -> list[Key]:
    """Return the keys of the columns of a block, from lists of three names.

    Raises:
        ValueError: If they are none, or one stands there twice.
    """
    keys = [Key(*names) for names in list_of(values, lambda v: list_of(v, text_of, 3))]
    return distinct(keys)


def distinct(keys: Sequence[Key]) -> list[Key]:
    """Return the keys.

    Raises:
        ValueError: If one stands there twice.
    """
    if len(set(keys)) < len(keys):
        twice = next(key for i, key in enumerate(keys) if key in keys[:i])
        raise ValueError(f"{tuple(twice)} stands there twice")
    return list(keys)


def layer_of(value: Any) -> LayerInfo:
    """Return the layer that `dataclasses.asdict` turned into a dictionary.

    Raises:
        ValueError: If it is none.
    """
    entry = object_of(value, ["name"], _OF_LAYER)
    return LayerInfo(**{name: _OF_LAYER[name](x) for name, x in entry.items()})


def histogram_of(value: Any) -> Histogram:
    """Return a histogram from a dictionary of its fields.

    Raises:
        ValueError: If it is none.
    """
    entry = object_of(value, Histogram._fields)
    counts = list_of(entry["counts"], _amount_of)
    edges = list_of(entry["edges"], _edge_of, len(counts) + 1)
    names = {name: text_of(entry[name]) for name in ("layer", "tensor", "kind")}
    step, epoch = count_of(entry["step"]), count_of(entry["epoch"])
    return Histogram(step, epoch, **names, edges=np.array(edges), counts=np.array(counts))


def fit_of(value: Any) -> Fit:
    """Return where a fit began from a dictionary of its fields.

    Raises:
        ValueError: If it is none.
    """
    entry = object_of(value, Fit._fields)
    return Fit(*(count_of(entry[name]) for name in Fit._fields))


def _amount_of(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= _LARGEST_INT:
        raise _wrong("a number of elements", value)
    return value


def _edge_of(value: Any) -> float:
    # The upper edge of the last bin is 2^128, which is no float32.
    if type(value) not in (int, float) or not abs(value) <= 2.0**128:
        raise _wrong("an edge of a bin, at most 2^128", value)
    return value


def _role_of(value: Any) -> str:
    if value not in ROLES:
        raise _wrong(f"a role, one of {', '.join(ROLES)}", value)
    return value


def or_none(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a check that accepts null as well."""
    return lambda value: None if value is None else check(value)


_OF_LAYER: Mapping[str, Callable[[Any], Any]] = {
    "name": text_of,
    "kind": text_of,
    "activation": or_none(text_of),
    "initializer": or_none(text_of),
    "weights": lambda value: tuple(list_of(value, text_of)),
    "fan_in": or_none(count_of),
    "fan_out": or_none(count_of),
    "units": or_none(count_of),
    "roles": lambda value: tuple(list_of(value, _role_of)),
    "untrained": lambda value: tuple(list_of(value, text_of)),
    "inputs": or_none(lambda value: tuple(list_of(value, text_of))),
}
assert set(_OF_LAYER) == {field.name for field in fields(LayerInfo)}


def _wrong(expected: str, value: Any) -> ValueError:
    return ValueError(f"{_short(value)} is not {expected}")


def _short(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
