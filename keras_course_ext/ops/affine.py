"""The affine map of a dense layer, with the three gradients that back-propagation needs."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor


def affine(x: Any, w: Any, b: Any = None) -> tf.Tensor:
    """The weighted sum of a dense layer and its three gradients.

        Y  = X W + B          (N, i) (i, o) (o)
        dX = dY Wᵀ            (N, o) (o, i)
        dW = Xᵀ dY            (i, N) (N, o)
        dB = Σₙ dY            the sum over the batch

    with N samples, i inputs and o outputs. An input of higher rank is a batch of rows: its
    leading axes are flattened into N and restored in Y, so dW and dB sum over all of them.

    Args:
        x: X, floating-point tensor of shape `(batch, ..., i)`, rank 2 or higher. Sizes may be
            unknown while a graph is built.
        w: W, tensor of shape `(i, o)` and the dtype of `x`.
        b: B, tensor of shape `(o,)` and the dtype of `x`, or None for no bias.
            Defaults to None.

    Returns:
        Y, a tensor of shape `(batch, ..., o)`.

    Raises:
        TypeError: If an argument is not a dense floating-point tensor, or dtypes differ.
        ValueError: If a rank or a size does not fit.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x, w = tf.constant([[1.0, 2.0]]), tf.constant([[1.0, 0.0, 3.0], [0.0, 1.0, 4.0]])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(w)
        ...     y = kce.ops.affine(x, w, tf.zeros(3))
        >>> y.numpy()
        array([[ 1.,  2., 11.]], dtype=float32)
        >>> tape.gradient(y, w).numpy()
        array([[1., 1., 1.], [2., 2., 2.]], dtype=float32)

    Deck: chapter 2, the weighted sum; chapter 4, ∂L/∂X = ∂L/∂Y·Wᵀ, ∂L/∂W = Xᵀ·∂L/∂Y, ∂L/∂B = sum of
    ∂L/∂Y over axis 0.
    """
    x = float_tensor(x, "affine", "x")
    w = float_tensor(w, "affine", "w")
    b = None if b is None else float_tensor(b, "affine", "b")
    _check(x, w, b)
    if x.shape.rank == 2:
        return _rows(x, w, b)
    leading = tf.shape(x)[:-1]
    y = _rows(tf.reshape(x, [-1, tf.shape(w)[0]]), w, b)
    y = tf.reshape(y, tf.concat([leading, tf.shape(w)[1:]], axis=0))
    return tf.ensure_shape(y, x.shape[:-1].concatenate(w.shape[1:]))


def _rows(x: tf.Tensor, w: tf.Tensor, b: tf.Tensor | None) -> tf.Tensor:
    return _product(x, w) if b is None else _product_and_bias(x, w, b)


@custom_gradient
def _product(x, w) -> Any:
    def grad(dy):
        dx = tf.matmul(dy, w, transpose_b=True)
        dw = tf.matmul(x, dy, transpose_a=True)
        return dx, dw

    return tf.matmul(x, w), grad


@custom_gradient
def _product_and_bias(x, w, b) -> Any:
    def grad(dy):
        dx = tf.matmul(dy, w, transpose_b=True)
        dw = tf.matmul(x, dy, transpose_a=True)
        db = tf.reduce_sum(dy, axis=0)
        return dx, dw, db

    return tf.matmul(x, w) + b, grad


def _check(x: tf.Tensor, w: tf.Tensor, b: tf.Tensor | None) -> None:
    for name, tensor in (("w", w), ("b", b)):
        if tensor is not None and tensor.dtype != x.dtype:
            raise TypeError(
                f"`affine` needs one dtype, but `x` is {x.dtype.name} and `{name}` is "
                f"{tensor.dtype.name}. Write `tf.cast({name}, x.dtype)`."
            )
    if x.shape.rank is not None and x.shape.rank < 2:
        raise ValueError(
            f"`x` of `affine` must have shape (batch, ..., inputs), rank 2 or higher. Received: "
            f"shape {x.shape}. For a single sample write `x[tf.newaxis, :]`."
        )
    if w.shape.rank not in (None, 2):
        raise ValueError(
            f"`w` of `affine` must have shape (inputs, outputs). Received: shape {w.shape}."
        )
    if not x.shape[-1:].is_compatible_with(w.shape[:1]):
        raise ValueError(
            f"The last axis of `x` and the first of `w` must have the same size. Received: "
            f"x of shape {x.shape} and w of shape {w.shape}."
        )
    if b is not None and not b.shape.is_compatible_with(w.shape[1:]):
        raise ValueError(
            f"`b` of `affine` must have one entry per output. Received: b of shape {b.shape} and "
            f"w of shape {w.shape}."
        )
