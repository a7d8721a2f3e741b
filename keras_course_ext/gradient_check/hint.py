"""Likely causes of a wrong element."""

import numpy as np

from keras_course_ext.gradient_check.differences import Differences
from keras_course_ext.gradient_check.report import Comparison


def hint(row: Comparison, differences: Differences) -> str:
    """Describes a wrong element at an edge or a corner; an empty string otherwise."""
    if row.place is None or not np.isfinite(row.found):
        return ""
    if not np.isfinite(row.expected):
        return "the function is not finite next to this element: move it away from the edge"
    left, right = differences.one_sided(row.place, 1.0)
    closer_left, closer_right = differences.one_sided(row.place, 0.125)
    gap, closer_gap = right - left, closer_right - closer_left
    # Where the function is smooth the gap is h f'' and shrinks with h.
    if abs(gap) > 100 * row.allowed and abs(closer_gap - gap / 8) > 0.05 * abs(gap):
        return (
            f"there is a corner or a jump within {differences.reach(row.place):.0e} of this "
            f"element, the slope is {left:.4g} to the left and {right:.4g} to the right: "
            "move the input away from it"
        )
    return ""
