"""The only module that reads or writes Keras's private attribute `_keras_logits` of a tensor.

Keras's crossentropies look for this attribute on predictions and, if it is there, compute the loss
from the logits, not from the probabilities, which may have rounded to 0 or 1. So a model that ends
in `activation="softmax"` has a gradient even where its outputs are saturated. If Keras drops the
attribute, or TensorFlow refuses attributes on tensors, the losses are computed from probabilities;
`tests/package/test_tensor_attributes.py` then fails.
"""

import contextlib
import warnings
from typing import Any

import tensorflow as tf


def remember_logits(probabilities: tf.Tensor, logits: Any) -> tf.Tensor:
    """Note on `probabilities` that they are the sigmoid or softmax of `logits`; return them."""
    with contextlib.suppress(AttributeError):
        probabilities._keras_logits = logits
    return probabilities


def noted_logits(probabilities: Any) -> Any:
    """The logits noted on `probabilities`, or None."""
    return getattr(probabilities, "_keras_logits", None)


def recall_logits(y_pred: Any, from_logits: bool, axis: int = -1) -> tuple[tf.Tensor, bool]:
    """The input of a crossentropy: the logits noted on `y_pred`, if any, else `y_pred`.

    Args:
        y_pred: Predictions.
        from_logits: Whether the user declares them as logits.
        axis: The axis of the classes in the loss. The note is valid for the last axis only.

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
