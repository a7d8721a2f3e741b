"""What the losses accept as targets and predictions."""

from typing import Any

import keras
import tensorflow as tf

from keras_course_ext.ops._tensors import float_tensor


def predictions(y_pred: Any, function: str) -> tf.Tensor:
    """`y_pred` as a floating-point tensor of known rank, 1 or higher."""
    return _ranked(float_tensor(y_pred, function, "y_pred"), function, "y_pred", 1)


def targets(y_true: Any, function: str) -> tf.Tensor:
    """`y_true` as a tensor of known rank, of real numbers: integers and booleans count as such."""
    if not isinstance(y_true, tf.SparseTensor | tf.RaggedTensor):
        y_true = tf.convert_to_tensor(y_true)
        if y_true.dtype.is_integer or y_true.dtype.is_bool:
            return _ranked(y_true, function, "y_true", 0)
    return _ranked(float_tensor(y_true, function, "y_true"), function, "y_true", 0)


def _ranked(tensor: tf.Tensor, function: str, argument: str, lowest: int) -> tf.Tensor:
    rank = tensor.shape.rank
    if rank is None or rank < lowest:
        raise ValueError(
            f"`{function}` needs `{argument}` of known rank, {lowest} or higher. "
            f"Received: shape {tensor.shape}. Write `tf.ensure_shape({argument}, ...)`."
        )
    return tensor


def paired(y_true: Any, y_pred: Any, function: str) -> tuple[tf.Tensor, tf.Tensor]:
    """Targets and predictions as tensors of one dtype and one shape.

    A last axis of size 1 that only one of them has is added to or taken from the other, as Keras
    does, so that `(batch,)` and `(batch, 1)` are not broadcast to `(batch, batch)`.

    Raises:
        TypeError: If `y_pred` is not a dense floating-point tensor, or `y_true` is sparse, ragged
            or complex.
        ValueError: If the shapes still differ.
    """
    a = predictions(y_pred, function)
    t = tf.cast(targets(y_true, function), a.dtype)
    if t.shape.rank == a.shape.rank + 1 and t.shape[-1] == 1:
        t, a = (t, tf.expand_dims(a, -1)) if a.shape.rank == 1 else (tf.squeeze(t, -1), a)
    elif a.shape.rank == t.shape.rank + 1 and a.shape[-1] == 1:
        t, a = (tf.expand_dims(t, -1), a) if t.shape.rank == 1 else (t, tf.squeeze(a, -1))
    if not t.shape.is_compatible_with(a.shape):
        raise ValueError(
            f"`{function}` compares targets and predictions one by one, so their shapes must be "
            f"equal. Received: y_true of shape {t.shape} and y_pred of shape {a.shape}."
        )
    if not (t.shape.is_fully_defined() and a.shape.is_fully_defined()):
        # Costs nothing. If sizes unknown while the graph is built differ at run time, the reshape
        # fails; without it the loss would broadcast.
        t = tf.reshape(t, tf.shape(a))
    return t, a


def checked_axis(axis: Any, y_pred: tf.Tensor, function: str) -> int:
    """`axis` counted from the front, or a ValueError."""
    rank = y_pred.shape.rank
    if isinstance(axis, bool) or not isinstance(axis, int) or not -rank <= axis < rank:
        raise ValueError(
            f"`axis` of `{function}` must be an integer in [-{rank}, {rank}) for y_pred of shape "
            f"{y_pred.shape}. Received: axis={axis}."
        )
    return axis % rank


def checked_smoothing(label_smoothing: float, function: str) -> float:
    """`label_smoothing`, or a ValueError unless it lies in [0, 1]."""
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(
            f"`label_smoothing` of `{function}` must lie in [0, 1]. "
            f"Received: label_smoothing={label_smoothing}."
        )
    return label_smoothing


def clipping_epsilon(dtype: tf.DType) -> float:
    """ε of the interval [ε, 1 − ε] to which probabilities are clipped before ln is taken.

    It is `keras.config.epsilon()`, 1e-7, but for float16 and bfloat16, in which 1 − 1e-7 is 1 and
    ln(1 − p) would be −∞.
    """
    half_precision = {tf.float16: 2.0**-11, tf.bfloat16: 2.0**-8}
    return max(keras.config.epsilon(), half_precision.get(dtype, 0.0))
