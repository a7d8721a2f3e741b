"""The convolution of Conv1D and Conv2D, with the three gradients of back-propagation."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor
from keras_course_ext.ops._window import Window, checked_window


def convolution(
    x: Any,
    w: Any,
    b: Any = None,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    dilations: int | Sequence[int] = 1,
) -> tf.Tensor:
    """The weighted sum of a convolutional layer and its three gradients.

    For one space axis, with stride s, dilation d and p zeros before the first entry of x:

        y[n, i, o]  = Σⱼ꜀ x[n, s·i + d·j − p, c] · w[j, c, o] + b[o]
        dx[n, m, c] = Σⱼᵢₒ dy[n, i, o] · w[j, c, o]     over all i, j with s·i + d·j − p = m
        dw[j, c, o] = Σₙᵢ x[n, s·i + d·j − p, c] · dy[n, i, o]
        db[o]       = Σₙᵢ dy[n, i, o]

    with sample n, window position i, entry j of the window, input channel c and output channel o; x
    is 0 outside its bounds. With two space axes i, j, m, s, d and p are pairs. As in all deep
    learning libraries this is a cross-correlation: the window is not flipped. dx is the convolution
    of dy, dilated by the strides, with the flipped window.

    dx and dw are computed by TensorFlow's kernels for these sums, `Conv2DBackpropInput` and
    `Conv2DBackpropFilter`. For a dilation, x is first split into d interleaved parts, and the
    window is applied to each part without gaps.

    Args:
        x: Floating-point tensor of shape `(batch, steps, c)` or `(batch, height, width, c)`. Sizes
            may be unknown while a graph is built; the rank must be known.
        w: Tensor of shape `(window, c, o)` or `(height, width, c, o)` and the dtype of `x`.
        b: Tensor of shape `(o,)` and the dtype of `x`, or None for no bias.
            Defaults to None.
        strides: s, an integer of at least 1 or one for each space axis. Defaults to 1.
        padding: String. "valid", no zeros (p = 0); "same", as many zeros on both sides, one more
            after than before if their number is odd, as give ⌈size / s⌉ positions; "causal", with
            one space axis only, d·(window − 1) zeros before, so that y[i] does not depend on
            anything after x[s·i]. Defaults to "valid".
        dilations: d, an integer of at least 1 or one for each space axis. Not more than 1 together
            with strides of more than 1. Defaults to 1.

    Returns:
        y, a tensor of shape `(batch, ..., o)`.

    Raises:
        TypeError: If an argument is not a dense floating-point tensor, or dtypes differ.
        ValueError: If a rank, a size or an option does not fit, or the input is smaller than the
            window.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.reshape([1.0, 2.0, 4.0, 8.0], (1, 4, 1))
        >>> w = tf.reshape([-1.0, 1.0], (2, 1, 1))
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(w)
        ...     y = kce.ops.convolution(x, w)
        >>> y.numpy().ravel()
        array([1., 2., 4.], dtype=float32)
        >>> tape.gradient(y, w).numpy().ravel()
        array([ 7., 14.], dtype=float32)

    Reference: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016,
    sections 2 and 4.
    """
    x = float_tensor(x, "convolution", "x")
    w = float_tensor(w, "convolution", "w")
    b = None if b is None else float_tensor(b, "convolution", "b")
    window = checked_window(x, w, b, strides, padding, dilations)
    shape = [x.shape[0], *window.places(x.shape), w.shape[-1]]
    empty = x.shape[0] == 0 and None not in shape
    y = _empty_product(x, w, shape) if empty else _product(x, w, window)
    y.set_shape(shape)
    return y if b is None else _sum_with_bias(y, b)


@custom_gradient
def _sum_with_bias(z, b) -> Any:
    def grad(dy):
        return dy, tf.reduce_sum(dy, axis=list(range(len(dy.shape) - 1)))

    return z + b, grad


def _product(x, w, window: Window) -> tf.Tensor:
    dilations = window.dilations
    if max(dilations) == 1 and window.padding != "causal":
        return _kernel(x, w, window.strides, window.padding.upper())
    zeros = _zeros(w, window)
    if max(dilations) == 1:
        return _kernel(tf.pad(x, tf.pad(zeros, [[1, 1], [0, 0]])), w, window.strides, "VALID")
    # TensorFlow's kernels support dilation, but not its gradient in float64 on a CPU.
    size = tf.shape(x)[1:-1] + tf.reduce_sum(zeros, axis=1)
    fill = tf.pad(tf.math.floormod(-size, dilations)[:, tf.newaxis], [[0, 0], [1, 0]])
    parts = tf.space_to_batch(x, dilations, zeros + fill)
    return tf.batch_to_space(_kernel(parts, w, window.strides, "VALID"), dilations, fill)


def _empty_product(x, w, shape: list[int | None]) -> tf.Tensor:
    # On a CPU the float32 kernel gives an empty y the shape of x.
    @custom_gradient
    def product(x, w) -> Any:
        return tf.zeros(shape, x.dtype), lambda dy: (tf.zeros_like(x), tf.zeros_like(w))

    return product(x, w)


def _zeros(w, window: Window) -> tf.Tensor:
    """Zeros before and after on each axis, for strides of 1."""
    reach = (tf.shape(w)[:-2] - 1) * window.dilations
    none = tf.zeros_like(reach)
    before, after = {
        "valid": (none, none),
        "same": (reach // 2, reach - reach // 2),
        "causal": (reach, none),
    }[window.padding]
    return tf.stack([before, after], axis=1)


def _kernel(x, w, strides: tuple[int, ...], padding: str) -> tf.Tensor:
    if len(strides) == 1:
        # TensorFlow has no Conv1D kernel: one space axis becomes two, the first of size 1.
        y = _kernel(x[:, tf.newaxis], w[tf.newaxis], (1, *strides), padding)
        return tf.squeeze(y, axis=1)
    how = {"strides": [1, *strides, 1], "padding": padding}

    @custom_gradient
    def product(x, w) -> Any:
        def grad(dy):
            dx = tf.raw_ops.Conv2DBackpropInput(
                input_sizes=tf.shape(x), filter=w, out_backprop=dy, **how
            )
            dw = tf.raw_ops.Conv2DBackpropFilter(
                input=x, filter_sizes=tf.shape(w), out_backprop=dy, **how
            )
            return dx, dw

        return tf.raw_ops.Conv2D(input=x, filter=w, **how), grad

    return product(x, w)
