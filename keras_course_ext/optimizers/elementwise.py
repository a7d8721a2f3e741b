"""The elementwise functions that a rule may call on NumPy arrays and on tensors alike.

Sums and products need nothing: both libraries overload Python's operators. For the functions
below, NumPy input takes NumPy's, everything else TensorFlow's, so that a rule keeps the precision
of the arrays it was given and needs no graph to be plotted or tested.
"""

import math
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

Tensor: TypeAlias = Any
"""A NumPy array, a tensor, or a Python number."""


def sqrt(x: Tensor) -> Tensor:
    """√x, element by element.

    Args:
        x: A NumPy array, a tensor, or a Python number, not negative.

    Returns:
        The roots, of the kind and dtype of `x`. A Python number stays one, so that it does not
        widen a float32 array that it is multiplied with.
    """
    if isinstance(x, (np.ndarray, np.generic)):
        return np.sqrt(x)
    if isinstance(x, (int, float)):
        return math.sqrt(x)
    return tf.sqrt(x)


def square(x: Tensor) -> Tensor:
    """x², element by element.

    Args:
        x: A NumPy array, a tensor, or a Python number.

    Returns:
        The squares, of the kind and dtype of `x`.
    """
    # Not x * x: TensorFlow's graph optimizer turns c (x x) into (c x) x, which rounds otherwise
    # than the same formula in eager mode, and than Keras's.
    if isinstance(x, (np.ndarray, np.generic)):
        return np.square(x)
    if isinstance(x, (int, float)):
        return x * x
    return tf.square(x)


def maximum(x: Tensor, y: Tensor) -> Tensor:
    """The larger of `x` and `y`, element by element.

    Args:
        x: A NumPy array, a tensor, or a Python number.
        y: The same, of the same shape.

    Returns:
        The maxima, of the kind and dtype of the arguments.
    """
    if isinstance(x, (np.ndarray, np.generic)):
        return np.maximum(x, y)
    if isinstance(x, (int, float)):
        return max(x, y)
    return tf.maximum(x, y)


def minimum(x: Tensor, y: Tensor) -> Tensor:
    """The smaller of `x` and `y`, element by element.

    Args:
        x: A NumPy array, a tensor, or a Python number.
        y: The same, of the same shape.

    Returns:
        The minima, of the kind and dtype of the arguments.
    """
    if isinstance(x, (np.ndarray, np.generic)):
        return np.minimum(x, y)
    if isinstance(x, (int, float)):
        return min(x, y)
    return tf.minimum(x, y)


def divide_no_nan(x: Tensor, y: Tensor) -> Tensor:
    """Divides x / y, element by element; the quotient is 0 where y is 0.

    Args:
        x: A NumPy array, a tensor, or a Python number.
        y: The same, of the same shape.

    Returns:
        The quotients, of the kind and dtype of the arguments. NaN stays NaN, unless y
        is 0.
    """
    if isinstance(x, (np.ndarray, np.generic)):
        # The index turns the array of rank 0, which `out` makes of a scalar, back into a scalar.
        return np.divide(x, y, out=np.zeros_like(x), where=np.not_equal(y, 0))[()]
    if isinstance(x, (int, float)):
        return x / y if y else 0.0
    return tf.math.divide_no_nan(x, y)


def sign(x: Tensor) -> Tensor:
    """−1, 0 or 1, element by element.

    Args:
        x: A NumPy array, a tensor, or a Python number.

    Returns:
        The signs, of the kind and dtype of `x`.
    """
    if isinstance(x, (np.ndarray, np.generic)):
        return np.sign(x)
    if isinstance(x, (int, float)):
        return type(x)((x > 0) - (x < 0))
    return tf.sign(x)


def where(condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """`x` where the condition holds, `y` elsewhere.

    Args:
        condition: A NumPy array, a tensor, or a Python truth value.
        x: A NumPy array, a tensor, or a Python number.
        y: The same.

    Returns:
        The chosen elements; `x` or `y` as it is if the condition is one truth value.
    """
    if isinstance(condition, (bool, np.bool_)):
        return x if condition else y
    if isinstance(condition, np.ndarray):
        return np.where(condition, x, y)
    return tf.where(condition, x, y)


def as_float64(x: Tensor) -> Tensor:
    """A scalar in double precision, for the difference of two numbers that are almost equal.

    Args:
        x: A number of Python or NumPy, or a scalar tensor.

    Returns:
        A Python float, or a float64 tensor.
    """
    if isinstance(x, (int, float, np.ndarray, np.generic)):
        return float(x)
    return tf.cast(x, tf.float64)


def as_dtype_of(x: Tensor, y: Tensor) -> Tensor:
    """A scalar in the dtype of what it is to be combined with.

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
    # `tf.cast` rounds a Python float to float32 first.
    return tf.cast(x, y.dtype) if tf.is_tensor(x) else tf.constant(x, y.dtype)
