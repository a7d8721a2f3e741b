"""The leaky rectified linear unit."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor


def leaky_relu(x: Any, negative_slope: float = 0.2) -> tf.Tensor:
    """A ReLU that has a small slope s for negative inputs instead of 0.

        f(x)  = x if x > 0 else s x
        f'(x) = 1 if x > 0 else s          so dx = dy where x > 0, else s · dy

    f' is computed from the output y, whose sign is that of x; for a negative s from the input x. It
    is 1 or s, so unless s = 0 a unit that is inactive for all samples still learns, and cannot die.
    At x = 0, where f has a corner, f' is defined to be s, as in TensorFlow.

    Args:
        x: Floating-point tensor of any shape.
        negative_slope: s, any number. Defaults to 0.2, with 0 it is `relu`.

    Returns:
        A tensor of the shape and dtype of `x`.

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([-3.0, 0.0, 2.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.leaky_relu(x, 0.5)
        >>> y.numpy()
        array([-1.5,  0. ,  2. ], dtype=float32)
        >>> tape.gradient(y, x).numpy()
        array([0.5, 0.5, 1. ], dtype=float32)

    Differs from Keras:
        With `negative_slope=0` the value at −∞ is 0, not NaN, and in float64 s is not rounded to
        float32.

    Reference: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models,
    2013, section 2.

    Deck: chapter 5, alternatives to the sigmoid.
    """
    return leaky(float_tensor(x, "leaky_relu"), float(negative_slope))


def leaky(x: tf.Tensor, s: float) -> tf.Tensor:
    """`leaky_relu` of a tensor that has been checked."""
    # The kernels take s as a float32, which would round it in float64.
    by_kernel = x.dtype != tf.float64

    @custom_gradient
    def forward(x) -> Any:
        if s == 0:  # s · x would be NaN at −∞
            y = tf.nn.relu(x)
        else:
            y = tf.nn.leaky_relu(x, s) if by_kernel else tf.where(x > 0, x, s * x)

        def grad(dy):
            features = x if s < 0 else y
            if by_kernel:
                return tf.raw_ops.LeakyReluGrad(gradients=dy, features=features, alpha=s)
            return tf.where(features > 0, dy, s * dy)

        return y, grad

    return forward(x)
