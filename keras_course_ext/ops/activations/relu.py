"""The rectified linear unit."""

from typing import Any

import tensorflow as tf

from keras_course_ext.ops._tensors import float_tensor


def relu(x: Any) -> tf.Tensor:
    """The rectified linear unit: lets the positive half of its input pass.

        f(x)  = max(x, 0)
        f'(x) = 1 if x > 0 else 0          so dx = dy where y > 0, else 0

    f' is taken from the output y, which is positive exactly where x is. It is 0 or 1: a gradient
    passes an active unit undiminished, through however many layers, and does not pass an inactive
    one at all. f' vanishes for every x ≤ 0; a unit that is inactive for all samples learns no
    more (a dead unit). At x = 0, where f has a corner, f' is defined to be 0, as in TensorFlow.

    Args:
        x: Floating-point tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, with values in [0, ∞).

    Raises:
        TypeError: If `x` is not a dense floating-point tensor.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> x = tf.constant([-3.0, 0.0, 2.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = kce.ops.relu(x)
        >>> y.numpy()
        array([0., 0., 2.], dtype=float32)
        >>> tape.gradient(y, x).numpy()
        array([0., 0., 1.], dtype=float32)

    Differs from Keras:
        `keras.activations.relu` also takes `negative_slope`, `max_value` and `threshold`; this
        one is the plain function only.

    Deck: chapter 5, ReLU.
    """
    return _relu(float_tensor(x, "relu"))


@tf.custom_gradient
def _relu(x) -> Any:
    y = tf.nn.relu(x)

    def grad(dy):
        # tf.where(y > 0, dy, 0), in one pass over memory and without storing y > 0.
        return tf.raw_ops.ReluGrad(gradients=dy, features=y)

    return y, grad
