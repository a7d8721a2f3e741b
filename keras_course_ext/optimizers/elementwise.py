"""The former place of `keras_course_ext.optimizers.rules.elementwise`."""

from keras_course_ext.optimizers.rules.elementwise import (
    Tensor,
    as_dtype_of,
    as_float64,
    divide_no_nan,
    maximum,
    minimum,
    sign,
    sqrt,
    square,
    where,
)

__all__ = [
    "Tensor",
    "as_dtype_of",
    "as_float64",
    "divide_no_nan",
    "maximum",
    "minimum",
    "sign",
    "sqrt",
    "square",
    "where",
]
