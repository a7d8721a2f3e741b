"""What the functions of `ops` accept as a tensor."""

from typing import Any

import tensorflow as tf


def float_tensor(value: Any, function: str, argument: str = "x") -> tf.Tensor:
    """`value` as a dense tensor of real floating-point numbers.

    Args:
        value: Anything that `tf.convert_to_tensor` takes.
        function: Name of the calling function, for the message.
        argument: Name of the argument that `value` was passed as, for the message.

    Raises:
        TypeError: If `value` is sparse, ragged, integer, boolean or complex. The message says
            what to write instead.
    """
    if isinstance(value, tf.SparseTensor):
        raise TypeError(
            f"`{function}` needs a dense tensor, but `{argument}` is a SparseTensor. "
            f"Write `tf.sparse.to_dense({argument})`."
        )
    if isinstance(value, tf.RaggedTensor):
        raise TypeError(
            f"`{function}` needs a dense tensor, but `{argument}` is a RaggedTensor. "
            f"Write `{argument}.to_tensor()`."
        )
    tensor = tf.convert_to_tensor(value)
    if not tensor.dtype.is_floating:
        raise TypeError(
            f"`{function}` has a derivative for real numbers only, so `{argument}` must be "
            f"floating point, but its dtype is {tensor.dtype.name}. "
            f"Write `tf.cast({argument}, 'float32')`."
        )
    return tensor
