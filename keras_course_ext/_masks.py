"""The only module that reads or writes Keras's private attribute `_keras_mask` of a tensor.

`keras.losses.Loss` looks for this attribute on predictions and on the losses of the samples, and
divides a mean by the number of samples whose mask is True. If Keras drops the attribute, or
TensorFlow refuses attributes on tensors, masked samples still add 0 to the sum, but a mean divides
by the number of all samples; `tests/package/test_tensor_attributes.py` then fails.
"""

import contextlib
from typing import Any

import tensorflow as tf


def put_mask(tensor: tf.Tensor, mask: Any) -> tf.Tensor:
    """Attach a mask to `tensor`; return the tensor."""
    with contextlib.suppress(AttributeError):
        tensor._keras_mask = mask
    return tensor


def mask_of(tensor: Any) -> Any:
    """The mask of `tensor`, or None."""
    return getattr(tensor, "_keras_mask", None)
