"""Numbers and arrays as text, and sub- and superscripts."""

from typing import Any

import numpy as np

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_FULL = 32


def raised(symbol: str, number: int) -> str:
    """`Z⁽²⁾`: a symbol with the number of its layer."""
    return f"{symbol}⁽{str(number).translate(_RAISED)}⁾"


def lowered(symbol: str, number: int) -> str:
    """`E₁`: a symbol with the number of its unit."""
    return symbol + str(number).translate(_LOWERED)


def number_text(value: float, digits: int = 5) -> str:
    """A number with `digits` significant digits."""
    return f"{value + 0.0:.{digits}g}".replace("-", "−")  # + 0.0 turns −0 into 0


def is_small(value: np.ndarray | None) -> bool:
    """Whether an array is small enough to be printed in full."""
    return value is not None and value.size <= _FULL and value.ndim <= 2


def array_text(value: Any) -> str:
    """A small array in full, one row per line; of any other its shape, norm and range."""
    value = np.asarray(value)
    if value.dtype.kind not in "fiub":  # bfloat16, whose kind is V
        value = value.astype(np.float32)
    if value.ndim == 0:
        return number_text(float(value))
    if is_small(value):
        rows = [_row(row) for row in np.atleast_2d(value)]
        if value.ndim == 1 or len(rows) == 1:
            return rows[0] if value.ndim == 1 else f"[{rows[0]}]"
        return "[" + ",\n ".join(rows) + "]"
    return _summary(value)


def line_text(value: Any) -> str:
    """A small array in one line, as a factor of a formula."""
    return array_text(value).replace("\n", "")


def _row(values: np.ndarray) -> str:
    digits = 5 if len(values) <= 4 else 4  # so that they fit into a column of the table
    texts = [number_text(float(v), digits) for v in values]
    return "[" + ", ".join(texts) + "]"


def _summary(value: np.ndarray) -> str:
    shape = " × ".join(map(str, value.shape))
    if not value.size:
        return f"{shape}, empty"
    if value.dtype.itemsize < 4:  # float16, in which squares overflow
        value = value.astype(np.float32)
    return (
        f"{shape}, norm {number_text(float(np.linalg.norm(value.ravel())))}, "
        f"{number_text(float(value.min()))} … {number_text(float(value.max()))}"
    )
