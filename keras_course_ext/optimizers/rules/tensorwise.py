"""The functions of a whole array that a rule may call on NumPy arrays and on tensors alike.

As in `elementwise`, NumPy arrays go to NumPy and everything else to TensorFlow. Products of
matrices need no function: both libraries overload `@`.
"""

from collections.abc import Callable, Sequence

import numpy as np

from keras_course_ext.optimizers.rules.elementwise import (
    Tensor,
    is_number,
    library_of,
    sqrt,
    square,
    where,
)


def total(x: Tensor) -> Tensor:
    """Σ x, over all elements.

    Args:
        x: A NumPy array, or a tensor.

    Returns:
        The sum, a scalar of the kind and dtype of `x`.
    """
    library = library_of(x)
    return np.sum(x) if library is np else library.reduce_sum(x)


def norm(x: Tensor) -> Tensor:
    """‖x‖ = √(Σ x²), over all elements, of an array of any shape.

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
    if is_number(x) or library_of(x) is np:
        return x / y if x > 0 and y > 0 else 1.0
    tf = library_of(x)
    return tf.where(x > 0, tf.where(y > 0, x / y, 1.0), 1.0)


def transpose(x: Tensor) -> Tensor:
    """xᵀ.

    Args:
        x: A matrix, a NumPy array or a tensor.

    Returns:
        The transposed matrix.
    """
    return library_of(x).transpose(x)


def reshape(x: Tensor, shape: Sequence[int]) -> Tensor:
    """The elements of `x` in another shape.

    Args:
        x: A NumPy array, or a tensor.
        shape: The new shape; one −1 in it stands for the size that is left.

    Returns:
        The same elements in the same order.
    """
    return library_of(x).reshape(x, shape)


def mean(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The mean over one axis, or over all elements.

    Args:
        x: A NumPy array, or a tensor.
        axis: Integer or `None`. The axis. Defaults to None: all of them.
        keepdims: Boolean. Whether the axis stays, with one element. Defaults to False.

    Returns:
        The means, of the kind and dtype of `x`.
    """
    library = library_of(x)
    if library is np:
        return np.mean(x, axis, keepdims=keepdims)
    return library.reduce_mean(x, axis, keepdims)


def eigenvectors(p: Tensor) -> Tensor:
    """The eigenvectors of a symmetric matrix, by falling eigenvalues.

    Args:
        p: A symmetric matrix, a NumPy array or a tensor.

    Returns:
        An orthogonal matrix, whose columns have sums ≥ 0.
    """
    library = library_of(p)
    q = library.linalg.eigh(p)[1][:, ::-1]
    return q * _signs(library.sum(q, 0) if library is np else library.reduce_sum(q, 0))


def orthogonal(x: Tensor) -> Tensor:
    """Q of the QR decomposition X = Q R with a diagonal of R that is not negative.

    Args:
        x: A square matrix, a NumPy array or a tensor.

    Returns:
        An orthogonal matrix.
    """
    library = library_of(x)
    q, r = library.linalg.qr(x)
    return q * _signs(np.diagonal(r) if library is np else library.linalg.diag_part(r))


def chosen(condition: Tensor, x: Callable[[], Tensor], y: Callable[[], Tensor]) -> Tensor:
    """`x()` if the condition holds, `y()` otherwise; the other one is not computed.

    Args:
        condition: A truth value of Python or NumPy, or a Boolean scalar tensor.
        x: Function without arguments.
        y: The same.

    Returns:
        What the function returned.
    """
    if isinstance(condition, (bool, np.bool_)):
        return x() if condition else y()
    return library_of(condition).cond(condition, x, y)


def _signs(x: Tensor) -> Tensor:
    return where(x < 0, -1.0 + 0.0 * x, 1.0 + 0.0 * x)
