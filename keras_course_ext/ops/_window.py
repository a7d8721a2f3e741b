"""The window of a convolution: its arguments, checked, and the number of its positions."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import tensorflow as tf


@dataclass(frozen=True)
class Window:
    """A window that moves along the space axes; each tuple has one entry per axis.

    Attributes:
        sizes: Sizes of the window, None where unknown.
        strides: Distances from one position of the window to the next.
        dilations: Distances between neighbouring entries of the window.
        padding: "valid", "same" or "causal".
    """

    sizes: tuple[int | None, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: str

    def places(self, shape: tf.TensorShape) -> list[int | None]:
        """The number of positions on each axis of an input of `shape`, None where unknown."""
        axes = zip(shape[1:-1], self.sizes, self.strides, self.dilations, strict=True)
        return [self._places(*axis) for axis in axes]

    def _places(self, steps, size, stride, dilation) -> int | None:
        reach = None if size is None else dilation * (size - 1)
        if self.padding != "valid":
            reach = 0
        return None if steps is None or reach is None else -((reach - steps) // stride)


def checked_window(
    x: tf.Tensor,
    w: tf.Tensor,
    b: tf.Tensor | None,
    strides: int | Sequence[int],
    padding: str,
    dilations: int | Sequence[int],
) -> Window:
    """The window of `ops.convolution`, after checking that its arguments fit together.

    Raises:
        TypeError: If dtypes differ.
        ValueError: If a rank, a size, or an option does not fit.
    """
    _check_tensors(x, w, b)
    rank = x.shape.rank - 2
    window = Window(
        tuple(w.shape[:-2]),
        _one_per_axis(strides, rank, "strides"),
        _one_per_axis(dilations, rank, "dilations"),
        padding.lower() if isinstance(padding, str) else padding,
    )
    allowed = ("valid", "same", "causal") if rank == 1 else ("valid", "same")
    if window.padding not in allowed:
        raise ValueError(
            f"`padding` of `convolution` with {rank} space axis(es) must be one of {allowed}. "
            f"Received: {padding!r}."
        )
    if max(window.strides) > 1 and max(window.dilations) > 1:
        raise ValueError(
            "`convolution` has no strides above 1 together with dilations above 1. Received: "
            f"strides={strides!r} and dilations={dilations!r}. Write `[:, ::stride]` behind it."
        )
    if any(n is not None and n < 1 for n in window.places(x.shape)):
        raise ValueError(
            f"There is no place for the window in the input. Received: x of shape {x.shape}, w of "
            f"shape {w.shape}, padding={padding!r}, dilations={dilations!r}. Write "
            '`padding="same"` to fill the input up with zeros, or take a smaller window.'
        )
    return window


def _one_per_axis(value: int | Sequence[int], rank: int, name: str) -> tuple[int, ...]:
    entries = tuple(value) if isinstance(value, Sequence) else (value,) * rank
    if len(entries) != rank or not all(isinstance(n, Integral) and n >= 1 for n in entries):
        raise ValueError(
            f"`{name}` of `convolution` must be an integer of at least 1, or one for each of the "
            f"{rank} space axes of `x`. Received: {value!r}."
        )
    return tuple(int(n) for n in entries)


def _check_tensors(x: tf.Tensor, w: tf.Tensor, b: tf.Tensor | None) -> None:
    for name, tensor in (("w", w), ("b", b)):
        if tensor is not None and tensor.dtype != x.dtype:
            raise TypeError(
                f"`convolution` needs one dtype, but `x` is {x.dtype.name} and `{name}` is "
                f"{tensor.dtype.name}. Write `tf.cast({name}, x.dtype)`."
            )
    if x.shape.rank not in (3, 4):
        raise ValueError(
            "`x` of `convolution` must have shape (batch, steps, channels) or (batch, height, "
            f"width, channels). Received: shape {x.shape}. For a single sample write "
            "`x[tf.newaxis]`; for an unknown rank, `tf.ensure_shape(x, [None, None, None])`."
        )
    if w.shape.rank != x.shape.rank:
        raise ValueError(
            f"`w` of `convolution` must have one axis for each space axis of `x`, then one for "
            f"the input and one for the output channels. Received: w of shape {w.shape} and x of "
            f"shape {x.shape}."
        )
    if not x.shape[-1:].is_compatible_with(w.shape[-2:-1]):
        raise ValueError(
            "The last axis of `x` and the last but one of `w` must have the same size. Received: "
            f"x of shape {x.shape} and w of shape {w.shape}. A convolution in groups is "
            "`tf.nn.convolution`'s."
        )
    if b is not None and not b.shape.is_compatible_with(w.shape[-1:]):
        raise ValueError(
            "`b` of `convolution` must have one entry per output channel. Received: b of shape "
            f"{b.shape} and w of shape {w.shape}."
        )
