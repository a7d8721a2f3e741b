"""Checks and conversions of the arguments of `trace`: model, batch, one value per output."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def shape_text(value: Any) -> str:
    """The shape of an array, as a tuple writes it."""
    return str(tuple(value.shape))


def require_traceable(model: Any) -> None:
    """Raise unless `model` is a built Keras model and the call is made in eager mode."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"`trace` needs a `keras.Model`. Received: {model!r} of type "
            f"{type(model).__name__}. For a layer write `keras.Sequential([keras.Input(shape), "
            "layer])`."
        )
    if not tf.executing_eagerly():
        raise RuntimeError(
            "`trace` runs eagerly, but it was called while a `tf.function` is being traced. Call "
            "it outside."
        )
    if not model.built:
        raise ValueError(
            f"The model '{model.name}' has no weights yet. Begin it with `keras.Input(shape)`, or "
            "call `model.build(x.shape)` before."
        )


def known_inputs(model: Any) -> dict[str, Any]:
    """The symbolic inputs of a model, by name; none for a subclassed model."""
    tensors = getattr(model, "inputs", None) or []
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.InputLayer)]
    names = {id(layer.output): layer.name for layer in layers}
    # `Sequential.layers` omits the input layer, and the tensor of an unnamed one is called
    # keras_tensor_<n>.
    return {
        names.get(id(t), "input" if t.name.startswith("keras_tensor") else t.name): t
        for t in tensors
    }


def input_names(model: keras.Model, x: Any) -> list[str]:
    """The names of the model's inputs, in the order in which `x` flattens."""
    if known := known_inputs(model):
        return list(known)
    if isinstance(x, dict):
        return [str(key) for key in sorted(x)]
    n = len(keras.tree.flatten(x))
    return ["input"] if n == 1 else [f"input_{i + 1}" for i in range(n)]


def input_batch(model: Any, x: Any) -> Any:
    """`x` as tensors, in the structure and of the dtypes that the model takes.

    Raises:
        TypeError: If `x` is not a batch of arrays.
        ValueError: If the number of inputs, a shape or the batch size does not fit.
    """
    if isinstance(x, (tf.data.Dataset, keras.utils.PyDataset)):
        raise TypeError(
            f"A trace is one of a single batch. Received: a {type(x).__name__}. For its first "
            "batch write `x, y = next(iter(dataset))`."
        )
    known = known_inputs(model)
    if not known:  # a subclassed model takes what its `call` takes
        return keras.tree.map_structure(lambda one: _dense(one, "An input"), x)
    if len(known) == 1 and isinstance(x, (list, tuple)):
        x = _the_one_input(x, len(next(iter(known.values())).shape))
    if isinstance(x, dict):
        if set(x) != set(known):
            raise ValueError(_inputs_text(model, known) + f" Received: {_listed(x)}.")
        x = [x[name] for name in known]
    flat = list(x) if isinstance(x, (list, tuple)) else [x]
    if len(flat) != len(known):
        raise ValueError(_inputs_text(model, known) + f" Received: {len(flat)} array(s).")
    tensors = [_dense(a, f"The input '{n}'") for n, a in zip(known, flat, strict=True)]
    for (name, spec), tensor in zip(known.items(), tensors, strict=True):
        _check_shape(name, tensor, spec.shape)
    tensors = [tf.cast(t, spec.dtype) for t, spec in zip(tensors, known.values(), strict=True)]
    if isinstance(model, keras.Sequential):
        return tensors[0]
    return keras.tree.pack_sequence_as(model.input, tensors)


def target_batch(y: Any, outputs: Sequence[str], size: int) -> list[tf.Tensor | None]:
    """The targets, one tensor per output."""
    found = per_output(y, outputs, "y")
    tensors = [
        None if one is None else _dense(one, f"The target of the output '{name}'")
        for name, one in zip(outputs, found, strict=True)
    ]
    _check_sizes(tensors, outputs, size, "targets")
    return tensors


def weight_batch(sample_weight: Any, outputs: Sequence[str], size: int) -> list[tf.Tensor | None]:
    """The sample weights, a tensor or None per output."""
    found = per_output(sample_weight, outputs, "sample_weight", all_alike=True)
    tensors = [
        None if one is None else _dense(one, f"The sample weights of the output '{name}'")
        for name, one in zip(outputs, found, strict=True)
    ]
    _check_sizes(tensors, outputs, size, "sample weights")
    return tensors


