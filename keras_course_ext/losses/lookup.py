"""Look up a loss by name, and serialize it."""

import inspect
from typing import Any

import keras

from keras_course_ext._nearest import nearest
from keras_course_ext.losses.binary_crossentropy import BinaryCrossentropy
from keras_course_ext.losses.categorical_crossentropy import CategoricalCrossentropy
from keras_course_ext.losses.half_squared_error import HalfSquaredError
from keras_course_ext.losses.huber import Huber
from keras_course_ext.losses.mean_squared_error import MeanSquaredError
from keras_course_ext.losses.perceptron_criterion import PerceptronCriterion
from keras_course_ext.losses.sparse_categorical_crossentropy import SparseCategoricalCrossentropy

_PACKAGE = "keras_course_ext"
_CLASSES: tuple[type[keras.losses.Loss], ...] = (
    MeanSquaredError,
    HalfSquaredError,
    Huber,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    PerceptronCriterion,
)
_BY_NAME = {
    **{cls.__name__.lower(): cls for cls in _CLASSES},
    "mse": MeanSquaredError,
    "bce": BinaryCrossentropy,
}


def get(identifier: Any) -> Any:
    """Look up the loss that the argument `loss=...` of `compile` denotes.

    Args:
        identifier: The name of a class in any case, with or without underscores ("huber",
            "mean_squared_error", "keras_course_ext>Huber"), or "mse" or "bce", looked up here and
            then in `keras.losses`; the dictionary that `serialize` returns, or one with
            `class_name` and `config`; a class, which is instantiated; or None, a loss or any other
            callable, which are returned unchanged.

    Returns:
        The loss. A loss of this package found by name has its default arguments.

    Raises:
        ValueError: If there is no such loss; the message suggests the nearest name.
        TypeError: If `identifier` is none of the above.

    Example:
        >>> import keras_course_ext as kce
        >>> type(kce.losses.get("mse")).__name__
        'MeanSquaredError'
        >>> kce.losses.get("hinge").__module__
        'keras.src.losses.losses'

    Differs from Keras:
        Names of this package's losses give those, always as an instance of the class;
        `keras.losses.get("mse")` is the function, which does not average over the batch.
    """
    if isinstance(identifier, str):
        return _by_name(identifier)
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if inspect.isclass(identifier):
        return identifier()
    if identifier is None or callable(identifier):
        return identifier
    raise TypeError(
        "A loss is given as a name, a dictionary with a `class_name`, a class, a function of "
        f"targets and predictions, or as itself. Received: {identifier!r} of type "
        f'{type(identifier).__name__}. Write, for example, "mse".'
    )


def _by_name(name: str) -> Any:
    cls = _class_named(name)
    if cls is not None:
        return cls()
    try:
        return keras.losses.get(name)
    except ValueError:
        raise _unknown(name) from None


def _unknown(name: Any) -> ValueError:
    names = {n for n in dir(keras.losses) if not n.startswith("_")}
    names |= set(_BY_NAME) | {cls.__name__ for cls in _CLASSES}
    names -= {"deserialize", "get", "serialize", "Loss"}
    return ValueError(
        f"There is no loss {name!r}.{nearest(name, sorted(names))} Here there are "
        f"{', '.join(cls.__name__ for cls in _CLASSES)}, and those of "
        "`keras.losses`. A function of targets and predictions can be passed as it is."
    )


def _class_named(name: str) -> type[keras.losses.Loss] | None:
    package, _, bare = name.rpartition(">")
    return _BY_NAME.get(bare.lower().replace("_", "")) if package in ("", _PACKAGE) else None


def serialize(loss: Any) -> Any:
    """Describe a loss for the config of a saved model.

    Args:
        loss: A loss of this package or of Keras, or a function registered with Keras.

    Returns:
        A dictionary or a name, from which `get` and `deserialize` return the loss.

    Example:
        >>> import keras_course_ext as kce
        >>> kce.losses.serialize(kce.losses.Huber(2.0))["config"]["delta"]
        2.0
    """
    return keras.losses.serialize(loss)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Create the loss that `serialize` described.

    Args:
        config: What `serialize` returned, or a dictionary of the `class_name` and the `config`.
        custom_objects: Dictionary of losses by name, to look in first. Defaults to None.

    Returns:
        The loss.

    Raises:
        ValueError: If there is no such loss.

    Example:
        >>> import keras_course_ext as kce
        >>> kce.losses.deserialize({"class_name": "Huber", "config": {"delta": 2.0}}).delta
        2.0
    """
    if isinstance(config, str):
        return (custom_objects or {}).get(config) or get(config)
    name = config.get("class_name")
    if not isinstance(name, str):
        raise ValueError(
            "A dictionary that denotes a loss needs the name of its class, such as "
            f'{{"class_name": "Huber", "config": {{}}}}. Received: {config!r}.'
        )
    # Keras writes a module for what it can import, and null for what it looks up by name.
    ours = None if config.get("module") else _class_named(name)
    if ours is not None and name not in (custom_objects or {}):
        return ours.from_config(config.get("config", {}))
    loss = keras.losses.deserialize(config, custom_objects)
    # Keras returns the name of a class that it does not know.
    if isinstance(loss, str):
        raise _unknown(name)
    return loss
