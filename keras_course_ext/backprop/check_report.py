"""The result of `Trace.check`: a row for each compared entry, printed as a table."""

from dataclasses import dataclass

import numpy as np
from rich import box
from rich.table import Table

from keras_course_ext.backprop.table import rendered

_FIGURES = {"elements", "largest deviation", "allowed"}


class TraceError(AssertionError):
    """An entry of a trace differs from automatic differentiation.

    The message names the worst element, its place and both values.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((2,)), kce.layers.Dense(1, "sigmoid", name="y")])
        >>> model.set_weights([np.array([[1.0], [-1.0]]), np.zeros(1)])
        >>> trace = kce.backprop.trace(model, np.array([[1.0, 1.0]]), np.array([[1.0]]), "mse")
        >>> trace["y"].weights[0].gradient[0] += 1.0
        >>> try:
        ...     trace.check()
        ... except kce.backprop.TraceError as error:
        ...     print(str(error).splitlines()[0])
        The trace is wrong. The worst entry: ∂L/∂kernel[0, 0] of 'y' is 0.75 in the trace ...
    """


@dataclass(frozen=True)
class CheckRow:
    """One compared entry.

    Attributes:
        layer: Name of the layer, or "loss".
        entry: What was compared: "Z", "A", "∂L/∂A", "δ", "∂L/∂kernel", ...
        size: Number of elements.
        error: The largest deviation; inf if only one side has the entry.
        allowed: The largest deviation allowed.
        place: The index of the element with the largest deviation.
        traced: Its value in the trace.
        expected: Its value by automatic differentiation.
    """

    layer: str
    entry: str
    size: int
    error: float
    allowed: float
    place: tuple[int, ...]
    traced: float | None
    expected: float | None

    @property
    def ok(self) -> bool:
        """Whether the deviation is within what is allowed."""
        return self.error <= self.allowed

    def __str__(self) -> str:
        at = f"[{', '.join(map(str, self.place))}]" if self.place else ""
        return (
            f"{self.entry}{at} of '{self.layer}' is {_text(self.traced)} in the trace and "
            f"{_text(self.expected)} by automatic differentiation"
        )


@dataclass(frozen=True)
class CheckReport:
    """The result of `Trace.check`; prints as a table.

    Attributes:
        rows: One object per compared entry, in the order of the layers.
        rtol: The relative tolerance, a float ≥ 0.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((2,)), kce.layers.Dense(1, "sigmoid", name="y")])
        >>> model.set_weights([np.array([[1.0], [-1.0]]), np.zeros(1)])
        >>> trace = kce.backprop.trace(model, np.array([[1.0, 1.0]]), np.array([[1.0]]), "mse")
        >>> report = trace.check()
        >>> report.ok, [row.entry for row in report.rows if row.layer == "y"]
        (True, ['Z', 'A', '∂L/∂A', 'δ', '∂L/∂kernel', '∂L/∂bias'])
    """

    rows: tuple[CheckRow, ...]
    rtol: float

    @property
    def ok(self) -> bool:
        """Whether every deviation is within what is allowed."""
        return all(row.ok for row in self.rows)

    @property
    def worst(self) -> CheckRow:
        """The entry with the largest deviation, relative to what is allowed."""
        return max(self.rows, key=lambda row: _share(row))

    def __str__(self) -> str:
        return check_as_text(self)


def check_as_text(report: CheckReport) -> str:
    """A line per compared entry, and whether all agree."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for column in ("layer", "entry", "elements", "largest deviation", "allowed", ""):
        table.add_column(column, justify="right" if column in _FIGURES else "left")
    for row in report.rows:
        table.add_row(
            row.layer,
            row.entry,
            str(row.size),
            f"{row.error:.1e}",
            f"{row.allowed:.1e}",
            "ok" if row.ok else "WRONG",
        )
    n = sum(row.size for row in report.rows)
    verdict = (
        f"All {n} numbers agree with automatic differentiation."
        if report.ok
        else f"{sum(not row.ok for row in report.rows)} of {len(report.rows)} entries are wrong."
    )
    return f"{rendered(table)}\n{verdict}"


def _share(row: CheckRow) -> float:
    if row.error == 0:
        return 0.0
    return np.inf if row.allowed == 0 else row.error / row.allowed


def _text(value: float | None) -> str:
    return "missing" if value is None else f"{value:.9g}"
