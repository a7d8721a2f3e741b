"""Observations of the task in the files of a record: as dictionaries for JSON, and back."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from keras_course_ext.monitoring.record.checks import (
    bool_of,
    count_of,
    list_of,
    number_of,
    object_of,
    or_none,
    text_of,
)
from keras_course_ext.monitoring.record.task import InputInfo, Observation, OutputInfo, TargetInfo

_Check = Callable[[Any], Any]


def entry_of(observation: Observation) -> dict[str, Any]:
    """Return an observation as a dictionary that JSON can hold."""
    return _plain(asdict(observation))


def observation_of(value: Any) -> Observation:
    """Return an observation from a dictionary of its fields.

    Raises:
        ValueError: If it is none.
    """
    found = _read(Observation, _OBSERVATION, value)
    for names, values in ((found.logs, found.values), (found.at, found.losses)):
        if len(names) != len(values):
            raise ValueError(f"an observation has {len(names)} names of {len(values)} values")
    return found


def _plain(value: Any) -> Any:
    """Return a value without NaN and infinity, which JSON has not."""
    if isinstance(value, dict):
        return {name: _plain(x) for name, x in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(x) for x in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _read(cls: Any, table: Mapping[str, _Check], value: Any) -> Any:
    entry = object_of(value, (), table)
    return cls(**{name: table[name](x) for name, x in entry.items()})


def _tuple_of(item: _Check) -> _Check:
    return lambda value: tuple(list_of(value, item))


_INPUT: Mapping[str, _Check] = {
    "name": text_of,
    "columns": count_of,
    "samples": count_of,
    "integers": bool_of,
    "mean": number_of,
    "std": number_of,
    "smallest": number_of,
    "largest": number_of,
    "largest_scale": number_of,
    "smallest_scale": number_of,
    "constant_columns": count_of,
    "non_finite_share": number_of,
}
_TARGET: Mapping[str, _Check] = {
    "shape": _tuple_of(count_of),
    "samples": count_of,
    "integers": bool_of,
    "one_hot": bool_of,
    "distributions": bool_of,
    "mean": number_of,
    "std": number_of,
    "smallest": number_of,
    "largest": number_of,
    "deviation": number_of,
    "values": _tuple_of(number_of),
    "shares": _tuple_of(number_of),
    "constant_columns": count_of,
    "non_finite_share": number_of,
}
_OUTPUT: Mapping[str, _Check] = {
    "name": text_of,
    "layer": text_of,
    "layers": _tuple_of(text_of),
    "activation": or_none(text_of),
    "units": or_none(count_of),
    "shape": or_none(_tuple_of(or_none(count_of))),
    "loss": or_none(text_of),
    "from_logits": or_none(bool_of),
    "targets": or_none(lambda value: _read(TargetInfo, _TARGET, value)),
    "constant_loss": or_none(number_of),
    "least_loss": number_of,
    "out_of_reach": or_none(number_of),
    "weighted": bool_of,
}
_OBSERVATION: Mapping[str, _Check] = {
    "epoch": count_of,
    "step": count_of,
    "batches": count_of,
    "inputs": _tuple_of(lambda value: _read(InputInfo, _INPUT, value)),
    "outputs": _tuple_of(lambda value: _read(OutputInfo, _OUTPUT, value)),
    "optimizer": or_none(text_of),
    "learning_rate": or_none(number_of),
    "penalized": bool_of,
    "logs": _tuple_of(text_of),
    "values": _tuple_of(number_of),
    "losses": _tuple_of(number_of),
    "at": _tuple_of(count_of),
}
for _cls, _table in (
    (InputInfo, _INPUT),
    (TargetInfo, _TARGET),
    (OutputInfo, _OUTPUT),
    (Observation, _OBSERVATION),
):
    assert set(_table) == {f.name for f in fields(_cls)}
