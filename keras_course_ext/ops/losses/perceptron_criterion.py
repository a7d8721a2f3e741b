"""The loss whose gradient descent is Rosenblatt's rule."""

from typing import Any

import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext.ops.losses._inputs import paired

_OUTSIDE = (
    "`perceptron_criterion`: a target in y_true lies outside [0, 1]. For targets of -1 and 1 write "
    "`(y_true + 1) / 2`."
)


def perceptron_criterion(y_true: Any, y_pred: Any) -> tf.Tensor:
    """The perceptron criterion of each sample, from the weighted sums z before the threshold.

        E       = Σᵢ (yᵢ − tᵢ) zᵢ        with yᵢ = 1 if zᵢ > 0 else 0
        ∂E/∂zᵢ  = yᵢ − tᵢ

    over the units of a sample. The derivative of the threshold itself is 0 wherever it exists, so
    the gradient of any loss of y is 0. E is a loss of z: 0 where the unit is right, and |z| where
    it is wrong, the amount by which z would have to change. With z = x·w + b a step of gradient
    descent on one sample is Rosenblatt's rule,

        w ← w + η (t − y) x,  b ← b + η (t − y)

    Args:
        y_true: t, targets in [0, 1], of shape `(batch, ..., units)`; 0 or 1 for Rosenblatt's rule.
        y_pred: z, weighted sums of the same shape, floating point. Not y, from which z cannot be
            computed.

    Returns:
        E, a tensor of shape `(batch, ...)`: the sum is over the last axis.

    Raises:
        TypeError: If `y_pred` is not a dense floating-point tensor.
        ValueError: If the shapes differ, or if a target lies outside [0, 1], such as the −1 of
            other books.
        tf.errors.InvalidArgumentError: If such a target is computed in a graph, as in `fit`, where
            its value is not known before the graph runs. The reason is the last line of the
            message. Under XLA, which cannot raise, its E is NaN.

    Example:
        >>> import tensorflow as tf
        >>> import keras_course_ext as kce
        >>> z = tf.constant([[2.0, 2.0, -3.0]])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(z)
        ...     e = kce.ops.perceptron_criterion([[1.0, 0.0, 1.0]], z)
        >>> e.numpy(), tape.gradient(e, z).numpy()
        (array([5.], dtype=float32), array([[ 0.,  1., -1.]], dtype=float32))

    Differs from Keras:
        Keras has no such loss.

    Reference: Rosenblatt, The Perceptron: A Probabilistic Model for Information Storage and
    Organization in the Brain, Psychological Review 65 (1958); the rule converges: Novikoff, On
    Convergence Proofs on Perceptrons, Symposium on the Mathematical Theory of Automata 12 (1962).

    Deck: chapter 2, the perceptron; chapter 3, the threshold, 1 for z > 0, else 0.
    """
    t, z = paired(y_true, y_pred, "perceptron_criterion")
    in_range = (t >= 0) & (t <= 1)
    # In a graph the message of the assertion comes after a traceback of the graph. The cast `t` of
    # a constant is no constant there, so the value is read from the argument.
    known = tf.get_static_value(tf.convert_to_tensor(y_true))
    if known is not None and not ((known >= 0) & (known <= 1)).all():
        wrong = known[~((known >= 0) & (known <= 1))]
        raise ValueError(f"{_OUTSIDE} Received: {wrong[0]}.")
    tf.debugging.assert_equal(tf.reduce_all(in_range), True, _OUTSIDE)
    e = _perceptron_criterion(t, z)
    return tf.where(tf.reduce_all(in_range, axis=-1), e, tf.constant(float("nan"), e.dtype))


@custom_gradient
def _perceptron_criterion(t, z) -> Any:
    # Without the test a z of NaN would give y = 0, and the loss would hide it.
    y = tf.where(tf.math.is_nan(z), z, tf.cast(z > 0, z.dtype))

    def grad(dE):
        dE = tf.expand_dims(dE, -1)
        return -dE * z, dE * (y - t)

    # (y - t) z, where a unit that is right counts 0 even if z is infinite.
    e = tf.math.multiply_no_nan(tf.nn.relu(z), 1 - t) + tf.math.multiply_no_nan(tf.nn.relu(-z), t)
    return tf.reduce_sum(e, axis=-1), grad
