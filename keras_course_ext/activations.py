"""Activation functions by name, for `activation="relu"`: those of `ops`, registered with Keras.

On tensors they compute the functions of `keras_course_ext.ops`. They are registered under the
package name `keras_course_ext`, so that a saved layer can be loaded, and they accept the symbolic
tensors of a Functional model.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_course_ext import ops
from keras_course_ext._logits import remember_logits
from keras_course_ext._nearest import nearest
from keras_course_ext._weighted_sum import remember_weighted_sum
from keras_course_ext.ops.activations._axes import axes_of

__all__ = [
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "leaky_relu",
    "linear",
    "log_softmax",
    "relu",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "step",
    "swish",
    "tanh",
]

_PACKAGE = "keras_course_ext"


@keras.saving.register_keras_serializable(package=_PACKAGE)
class Activate(keras.Operation):
    """The node of a Functional model that applies an activation function.

    Calling a function of this module on a symbolic tensor creates it.

    Args:
        activation: Name of a function of this module.
        options: Keyword arguments for it, such as `{"axis": 1}`.
        name: Name of the node. Defaults to None: Keras generates one.
    """

    def __init__(self, activation: str, options: dict[str, Any], name: str | None = None):
        super().__init__(name=name)
        self.activation = activation
        self.options = options

    def call(self, x):
        """Apply the function to `x`."""
        return _OURS[self.activation](x, **self.options)

    def compute_output_spec(self, x):
        """The shape and the dtype of `x`."""
        if "axis" in self.options:
            axes_of(self.options["axis"], len(x.shape), self.activation)
        return keras.KerasTensor(x.shape, x.dtype)

    def get_config(self):
        """The arguments of `__init__`."""
        return {"activation": self.activation, "options": self.options, "name": self.name}


def _registered(op: Callable[..., tf.Tensor]) -> Callable[..., Any]:
    # Not __module__: pickle looks the function up in its module, and `ops` has another one of that
    # name.
    @functools.wraps(op, assigned=("__name__", "__qualname__", "__doc__", "__annotations__"))
    def activation(x, *args, **kwargs):
        if isinstance(x, keras.KerasTensor):
            options = inspect.signature(op).bind(x, *args, **kwargs).arguments
            del options["x"]
            return Activate(op.__name__, options)(x)
        return op(x, *args, **kwargs)

    return keras.saving.register_keras_serializable(package=_PACKAGE)(activation)


@functools.wraps(ops.sigmoid)
def _sigmoid(x):
    return remember_logits(ops.sigmoid(x), x)


@functools.wraps(ops.softmax)
def _softmax(x, axis=-1):
    y = ops.softmax(x, axis)
    # Keras's losses read the noted logits along the last axis by default, whatever this axis is.
    return remember_logits(y, x) if axis in (-1, (y.shape.rank or 0) - 1) else y


@functools.wraps(ops.linear)
def _linear(x):
    # The identity needs no derivative to pass on integers, as in Keras.
    if not isinstance(x, (tf.SparseTensor, tf.RaggedTensor)):
        x = tf.convert_to_tensor(x)
        if not x.dtype.is_floating:
            return x
    return ops.linear(x)


@functools.wraps(ops.step)
def _step(x):
    return remember_weighted_sum(ops.step(x), x)


elu = _registered(ops.elu)
exponential = _registered(ops.exponential)
gelu = _registered(ops.gelu)
hard_sigmoid = _registered(ops.hard_sigmoid)
leaky_relu = _registered(ops.leaky_relu)
linear = _registered(_linear)
log_softmax = _registered(ops.log_softmax)
relu = _registered(ops.relu)
selu = _registered(ops.selu)
sigmoid = _registered(_sigmoid)
silu = _registered(ops.silu)
softmax = _registered(_softmax)
softplus = _registered(ops.softplus)
softsign = _registered(ops.softsign)
step = _registered(_step)
tanh = _registered(ops.tanh)
swish = silu

_FUNCTIONS = (
    elu,
    exponential,
    gelu,
    hard_sigmoid,
    leaky_relu,
    linear,
    log_softmax,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    step,
    tanh,
)
_OURS = {f.__name__: f for f in _FUNCTIONS} | {"swish": silu}


def get(identifier: Any) -> Callable[..., Any]:
    """Look up the activation function that the argument `activation=...` of a layer denotes.

    Args:
        identifier: None for `linear`; a name, looked up here, then among the custom objects that
            are registered with Keras, then in `keras.activations`; the config of a saved
            function; or a callable, which is returned as it is.

    Returns:
        A callable that takes a tensor.

    Raises:
        ValueError: If there is no function of that name. The message suggests the nearest name.
        TypeError: If `identifier` is a class or anything else that is not listed above.

    Example:
        >>> import keras_course_ext as kce
        >>> kce.activations.get("relu") is kce.activations.relu
        True
        >>> kce.activations.get("mish").__module__
        'keras.src.activations.activations'

    Differs from Keras:
        Names of functions of this module give those functions, not Keras's.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        return _by_name(identifier)
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if inspect.isclass(identifier):
        raise TypeError(
            f"An activation must be a function of a tensor. Received: the class "
            f"{identifier.__name__}. Write `{identifier.__name__}()` to pass a layer."
        )
    if callable(identifier):
        return identifier
    raise TypeError(
        "An activation must be None, a name or a callable. Received: "
        f"{identifier!r} of type {type(identifier).__name__}."
    )


def _by_name(name: str) -> Callable[..., Any]:
    function = _OURS.get(name) or keras.saving.get_registered_object(name)
    if function is not None:
        return function
    try:
        return keras.activations.get(name)
    except ValueError:
        not_functions = {"deserialize", "get", "serialize"}
        theirs = {n for n in dir(keras.activations) if not n.startswith("_")} - not_functions
        names = sorted(theirs | set(_OURS))
        raise ValueError(
            f"Unknown activation function: '{name}'.{nearest(name.lower(), names)} The names are: "
            f"{', '.join(names)}. A function of your own can be passed as a callable."
        ) from None


def serialize(activation: Callable[..., Any]) -> Any:
    """Describe an activation function for the config of a saved layer.

    Args:
        activation: A function of this module, of `keras.activations`, one registered with
            `keras.saving.register_keras_serializable`, or a layer.

    Returns:
        A name or a dict, from which `deserialize` and `get` return the function.

    Example:
        >>> import keras_course_ext as kce
        >>> kce.activations.serialize(kce.activations.relu)["config"]
        'keras_course_ext>relu'
    """
    name = getattr(activation, "__name__", None)
    if name in _OURS and activation is getattr(keras.activations, name, None):
        # Keras would write the bare name, which `deserialize` would take for our function.
        return keras.saving.serialize_keras_object(activation)
    return keras.activations.serialize(activation)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Callable[..., Any]:
    """Look up the activation function that `serialize` described.

    Args:
        config: A name or a dictionary, what `serialize` returned.
        custom_objects: Dictionary of functions by name, to look in first. Defaults to None.

    Returns:
        The function.

    Raises:
        ValueError: If there is no such function.

    Example:
        >>> import keras_course_ext as kce
        >>> config = kce.activations.serialize(kce.activations.tanh)
        >>> kce.activations.deserialize(config) is kce.activations.tanh
        True
    """
    if isinstance(config, dict):
        return keras.saving.deserialize_keras_object(config, custom_objects=custom_objects)
    return (custom_objects or {}).get(config) or get(config)
