"""The inputs of a gradient check: those that are differentiated, and the others."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

_PRECISIONS = ("float64", "float32")


@dataclass(frozen=True)
class Input:
    """An input that is differentiated: a tensor, or a variable that the function reads."""

    label: str
    value: np.ndarray
    variable: Any = None


class _Hole:
    """A placeholder for a differentiated tensor in an argument."""


@dataclass(frozen=True)
class Arguments:
    """The arguments of a call, with the differentiable tensors apart.

    Args:
        inputs: The differentiable tensors among them, in order.
        structure: The arguments with a hole for each of those.
        notes: Which arguments are passed through unchanged.
    """

    inputs: tuple[Input, ...]
    structure: tuple[Any, ...]
    notes: tuple[str, ...]

    def filled(self, tensors: Iterable[tf.Tensor]) -> tuple[Any, ...]:
        """The arguments with `tensors` in place of the inputs."""
        remaining = iter(tensors)
        return _map(lambda x: next(remaining) if isinstance(x, _Hole) else x, self.structure)


def take_apart(f: Callable[..., Any], arguments: tuple[Any, ...]) -> Arguments:
    """Sort the arguments of `f`.

    Tensors, arrays, numbers and lists of numbers are differentiated by if they are floating
    point, also inside of lists, tuples and dicts; variables too. All else is passed through.

    Raises:
        TypeError: If a tensor is complex, sparse, ragged, symbolic, or of half precision.
    """
    inputs: list[Input] = []
    notes: list[str] = []
    structure = []
    for label, argument in zip(_labels(f, len(arguments)), arguments, strict=True):
        before = len(inputs)
        structure.append(_leaf(argument, label, inputs))
        if len(inputs) == before:
            notes.append(f"{label} is not floating point: passed through, not checked.")
    return Arguments(tuple(inputs), tuple(structure), tuple(notes))


def _leaf(x: Any, label: str, inputs: list[Input]) -> Any:
    if isinstance(x, dict):
        return {key: _leaf(value, f"{label}[{key!r}]", inputs) for key, value in x.items()}
    if isinstance(x, list | tuple) and not _is_numbers(x):
        parts = [_leaf(value, f"{label}[{i}]", inputs) for i, value in enumerate(x)]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    if isinstance(x, keras.Variable | tf.Variable):
        inputs.append(variable_input(x, label))
        return x
    if isinstance(x, keras.KerasTensor | tf.SparseTensor | tf.RaggedTensor | tf.IndexedSlices):
        raise TypeError(
            f"`gradcheck` needs dense tensors with values, but {label} is a {type(x).__name__}. "
            "Pass its values as an array, and let the function build the rest."
        )
    if not isinstance(x, np.ndarray | np.generic | tf.Tensor | float | complex | list | tuple):
        return x
    array = np.asarray(x)
    if isinstance(x, list | tuple) and not array.size:
        return x
    _check_dtype(label, array.dtype)
    if array.dtype not in _PRECISIONS:
        return x
    inputs.append(Input(label, np.array(array)))
    return _Hole()


def variable_input(variable: Any, label: str | None = None) -> Input:
    """A variable as an input.

    Raises:
        TypeError: If it is no variable, or not of single or double precision.
    """
    if not isinstance(variable, keras.Variable | tf.Variable):
        raise TypeError(
            "`variables` must be variables of Keras or TensorFlow. Received: "
            f"{type(variable).__name__}. Pass tensors and arrays as inputs of the function."
        )
    name = variable.path if isinstance(variable, keras.Variable) else variable.name
    label = label or f"variable '{name}'"
    # Keras wraps TensorFlow's variable, and the tape knows only that one.
    inner = variable.value if isinstance(variable, keras.Variable) else variable
    dtype = inner.dtype.as_numpy_dtype
    _check_dtype(label, np.dtype(dtype))
    if np.dtype(dtype) not in _PRECISIONS:
        raise TypeError(f"{label} is of dtype {np.dtype(dtype)}, it has no gradient. Leave it out.")
    return Input(label, np.array(inner.numpy()), inner)


def _check_dtype(label: str, dtype: np.dtype) -> None:
    if dtype.kind == "c":
        raise TypeError(
            f"`gradcheck` checks derivatives for real numbers, but {label} is {dtype.name}. "
            "Pass real and imaginary part as two arguments and join them by `tf.complex`."
        )
    if dtype.name in ("float16", "bfloat16", "longdouble") or dtype.name.startswith("float8"):
        raise TypeError(
            f"{label} is {dtype.name}, in which differences have no digits to compare. "
            "Write `.astype('float64')`: the formula is the same."
        )


def _is_numbers(x: list | tuple) -> bool:
    number = int | float | complex
    return all(_is_numbers(y) if isinstance(y, list | tuple) else isinstance(y, number) for y in x)


def _map(fill: Callable[[Any], Any], x: Any) -> Any:
    if isinstance(x, dict):
        return {key: _map(fill, value) for key, value in x.items()}
    if isinstance(x, list | tuple) and not _is_numbers(x):
        parts = [_map(fill, value) for value in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return fill(x)


def _labels(f: Callable[..., Any], count: int) -> list[str]:
    try:
        # The arguments of a layer or a loss have their names in `call`.
        parameters = list(inspect.signature(getattr(f, "call", f)).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in positional]
    return [f"argument {i}" + (f" ({names[i]})" if i < len(names) else "") for i in range(count)]
