"""The result of a gradient check, as an object, as a table and as an error."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Comparison:
    """One input's gradient, compared with one reference; its worst element.

    Args:
        input: String: which input, "argument 0 (x)" or "variable 'dense/kernel'".
        reference: String: what it was compared with, "central differences" or "autodiff of the
            twin".
        place: Index of the worst element; None where one number represents all elements, the
            derivative along a random direction.
        found: Float: the gradient of the checked function there.
        expected: Float: the gradient of the reference there.
        allowed: Float ≥ 0: the largest allowed difference of the two.
        checked: Integer ≥ 1: how many elements were compared.
        size: Integer ≥ 1: how many elements there are.
        note: String: a remark, such as that the function gave no gradient at all. Defaults to "".

    Example:
        >>> from keras_course_ext.gradient_check import Comparison
        >>> reference = "central differences"
        >>> row = Comparison("argument 0 (x)", reference, (1,), -6.0, -4.0, 0.5, 2, 2)
        >>> row.ok, row.ratio
        (False, 4.0)
        >>> print(row)
        argument 0 (x), element (1,): -6, by central differences -4 (off by 2.00e+00, ...)
    """

    input: str
    reference: str
    place: tuple[int, ...] | None
    found: float
    expected: float
    allowed: float
    checked: int
    size: int
    note: str = ""

    @property
    def ratio(self) -> float:
        """|found − expected| / allowed; more than 1, or infinite, is wrong."""
        if not np.isfinite([self.found, self.expected]).all():
            return np.inf
        difference = abs(self.found - self.expected)
        if difference == 0:
            return 0.0
        return difference / self.allowed if self.allowed else np.inf

    @property
    def ok(self) -> bool:
        """Whether the two agree."""
        return self.ratio <= 1

    def __str__(self) -> str:
        where = "a random direction" if self.place is None else f"element {self.place}"
        text = (
            f"{self.input}, {where}: {self.found:.12g}, by {self.reference} {self.expected:.12g} "
            f"(off by {abs(self.found - self.expected):.2e}, allowed {self.allowed:.2e})"
        )
        return f"{text}; {self.note}" if self.note else text

    def cells(self) -> tuple[str, ...]:
        """The comparison as a row of the report's table.

        Returns:
            Strings, one for each of its columns.
        """
        count = f"{self.size}" if self.checked == self.size else f"{self.checked} of {self.size}"
        return (
            "ok" if self.ok else "WRONG",
            self.input,
            self.reference,
            count,
            "a direction" if self.place is None else f"{self.place}",
            f"{self.found:.9g}",
            f"{self.expected:.9g}",
            f"{abs(self.found - self.expected):.1e}",
            f"{self.allowed:.1e}",
        )


_HEAD = (
    *("", "gradient of", "against", "elements", "worst at"),
    *("found", "expected", "off by", "allowed"),
)


@dataclass(frozen=True)
class GradientReport:
    """The result of `gradcheck`; `print` shows it as a table.

    Args:
        function: Name of the checked function.
        rows: Tuple of `Comparison`, one per input and reference.
        notes: Tuple of strings, remarks: inputs that were passed through
            unchecked, elements that were sampled, the precision. Defaults to (), nothing.

    Example:
        >>> import keras_course_ext as kce
        >>> report = kce.gradcheck(kce.ops.sigmoid, [0.5, -3.0])
        >>> report.ok, report.function, report.worst.input
        (True, 'sigmoid', 'argument 0 (x)')
    """

    function: str
    rows: tuple[Comparison, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every comparison agrees."""
        return all(row.ok for row in self.rows)

    @property
    def worst(self) -> Comparison:
        """The comparison that is furthest off, in units of what is allowed."""
        return max(self.rows, key=lambda row: row.ratio)

    def __str__(self) -> str:
        count = f"{len(self.rows)} comparison{'s' if len(self.rows) != 1 else ''}"
        verdict = f"right ({count})" if self.ok else f"WRONG, {self.worst}"
        head = f"gradcheck of `{self.function}`: {verdict}"
        cells = [_HEAD, *(row.cells() for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]
        return "\n".join([head, *self.notes, "", *lines])


class GradcheckError(AssertionError):
    """A gradient is wrong.

    The message names the worst element, its place and both values, and holds the whole report.

    Args:
        message: The message, a string.
        report: The `GradientReport`. Defaults to None: the comparison did not come to one.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> @tf.custom_gradient
        ... def forgetful(x):
        ...     return x * x, lambda dy: 2 * x
        >>> try:
        ...     kce.gradcheck(forgetful, [0.5, -3.0])
        ... except kce.GradcheckError as error:
        ...     print(error.report.ok, error.report.worst.place)
        False (1,)
    """

    def __init__(self, message: str, report: GradientReport | None = None):
        super().__init__(message)
        self.report = report