def per_output(
    value: Any, outputs: Sequence[str], argument: str, all_alike: bool = False
) -> list[Any]:
    """One value per output, from a single one, a list or a dict by name.

    Args:
        value: What was passed.
        outputs: Names of the outputs.
        argument: The argument it was passed as, for the message.
        all_alike: Whether a single value applies to every output.

    Raises:
        ValueError: If the number or the names are not those of the outputs.
    """
    if value is None:
        return [None] * len(outputs)
    if isinstance(value, Mapping) and "class_name" not in value:
        if unknown := set(value) - set(outputs):
            raise ValueError(
                f"`{argument}` names an output that the model does not have. Received: "
                f"{_listed(sorted(map(str, unknown)))}. The outputs are: {_listed(outputs)}."
            )
        return [value.get(name) for name in outputs]
    if isinstance(value, (list, tuple)):
        if len(value) == len(outputs) and (len(outputs) > 1 or all_alike or _is_array(value[0])):
            return list(value)
        if len(outputs) == 1 and not all_alike:
            return [value]  # rows as Python lists
    elif all_alike or len(outputs) == 1:
        return [value] * len(outputs)
    received = f"{len(value)}" if isinstance(value, (list, tuple)) else "one array"
    raise ValueError(
        f"`{argument}` must have one entry for each of the {len(outputs)} output(s): "
        f"{_listed(outputs)}. Received: {received}. Write a list in this order, or a dict by name."
    )


def batch_size(x: Any) -> int:
    """The number of samples of a batch, the same for all inputs.

    Raises:
        ValueError: If there are no samples, or the inputs have different numbers of them.
    """
    sizes = {int(tensor.shape[0]) if len(tensor.shape) else 0 for tensor in keras.tree.flatten(x)}
    if len(sizes) != 1:
        raise ValueError(
            f"All inputs must have the same number of samples. Received: {sorted(sizes)}."
        )
    if sizes == {0}:
        raise ValueError(
            "`trace` needs at least one sample. Received: a batch of zero. For a single sample "
            "write `x[np.newaxis]`."
        )
    return sizes.pop()


def _inputs_text(model: keras.Model, known: Any) -> str:
    return f"The model '{model.name}' has {len(known)} input(s): {_listed(known)}."


def _the_one_input(x: Sequence[Any], rank: int) -> Any:
    """The array in a list of one; rows in a list as an array; several arrays unchanged."""
    batches = [one for one in x if _is_array(one) and len(one.shape) == rank]
    if len(batches) != len(x) or not x:
        return np.asarray(x)
    return batches[0] if len(x) == 1 else x


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and len(value.shape) > 0


def _dense(value: Any, what: str) -> tf.Tensor:
    if isinstance(value, tf.RaggedTensor):
        raise TypeError(f"{what} must be a dense array. Received: ragged. Write `.to_tensor()`.")
    if isinstance(value, tf.SparseTensor):
        raise TypeError(
            f"{what} must be a dense array. Received: sparse. Write `tf.sparse.to_dense(...)`."
        )
    try:
        tensor = tf.convert_to_tensor(value)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{what} must be an array. Received: {type(value).__name__}.") from error
    if tensor.dtype.is_complex:
        raise TypeError(f"{what} must be real. Received: {tensor.dtype.name}.")
    return tensor


def _check_shape(name: str, tensor: tf.Tensor, allowed: Sequence[int | None]) -> None:
    found = tuple(tensor.shape)
    fits = len(found) == len(allowed) and all(
        a in (None, f) for a, f in zip(allowed, found, strict=True)
    )
    # Keras itself adds or drops a last axis of size 1.
    lenient = (*found, 1) == (found[:1] + tuple(allowed[1:])) or (
        found[-1:] == (1,) and len(found) == len(allowed) + 1
    )
    if not fits and not lenient:
        wanted = ", ".join(["batch", *("any" if a is None else str(a) for a in allowed[1:])])
        advice = (
            " For a single sample write `x[np.newaxis]`." if len(found) == len(allowed) - 1 else ""
        )
        raise ValueError(
            f"The input '{name}' must have shape ({wanted}). Received: {found}.{advice}"
        )


def _check_sizes(
    tensors: Sequence[tf.Tensor | None], outputs: Sequence[str], size: int, what: str
) -> None:
    for name, tensor in zip(outputs, tensors, strict=True):
        if tensor is not None and (not len(tensor.shape) or tensor.shape[0] != size):
            raise ValueError(
                f"The {what} of the output '{name}' must have one entry for each of the {size} "
                f"samples. Received: shape {shape_text(tensor)}."
            )


def _listed(names: Any) -> str:
    return ", ".join(f"'{name}'" for name in names)
