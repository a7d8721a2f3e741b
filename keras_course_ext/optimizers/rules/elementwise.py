"""The elementwise functions that a rule may call on NumPy arrays and on tensors alike.

Sums and products need no function: both libraries overload Python's operators. The functions
below call NumPy for NumPy arrays, `math` for Python numbers and TensorFlow for everything else.
TensorFlow is imported in the call, so that rules run on NumPy where it is not installed.
"""

import math
from typing import Any, TypeAlias

import numpy as np

Tensor: TypeAlias = Any
"""A NumPy array, a tensor, or a Python number."""


def library_of(x: Tensor) -> Any:
    """Returns `numpy` for a NumPy array or scalar, `tensorflow` for everything else."""
    if isinstance(x, (np.ndarray, np.generic)):
        return np
    import tensorflow as tf

    return tf


def is_number(x: Tensor) -> bool:
    """Says whether `x` is a Python number; `np.float64` is a subclass of `float`, but is none."""
    return isinstance(x, (int, float)) and not isinstance(x, np.generic)


def sqrt(x: Tensor) -> Tensor:
    """√x, element by element.

    Args:
        x: A NumPy array, a tensor, or a Python number, not negative.

    Returns:
        The roots, of the kind and dtype of `x`. The root of a Python number is a Python number,
        which does not widen a float32 array that it is multiplied with.
    """
    return math.sqrt(x) if is_number(x) else library_of(x).sqrt(x)


def square(x: Tensor) -> Tensor:
    """x², element by element.

    Args:
        x: A NumPy array, a tensor, or a Python number.

    Returns:
        The squares, of the kind and dtype of `x`.
    """
    # Not x * x: TensorFlow's graph optimizer turns c (x x) into (c x) x, which rounds differently
    # from the same formula in eager mode and from Keras's.
    return x * x if is_number(x) else library_of(x).square(x)


def maximum(x: Tensor, y: Tensor) -> Tensor:
    """The larger of `x` and `y`, element by element.

    Args:
        x: A NumPy array, a tensor, or a Python number.
        y: The same, of the same shape.

    Returns:
        The maxima, of the kind and dtype of the arguments.
    """
    return max(x, y) if is_number(x) else library_of(x).maximum(x, y)


def minimum(x: Tensor, y: Tensor) -> Tensor:
    """The smaller of `x` and `y`, element by element.

    Args:
        x: A NumPy array, a tensor, or a Python number.
        y: The same, of the same shape.

    Returns:
        The minima, of the kind and dtype of the arguments.
    """
    return min(x, y) if is_number(x) else library_of(x).minimum(x, y)


def divide_no_nan(x: Tensor, y: Tensor) -> Tensor:
    """X / y, element by element; the quotient is 0 where y is 0.

    Args:
        x: A NumPy array, a tensor, or a Python number.
        y: The same, of the same shape.

    Returns:
        The quotients, of the kind and dtype of the arguments. NaN stays NaN, unless y is 0.
    """
    if isinstance(x, (np.ndarray, np.generic)):
        # The index turns the array of rank 0, which `out` makes of a scalar, back into a scalar.
        return np.divide(x, y, out=np.zeros_like(x), where=np.not_equal(y, 0))[()]
    if is_number(x):
        return x / y if y else 0.0
    return library_of(x).math.divide_no_nan(x, y)


def sign(x: Tensor) -> Tensor:
    """−1, 0 or 1, element by element.

    Args:
        x: A NumPy array, a tensor, or a Python number.

    Returns:
        The signs, of the kind and dtype of `x`.
    """
    if is_number(x):
        return type(x)((x > 0) - (x < 0))
    return library_of(x).sign(x)


def where(condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """`x` where the condition holds, `y` elsewhere.

    Args:
        condition: A NumPy array, a tensor, or a Python truth value.
        x: A NumPy array, a tensor, or a Python number.
        y: The same.

    Returns:
        The chosen elements; `x` or `y` itself if the condition is one truth value.
    """
    if isinstance(condition, (bool, np.bool_)):
        return x if condition else y
    return library_of(condition).where(condition, x, y)


def as_float64(x: Tensor) -> Tensor:
    """A scalar in double precision, for the difference of two numbers that are almost equal.

    Args:
        x: A number of Python or NumPy, or a scalar tensor.

    Returns:
        A Python float, or a float64 tensor.
    """
    if isinstance(x, (int, float, np.ndarray, np.generic)):
        return float(x)
    return library_of(x).cast(x, "float64")


def as_dtype_of(x: Tensor, y: Tensor) -> Tensor:
    """A scalar in the dtype of the array that it is combined with.

    Args:
        x: A Python float, or a scalar tensor.
        y: A NumPy array, a tensor, or a Python number.

    Returns:
        A scalar of the kind and dtype of `y`.
    """
    if isinstance(y, (np.ndarray, np.generic)):
        return y.dtype.type(x)
    if isinstance(y, (int, float)):
        return float(x)
    tf = library_of(y)
    # `tf.cast` rounds a Python float to float32 first.
    return tf.cast(x, y.dtype) if tf.is_tensor(x) else tf.constant(x, y.dtype)
