"""A note of the weighted sum z behind a step, for the loss that needs it.

The output of a step does not tell how far z was from 0, and its derivative is 0. The perceptron
criterion is a loss of z; it finds z by this note, as the crossentropies of Keras find the logits
behind a sigmoid. The note has a name of its own: z is not the logit of a probability, and no loss
of Keras may take it for one.
"""

from typing import Any

import tensorflow as tf


def remember_weighted_sum(y: tf.Tensor, z: Any) -> tf.Tensor:
    """`y`, with a note that it is the step of `z`."""
    y._keras_course_ext_weighted_sum = z
    return y


def noted_weighted_sum(y: Any) -> Any:
    """The weighted sum that `y` carries a note of, or None."""
    return getattr(y, "_keras_course_ext_weighted_sum", None)
