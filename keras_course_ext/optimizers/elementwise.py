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
