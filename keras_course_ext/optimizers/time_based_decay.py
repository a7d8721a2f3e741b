"""Time-based decay, η / (1 + decay t): the `decay` of Keras 2."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_course_ext")
class TimeBasedDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls as 1 / (1 + decay t).

        η(t) = η₀ / (1 + d t)

    It is what the deprecated argument `decay=d` of an optimizer becomes. As in Keras 2, the
    optimizer's `learning_rate` is then η₀, which can be set during training, as ReduceLROnPlateau
    and LearningRateScheduler do; the decay goes on from it, η₀ / (1 + d t).

    Args:
        learning_rate: Float ≥ 0. The learning rate η₀ of the first step, t = 0.
        decay: Float ≥ 0. d, by how much the denominator grows in a step.

    Example:
        >>> import keras_course_ext as kce
        >>> rate = kce.optimizers.TimeBasedDecay(0.1, decay=0.5)
        >>> [round(float(rate(t)), 4) for t in range(4)]
        [0.1, 0.0667, 0.05, 0.04]

    Differs from Keras:
        `keras.optimizers.schedules.InverseTimeDecay(η₀, 1, d)` computes the same formula in
        float32, up to two units in the last place off; here it is computed in float64 and rounded
        once.

    Deck: chapter 5, advanced gradient descent, `decay = 0.0` of methods 5 and 6.
    """

    def __init__(self, learning_rate: float, decay: float) -> None:
        super().__init__()
        # A variable, so that a training step that is traced already reads the new number.
        self.learning_rate = keras.Variable(
            learning_rate, dtype="float64", trainable=False, name="learning_rate"
        )
        self.decay = decay

    def __call__(self, step: Any) -> Any:
        """Returns η(t) for the step t, a scalar of Keras's default float dtype."""
        t = tf.cast(step, tf.float64)
        first = tf.convert_to_tensor(self.learning_rate)
        return tf.cast(first / (1.0 + self.decay * t), keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make the same schedule again."""
        return {"learning_rate": float(self.learning_rate.numpy()), "decay": self.decay}
