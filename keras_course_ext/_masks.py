"""The one place that touches Keras's private note of the mask that belongs to a tensor.

`keras.losses.Loss` looks for the attribute `_keras_mask` on predictions and on the losses of the
samples, and divides a mean by the number of those that count. The attribute is not public. If
Keras drops it, masked samples still add 0 to the sum, but a mean divides by all of them:
`tests/losses/test_losses_against_keras.py` then fails.
"""

from typing import Any

import tensorflow as tf


def put_mask(tensor: tf.Tensor, mask: Any) -> tf.Tensor:
    """`tensor`, with a note of which of its entries count."""
    tensor._keras_mask = mask
    return tensor


def mask_of(tensor: Any) -> Any:
    """The mask that `tensor` carries a note of, or None."""
    return getattr(tensor, "_keras_mask", None)
