"""Looking up an optimizer by name."""

import warnings
from typing import Any

import keras

from keras_course_ext._nearest import nearest_name
from keras_course_ext.optimizers.adabelief import AdaBelief
from keras_course_ext.optimizers.adadelta import Adadelta
from keras_course_ext.optimizers.adafactor import Adafactor
from keras_course_ext.optimizers.adagrad import Adagrad
from keras_course_ext.optimizers.adam import Adam
from keras_course_ext.optimizers.adamax import Adamax
from keras_course_ext.optimizers.adamw import AdamW
from keras_course_ext.optimizers.adan import Adan
from keras_course_ext.optimizers.ademamix import AdEMAMix
from keras_course_ext.optimizers.arguments.checks import shown
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.ftrl import Ftrl
from keras_course_ext.optimizers.gradient_descent import GradientDescent
from keras_course_ext.optimizers.lamb import Lamb
from keras_course_ext.optimizers.lars import LARS
from keras_course_ext.optimizers.lion import Lion
from keras_course_ext.optimizers.momentum import Momentum
from keras_course_ext.optimizers.muon import Muon
from keras_course_ext.optimizers.nadam import Nadam
from keras_course_ext.optimizers.nesterov import NesterovMomentum
from keras_course_ext.optimizers.novograd import NovoGrad
from keras_course_ext.optimizers.prodigy import Prodigy
from keras_course_ext.optimizers.radam import RAdam
from keras_course_ext.optimizers.rmsprop import RMSprop
from keras_course_ext.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from keras_course_ext.optimizers.sgd import SGD
from keras_course_ext.optimizers.soap import SOAP
from keras_course_ext.optimizers.yogi import Yogi

_CLASSES: tuple[type[RuleOptimizer], ...] = (
    GradientDescent,
    SGD,
    Momentum,
    NesterovMomentum,
    Adagrad,
    RMSprop,
    Adam,
    AdamW,
    Adamax,
    Adadelta,
    Nadam,
    AdaBelief,
    RAdam,
    Lion,
    Lamb,
    LARS,
    Muon,
    ScheduleFreeAdamW,
    Adafactor,
    Ftrl,
    Yogi,
    NovoGrad,
    Adan,
    AdEMAMix,
    Prodigy,
    SOAP,
)
_OTHER_FORMULA = (Lamb, Muon, ScheduleFreeAdamW)
"""Those that do not compute what the class of the same name in Keras does."""

_EXCLUDED = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")
"""Where Keras keeps what is excluded from weight decay; without them it is not noticed."""

_BY_NAME = {cls.__name__.lower(): cls for cls in _CLASSES}

_OF_ADDONS: dict[str, tuple[type[RuleOptimizer], dict[str, Any]]] = {
    "LazyAdam": (Adam, {"lazy": True}),
    "RectifiedAdam": (RAdam, {"convention": "torch"}),
}
"""Names of tensorflow_addons, with what makes the same optimizer."""


def get(identifier: Any) -> keras.optimizers.Optimizer:
    """Finds an optimizer of this package by its name.

    Args:
        identifier: The name of a class in any case, with or without underscores ("adam",
            "nesterov_momentum", "keras_course_ext>Adam"), or "LazyAdam" or "RectifiedAdam", with
            a DeprecationWarning that says what to write; a dictionary of the `class_name` and the
            `config`, or the one that `keras.optimizers.serialize` makes; or an optimizer, which
            is returned itself.

    Returns:
        The optimizer. Found by name, it has its default arguments.

    Raises:
        ValueError: If there is no such optimizer; the message proposes the nearest name.

    Example:
        >>> import keras_course_ext as kce
        >>> type(kce.optimizers.get("nesterov_momentum")).__name__
        'NesterovMomentum'

    Differs from Keras:
        `keras.optimizers.get("adam")` is Keras's Adam;
        `keras.optimizers.get("keras_course_ext>Adam")` is this package's.
    """
    if isinstance(identifier, keras.optimizers.Optimizer):
        return identifier
    if isinstance(identifier, str):
        return _made(identifier, {})
    if isinstance(identifier, dict) and "class_name" in identifier:
        if identifier.get("module"):
            return keras.saving.deserialize_keras_object(identifier)
        config = identifier.get("config") or {}
        if not isinstance(config, dict):
            raise ValueError(
                "The `config` of an optimizer must be a dictionary of its arguments, but got "
                f"config={config!r} ({type(config).__name__})."
            )
        return _made(identifier["class_name"], config)
    raise ValueError(
        "An optimizer is given as a name, as a dictionary with a `class_name`, or as itself, but "
        f'got {identifier!r} ({type(identifier).__name__}). Write, for example, "adam".'
    )


