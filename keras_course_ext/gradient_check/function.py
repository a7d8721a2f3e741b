"""The checked function as lists of arrays: its values, its gradients, and its derivative."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from keras_course_ext.gradient_check.inputs import Input
from keras_course_ext.gradient_check.keywords import refuse_skipped_gradients

MODES = {
    "eager": lambda f: f,
    "graph": tf.function,
    "jit": partial(tf.function, jit_compile=True),
}


class Function:
    """A function of some inputs, and its floating-point outputs.

    Args:
        f: Takes one tensor per input that is no variable, returns any structure of tensors.
        inputs: The inputs.
        mode: "eager", "graph" or "jit".
    """

    def __init__(self, f: Callable[..., Any], inputs: tuple[Input, ...], mode: str):
        self._f = f
        self._mode = mode
        self.inputs = inputs
        self._run = MODES[mode](lambda *tensors: _floating(f(*tensors)))
        self._back_propagate = MODES[mode](self._gradients)

    def values(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """The floating-point outputs."""
        try:
            return [np.asarray(y) for y in self._run(*self._place(arrays))]
        except NotImplementedError as error:
            # TensorFlow raises it for a NumPy function of a graph's tensor.
            if "numpy" in str(error).lower():
                raise TypeError(_NUMPY) from error
            raise

    def gradients(self, arrays: list[np.ndarray], u: list[np.ndarray]) -> list[Any]:
        """The gradient of Σ u · f by each input; None where there is none."""
        u_tensors = [tf.constant(part) for part in u]
        found = self._back_propagate(self._place(arrays), u_tensors)
        return [None if g is None else np.asarray(g) for g in found]

    def derivative(self, u: list[np.ndarray]) -> "Function":
        """The gradient of Σ u · f as a function of the inputs and of u."""
        count = sum(i.variable is None for i in self.inputs)

        def gradients(*tensors):
            found = self._gradients(list(tensors[:count]), list(tensors[count:]))
            return [
                tf.zeros(i.value.shape, i.value.dtype) if g is None else g
                for i, g in zip(self.inputs, found, strict=True)
            ]

        upstream = (Input("upstream gradient", part) for part in u)
        return Function(gradients, (*self.inputs, *upstream), self._mode)

    def restore(self) -> None:
        """Restores the first values of the variables."""
        self._place([i.value for i in self.inputs])

    def _place(self, arrays: list[np.ndarray]) -> list[tf.Tensor]:
        """Assigns the variables' arrays, and returns the others as tensors."""
        tensors = []
        for i, array in zip(self.inputs, arrays, strict=True):
            if i.variable is None:
                tensors.append(tf.constant(array))
            else:
                i.variable.assign(array)
        return tensors

    def _gradients(self, tensors: list[tf.Tensor], u: list[tf.Tensor]) -> list[Any]:
        remaining = iter(tensors)
        sources = [next(remaining) if i.variable is None else i.variable for i in self.inputs]
        with refuse_skipped_gradients():
            with tf.GradientTape() as tape:
                tape.watch(sources)
                outputs = _floating(self._f(*tensors))
                # Not one sum: outputs may differ in dtype.
                products = [part * y for part, y in zip(u, outputs, strict=True)]
            # A forgotten gradient must be seen as None; rows of an embedding are made dense.
            found = tape.gradient(products, sources)
        return [None if g is None else tf.convert_to_tensor(g) for g in found]


_NUMPY = (
    "`gradcheck` differentiates with TensorFlow, but the function computes with NumPy. Write it "
    "with TensorFlow's operations, such as `tf.square(x)` for `np.square(x)`. To check a "
    "hand-written gradient of a NumPy function, call the function by `tf.numpy_function` inside of "
    "`tf.custom_gradient`."
)


def _floating(outputs: Any) -> list[tf.Tensor]:
    if any(isinstance(y, np.ndarray | np.generic) for y in tf.nest.flatten(outputs)):
        raise TypeError(_NUMPY)
    tensors = [tf.convert_to_tensor(y) for y in tf.nest.flatten(outputs) if y is not None]
    for y in tensors:
        if y.dtype.is_complex or (y.dtype.size == 2 and y.dtype.is_floating):
            raise TypeError(
                "`gradcheck` needs real outputs in single or double precision, but the function "
                f"returned one of {y.dtype.name}. Let it return "
                + ("`tf.math.real(y)`." if y.dtype.is_complex else "float64 for float64 inputs.")
            )
    return [y for y in tensors if y.dtype.is_floating]
