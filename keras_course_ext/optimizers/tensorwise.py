"""The functions of a whole array that a rule may call on NumPy arrays and on tensors alike.

As in `elementwise`, NumPy input takes NumPy's, everything else TensorFlow's. Products of matrices
need nothing: both libraries overload `@`.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_course_ext.optimizers.elementwise import Tensor, sqrt, square


def total(x: Tensor) -> Tensor:
    """Σ x, over all elements.

    Args:
        x: A NumPy array, or a tensor.

    Returns:
        The sum, a scalar of the kind and dtype of `x`.
    """
    return np.sum(x) if isinstance(x, (np.ndarray, np.generic)) else tf.reduce_sum(x)


def norm(x: Tensor) -> Tensor:
    """‖x‖ = √(Σ x²), over all elements, whatever the shape.

    Args:
        x: A NumPy array, or a tensor.

    Returns:
        The norm, a scalar of the kind and dtype of `x`.
    """
    return sqrt(total(square(x)))


def ratio(x: Tensor, y: Tensor) -> Tensor:
    """X / y, or 1 where x or y is 0.

    Args:
        x: A norm: a scalar ≥ 0 of NumPy, a scalar tensor, or a Python number.
        y: The same.

    Returns:
        The ratio, a scalar.
    """
    if not tf.is_tensor(x):
        return x / y if x > 0 and y > 0 else 1.0
    return tf.where(x > 0, tf.where(y > 0, x / y, 1.0), 1.0)


def transpose(x: Tensor) -> Tensor:
    """xᵀ.

    Args:
        x: A matrix, a NumPy array or a tensor.

    Returns:
        The transposed matrix.
    """
    return np.transpose(x) if isinstance(x, np.ndarray) else tf.transpose(x)


def reshape(x: Tensor, shape: Sequence[int]) -> Tensor:
    """The elements of `x` in another shape.

    Args:
        x: A NumPy array, or a tensor.
        shape: The new shape; one −1 in it stands for whatever is left.

    Returns:
        The same elements in the same order.
    """
    return np.reshape(x, shape) if isinstance(x, np.ndarray) else tf.reshape(x, shape)
