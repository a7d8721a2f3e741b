"""TensorBoard's tags of a record, and the layout that puts all layers on one chart."""

import re
from collections.abc import Iterable, Sequence

from keras_course_ext.monitoring.record.schema import Key

TOTALS = "gradients.all"
"""Group of the statistics of the whole model. It is the first in the order of the alphabet."""

_OPEN = ("grad_norm", "update_ratio")
# Known at the end of an epoch only, when the layout is written already.
_OF_EPOCH = {"zero_share": ("dead_units",)}


def tag_of(key: Key) -> str:
    """Return the tag of a scalar: its group is the statistic, so that a group has all layers."""
    if not key.layer:
        return f"{TOTALS}/{key.statistic}" + ("" if key.tensor == "model" else f"/{key.tensor}")
    return f"gradients.{key.statistic}/{key.layer}/{key.tensor}"


def layout(keys: Iterable[Key]) -> bytes:
    """Return the layout of the dashboard "Custom Scalars", as TensorBoard stores it.

    There is one chart for each statistic and kind of tensor, with a line for each layer.

    Args:
        keys: What is recorded.
    """
    charts: dict[str, dict[str, None]] = {}
    for key in keys:
        if key.layer:
            for name in (key.statistic, *_OF_EPOCH.get(key.statistic, ())):
                charts.setdefault(name, {})[key.tensor] = None
    totals = [
        _chart(name, [rf"^{re.escape(TOTALS)}/{name}($|/)"])
        for name in ("grad_norm", "signal_decay", "grad_noise", "clipped_share")
    ]
    first = [name for name in _OPEN if name in charts]
    others = [name for name in charts if name not in first]
    categories = [_category("whole model", totals, closed=False)]
    for name in (*first, *others):
        of_tensors = [
            _chart(f"{name} of {tensor}", [rf"^gradients\.{name}/.*/{re.escape(tensor)}$"])
            for tensor in charts[name]
        ]
        categories.append(_category(name, of_tensors, closed=name in others))
    return b"".join([_number(1, 1), *(_message(2, category) for category in categories)])


# TensorBoard's `layout.proto`, of which TensorFlow has no copy: Layout has the fields version 1 and
# category 2, Category title 1, chart 2 and closed 3, Chart title 1 and multiline 2, the content of
# a multiline chart tag 1, a regular expression.


def _category(title: str, charts: Sequence[bytes], closed: bool) -> bytes:
    return (
        _message(1, title.encode()) + b"".join(_message(2, c) for c in charts) + _number(3, closed)
    )


def _chart(title: str, tags: Sequence[str]) -> bytes:
    content = b"".join(_message(1, tag.encode()) for tag in tags)
    return _message(1, title.encode()) + _message(2, content)


def _message(field: int, content: bytes) -> bytes:
    """Return a field of text, or one that is a message itself: its number, its length, itself."""
    return bytes([field << 3 | 2]) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return bytes([field << 3]) + _varint(value)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
