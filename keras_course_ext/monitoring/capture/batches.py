"""Samples of the batches that a step was given, as arrays."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# Elements of a tensor that are looked at, in a batch.
_MOST_ELEMENTS = 2**16


def sampled(data: Any) -> Any:
    """Return the first samples of a batch as arrays; None for what is no numeric tensor."""

    def sample(x: Any) -> np.ndarray | None:
        if not isinstance(x, tf.Tensor | np.ndarray):
            return None
        shape: Any = tuple(x.shape)
        if not shape:
            return None
        dtype = tf.as_dtype(x.dtype)
        if not (dtype.is_floating or dtype.is_integer or dtype.is_bool):
            return None
        rows = max(1, _MOST_ELEMENTS // max(1, math.prod(shape[1:])))
        return np.asarray(x[:rows] if shape[0] > rows else x).astype(np.float64)

    return keras.tree.map_structure(sample, data)


def named(x: Any) -> list[tuple[str, np.ndarray]]:
    """Return the inputs of a batch with their names, `""` for a single one."""
    if isinstance(x, dict):
        pairs = [(str(name), part) for name, part in x.items()]
    else:
        flat = keras.tree.flatten(x)
        pairs = [("" if len(flat) == 1 else str(i), part) for i, part in enumerate(flat)]
    return [(name, part) for name, part in pairs if isinstance(part, np.ndarray)]


def by_output(y: Any, names: Sequence[str], same: bool = False) -> list[Any]:
    """Return the part of `y` for each output; None where it is not known."""
    if isinstance(y, dict):
        if len(names) == 1 and len(y) == 1:
            return list(y.values())
        return [y.get(name) for name in names]
    parts = keras.tree.flatten(y)
    if len(parts) == len(names):
        return parts
    if same and len(parts) == 1:
        return parts * len(names)
    return [None] * len(names)


def stacked(parts: Sequence[Any]) -> Any:
    """Return the samples of several batches as one array, or of the first if they do not fit."""
    parts = [part for part in parts if isinstance(part, np.ndarray)]
    if not parts or any(part.shape[1:] != parts[0].shape[1:] for part in parts):
        return parts[0] if parts else None
    return np.concatenate(parts)
