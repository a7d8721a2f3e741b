"""The perceptron, with given or trained weights."""

import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext._custom_gradient import custom_gradient
from keras_course_ext._weighted_sum import noted_weighted_sum, remember_weighted_sum
from keras_course_ext.layers.dense import Dense


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Perceptron(Dense):
    """The perceptron: y = 1 if z = x·w + b is above 0, else 0.

        Z  = X W + B
        Y  = step(Z),  1 for z > 0, else 0

    Weights are given, as in an example computed by hand, or trained:

    - by Rosenblatt's rule, w ← w + η (t − y) x and b ← b + η (t − y): compile the model with
      `kce.optimizers.GradientDescent(η)` and `kce.losses.PerceptronCriterion()`, and fit it with
      `batch_size=1`;
    - by gradient descent on the logistic form, `activation="sigmoid"`: compile it with
      `kce.losses.BinaryCrossentropy()`.

    The derivative of the step is 0. With a loss other than `PerceptronCriterion` the gradient of
    the weights is exactly 0, and so is always that of the layers before a step: they are not
    trained. A `UserWarning` is issued when such a gradient is computed in training, unless the
    layer has `trainable=False`.

    Args:
        units: Number of neurons, an integer of at least 1. Defaults to 1.
        activation: A name or a callable: "step"; "sigmoid" for the logistic form; or any other,
            as for `kce.layers.Dense`. Defaults to "step".
        kernel: W, the given weights, of shape `(inputs, units)`, or `(inputs,)` for one unit:
            numbers that the weights start from. Defaults to None: `kernel_initializer` is used.
        bias: B, the given biases, of shape `(units,)`, or a number for one unit. Defaults to
            None: `bias_initializer` is used.
        **kwargs: The further arguments of `keras.layers.Dense`. `trainable=False` keeps given
            weights as they are.

    Input shape: `(batch, ..., inputs)`, rank 2 or higher. Output shape: `(batch, ..., units)`.

    Raises:
        ValueError: If `kernel` or `bias` has another shape, is not finite, or is given together
            with its initializer, or `bias` together with `use_bias=False`.

    Example:
        >>> import numpy as np
        >>> import keras_course_ext as kce
        >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> kce.layers.Perceptron(kernel=[1, 1], bias=-1.5)(x).numpy().ravel()
        array([0., 0., 0., 1.], dtype=float32)

    Differs from Keras:
        Keras has no such layer.

    Reference: Rosenblatt, The Perceptron: A Probabilistic Model for Information Storage and
    Organization in the Brain, Psychological Review 65 (1958).

    Deck: chapter 2, the perceptron; chapter 3, σ as in the truth table of XOR.
    """

    def __init__(
        self,
        units: int = 1,
        activation: Any = "step",
        kernel: Any = None,
        bias: Any = None,
        **kwargs: Any,
    ):
        self._given = {}
        if kernel is not None:
            self._given["kernel"] = values = _numbers(kernel, "kernel", kwargs)
            kwargs["kernel_initializer"] = _Given(_shaped_kernel(values, units))
        if bias is not None:
            if not kwargs.get("use_bias", True):
                raise ValueError(
                    "`bias` of Perceptron was given together with use_bias=False. Leave one out."
                )
            self._given["bias"] = values = _numbers(bias, "bias", kwargs)
            kwargs["bias_initializer"] = _Given(_shaped_bias(values, units))
        super().__init__(units, activation, **kwargs)

    def call(self, inputs, training=None):
        """Compute Y = f(X W + B)."""
        y = super().call(inputs, training=training)
        z = noted_weighted_sum(y)
        if z is None or not (training and self.trainable):
            return y
        return remember_weighted_sum(_warns_of_no_gradient(y), z)

    def build(self, input_shape):
        """Create the weights; a ValueError if the given kernel is for another number of inputs."""
        kernel, inputs = self._given.get("kernel"), input_shape[-1]
        if kernel is not None and inputs != len(kernel):
            raise ValueError(
                f"The `kernel` given to Perceptron {self.name!r} has shape {kernel.shape}, a row "
                f"for each of {len(kernel)} inputs, but the input has {inputs}: its shape is "
                f"{tuple(input_shape)}. Give a kernel of shape ({inputs}, {self.units})."
            )
        super().build(input_shape)

    def get_config(self):
        """The arguments of `__init__`."""
        config = super().get_config()
        for weight, values in self._given.items():
            del config[f"{weight}_initializer"]
            config[weight] = values.tolist()
        return config


class _Given(keras.initializers.Initializer):
    """The initializer that returns given values."""

    def __init__(self, values: np.ndarray):
        self.values = values

    def __call__(self, shape, dtype=None):
        return tf.reshape(tf.constant(self.values, dtype), shape)

    def get_config(self):
        """The arguments of `__init__`."""
        return {"values": self.values.tolist()}


def _numbers(values: Any, argument: str, kwargs: dict[str, Any]) -> np.ndarray:
    if f"{argument}_initializer" in kwargs:
        raise ValueError(
            f"`{argument}` of Perceptron was given together with `{argument}_initializer`. Both "
            "say what the weights start from: leave one out."
        )
    try:
        array = np.array(values, dtype="float64")
    except (TypeError, ValueError):
        raise ValueError(
            f"`{argument}` of Perceptron must be an array of numbers, rows of equal length. "
            f"Received: {values!r}."
        ) from None
    if not np.isfinite(array).all():
        raise ValueError(f"`{argument}` of Perceptron must be finite. Received: {values!r}.")
    return array


def _shaped_kernel(kernel: np.ndarray, units: int) -> np.ndarray:
    if kernel.ndim == 1 and units == 1:
        return kernel[:, None]
    if kernel.ndim == 2 and kernel.shape[1] == units:
        return kernel
    vector = " or (inputs,)" if units == 1 else ""
    advice = ""
    if kernel.ndim == 2:
        advice = f" For {kernel.shape[1]} units write `units={kernel.shape[1]}`."
    raise ValueError(
        f"`kernel` of Perceptron must have shape (inputs, {units}){vector}: a row per input, a "
        f"column per unit. Received: shape {kernel.shape} with units={units}.{advice}"
    )


def _shaped_bias(bias: np.ndarray, units: int) -> np.ndarray:
    if bias.shape == (units,) or (bias.ndim == 0 and units == 1):
        return np.reshape(bias, (units,))
    number = " or be a number" if units == 1 else ""
    raise ValueError(
        f"`bias` of Perceptron must have shape ({units},){number}: one for each unit. "
        f"Received: shape {bias.shape} with units={units}."
    )


@custom_gradient
def _warns_of_no_gradient(y) -> Any:
    def grad(dy):
        warnings.warn(
            "The gradient of a loss is being taken through the step of a Perceptron. It is "
            "exactly 0: neither this layer nor those below it learn. Compile the model with "
            "`kce.losses.PerceptronCriterion()` for Rosenblatt's rule (it teaches the last layer "
            'only), or use `activation="sigmoid"`.',
            UserWarning,
            stacklevel=2,
        )
        return dy

    return tf.identity(y), grad