def _made(identifier: Any, config: dict[str, Any]) -> RuleOptimizer:
    name = str(identifier).rpartition(">")[2].lower().replace("_", "")
    for former, (cls, arguments) in _OF_ADDONS.items():
        if name == former.lower():
            written = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
            warnings.warn(
                f"`{former}` of tensorflow_addons is `kce.optimizers.{cls.__name__}({written})`.",
                DeprecationWarning,
                stacklevel=3,
            )
            return cls.from_config(arguments | config)
    return _class_named(identifier).from_config(config)


def counterpart(optimizer: Any, wrapper: str) -> RuleOptimizer:
    """Makes the optimizer of this package that computes what an optimizer of Keras does.

    Args:
        optimizer: An optimizer of Keras, not built yet.
        wrapper: Name of the class that wraps it, for the messages.

    Returns:
        One with the same arguments. As in Keras, a schedule counts batches.

    Raises:
        TypeError: If there is none.
        ValueError: If the optimizer has been built already.
    """
    kind = type(optimizer).__name__
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise TypeError(
            f"`{wrapper}` wraps an optimizer, but got {shown(optimizer)} ({kind}). Write, for "
            f"example, `{wrapper}(kce.optimizers.Adam())`."
        )
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        raise TypeError(
            f"`{wrapper}` got a `LossScaleOptimizer`, which must be the outermost one. Write "
            f"`keras.optimizers.LossScaleOptimizer({wrapper}(...))`."
        )
    ours = _BY_NAME.get(kind.lower())
    if ours is None or type(optimizer) is not getattr(keras.optimizers, kind, None):
        raise TypeError(
            f"`{wrapper}` applies the rule of the optimizer inside, but `{kind}` is none of this "
            "package and has no counterpart here. Write it as a `kce.optimizers.RuleOptimizer` "
            f"(docs/write_your_own_rule.md), or, for example, `{wrapper}(kce.optimizers.Adam())`."
        )
    if ours in _OTHER_FORMULA:
        raise TypeError(
            f"`{wrapper}` got Keras's `{kind}`, whose formula differs from the one here "
            f"(docs/differences.md). Write `{wrapper}(kce.optimizers.{kind}(...))`."
        )
    if optimizer.built:
        raise ValueError(
            f"`{wrapper}` got an optimizer that has been built for other weights already. Make a "
            f"new one: `{wrapper}({kind}(...))`."
        )
    if any(vars(optimizer).get(name) for name in _EXCLUDED):
        raise ValueError(
            f"`{wrapper}` does not take over what `exclude_from_weight_decay` excluded in Keras's "
            f"`{kind}`. Call it on the `{wrapper}` instead."
        )
    return ours.from_config({"convention": "keras"} | optimizer.get_config())


def _class_named(identifier: Any) -> type[RuleOptimizer]:
    name = str(identifier).rpartition(">")[2].lower().replace("_", "")
    if name in _BY_NAME:
        return _BY_NAME[name]
    nearest = nearest_name(name, _BY_NAME)
    advice = f"Did you mean {_BY_NAME[nearest].__name__!r}? " if nearest else ""
    names = ", ".join(cls.__name__ for cls in _CLASSES)
    raise ValueError(f"There is no optimizer {identifier!r}. {advice}There are {names}.")
