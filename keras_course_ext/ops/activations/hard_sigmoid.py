"""The hard sigmoid, which is piecewise linear."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops._tensors import float_tensor


def hard_sigmoid(x: Any) -> tf.Tensor:
    """The hard sigmoid: a piecewise linear approximation of the sigmoid, cheap to compute.

        f(x)  = min(max(x + 3, 0), 6) / 6
        f'(x) = 1/6 if −3 < x < 3 else 0          so dx = dy / 6 where −3 < x < 3, else 0

    f' is computed from the input x. It is 1/6 or 0: it is 0 exactly where f is 0 or 1, and a unit
    whose output is 0 or 1 for all samples no longer learns. At x = ±3, where f has corners, f' is
    defined to be 0, as in TensorFlow.

    Args:
        x: Floating-point tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, with values in [0, 1].

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([-4.0, 0.0, 1.5])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.hard_sigmoid(x)
        >>> y.numpy()
        array([0.  , 0.5 , 0.75], dtype=float32)
        >>> tape.gradient(y, x).numpy().round(3)
        array([0.   , 0.167, 0.167], dtype=float32)

    Reference: Howard et al., Searching for MobileNetV3, 2019, section 5.2.

    Deck: chapter 5, alternatives to the sigmoid.
    """
    return _hard_sigmoid(float_tensor(x, "hard_sigmoid"))


@custom_gradient
def _hard_sigmoid(x) -> Any:
    y = tf.nn.relu6(x + 3) / 6

    def grad(dy):
        # tf.where((-3 < x) & (x < 3), dy / 6, 0), without storing the condition.
        return tf.raw_ops.Relu6Grad(gradients=dy / 6, features=x + 3)

    return y, grad
