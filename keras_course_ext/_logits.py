"""The one place that touches Keras's private note of the logits behind a sigmoid or softmax.

Keras's crossentropies look for the attribute `_keras_logits` on predictions and, where they find
it, start from the logits. That is what makes a model which ends in `activation="softmax"` learn
from outputs that saturate, where the probability itself has rounded to 0 or 1. The attribute is
not public. If Keras drops it, nothing breaks, but ours and theirs no longer find each other's
logits and fall back to probabilities: `tests/losses/test_losses.py` then fails.
"""

import warnings
from typing import Any

import tensorflow as tf


def remember_logits(probabilities: tf.Tensor, logits: Any) -> tf.Tensor:
    """`probabilities`, with a note that they are the sigmoid or softmax of `logits`."""
    probabilities._keras_logits = logits
    return probabilities


def noted_logits(probabilities: Any) -> Any:
    """The logits that `probabilities` carries a note of, or None."""
    return getattr(probabilities, "_keras_logits", None)


def recall_logits(y_pred: Any, from_logits: bool, axis: int = -1) -> tuple[tf.Tensor, bool]:
    """What a crossentropy starts from: the logits behind `y_pred` if noted, or `y_pred`.

    Args:
        y_pred: Predictions.
        from_logits: Whether the user says that they are logits.
        axis: The axis along which the loss takes them. The note is for the last axis.

    Returns:
        A tensor and whether it holds logits.
    """
    y_pred = tf.convert_to_tensor(y_pred)
    logits = noted_logits(y_pred)
    if logits is None or axis not in (-1, len(y_pred.shape) - 1):
        return y_pred, from_logits
    if from_logits:
        warnings.warn(
            "The loss was given from_logits=True, but the model already ends in a sigmoid or "
            "softmax; the loss starts from the logits before it. Leave from_logits out.",
            stacklevel=2,
        )
    return tf.convert_to_tensor(logits), True
