"""The spellings of Keras 2, which the deck uses: `lr`, `decay` and `epsilon=None`; its configs."""

import warnings
from typing import Any

import keras

from keras_course_ext.optimizers.arguments.checks import Number, shown
from keras_course_ext.optimizers.arguments.common import Default, check_learning_rate
from keras_course_ext.optimizers.time_based_decay import TimeBasedDecay


def modern_spelling(
    optimizer: str, learning_rate: Any, arguments: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Translates the deck's spellings, with one DeprecationWarning for all of them.

    Args:
        optimizer: Name of the optimizer's class, for the messages.
        learning_rate: The argument `learning_rate`; a `Default` if the caller has not passed it.
        arguments: The caller's other keyword arguments. The dictionary is not changed.

    Returns:
        The learning rate, and the arguments without `lr` and `decay` and with a number for
        `epsilon=None`.

    Raises:
        ValueError: If both `lr` and `learning_rate` are given, or `decay` together with a
            schedule or a callable.
    """
    arguments = dict(arguments)
    advice = []
    if "lr" in arguments:
        lr = arguments.pop("lr")
        if not isinstance(learning_rate, Default):
            check_learning_rate(optimizer, learning_rate)
            raise ValueError(
                f"`{optimizer}` got both learning_rate={learning_rate!r} and lr={shown(lr)}, which "
                f"are one argument. Write `{optimizer}(learning_rate={learning_rate!r})` alone."
            )
        check_learning_rate(optimizer, lr, "lr")
        learning_rate = lr
        advice.append(f"`learning_rate={lr!r}` instead of `lr={lr!r}`")
    if "decay" in arguments:
        decay = Number(example=0.01)("decay", arguments.pop("decay"))
        if decay == 0:
            advice.append("nothing instead of `decay=0.0`, which does nothing")
        else:
            rate = _plain_rate(optimizer, learning_rate, decay)
            learning_rate = TimeBasedDecay(rate, decay)
            advice.append(
                f"`learning_rate=keras.optimizers.schedules.InverseTimeDecay({rate!r}, "
                f"decay_steps=1, decay_rate={decay!r})` instead of `decay={decay!r}`"
            )
    if "epsilon" in arguments and arguments["epsilon"] is None:
        arguments["epsilon"] = keras.config.epsilon()
        advice.append(
            f"`epsilon={keras.config.epsilon()!r}`, or nothing, instead of `epsilon=None`"
        )
    if advice:
        warnings.warn(
            f"`{optimizer}` was called in the spelling of Keras 2. Write {'; '.join(advice)}.",
            DeprecationWarning,
            # The caller's line: the callers of this function are RuleOptimizer.__init__ and the
            # __init__ of the optimizer's class.
            stacklevel=4,
        )
    return learning_rate, arguments


def modern_config(config: dict[str, Any], custom_objects: Any = None) -> dict[str, Any]:
    """Translates what `get_config` returned in Keras 2.

    Args:
        config: A configuration of Keras 2 or of this package. It is not changed.
        custom_objects: Dictionary from names to classes or functions. Defaults to None.

    Returns:
        The same without `is_legacy_optimizer` and `jit_compile`, of which Keras 3 has no
        equivalent in an optimizer, with `learning_rate` for `lr`, and with a `TimeBasedDecay` as
        the learning rate for `decay`.

    Raises:
        ValueError: If there is a `decay` together with a schedule.
    """
    config = {k: v for k, v in config.items() if k not in ("is_legacy_optimizer", "jit_compile")}
    if "lr" in config:
        config.setdefault("learning_rate", config.pop("lr"))
    rate, decay = config.get("learning_rate"), config.pop("decay", None)
    if isinstance(rate, dict) and isinstance(rate.get("config"), dict):
        # Without a module, as in Keras 2, only the names of Keras's schedules are looked up.
        deserialize = keras.saving.deserialize_keras_object
        deserialize = deserialize if "module" in rate else keras.optimizers.schedules.deserialize
        # A schedule without a name has `None` there, which Keras 3 refuses.
        arguments = {k: v for k, v in rate["config"].items() if (k, v) != ("name", None)}
        rate = deserialize({**rate, "config": arguments}, custom_objects=custom_objects)
        config["learning_rate"] = rate
    if decay and rate is not None:
        rate = _plain_rate("from_config", rate, Number(example=0.01)("decay", decay))
        config["learning_rate"] = TimeBasedDecay(rate, decay)
    elif decay:
        config["decay"] = decay
    return config


def _plain_rate(optimizer: str, learning_rate: Any, decay: float) -> float:
    rate = check_learning_rate(optimizer, learning_rate)
    if isinstance(rate, float):
        return float(rate)
    raise ValueError(
        f"`{optimizer}` got decay={decay!r} together with a learning rate that already changes "
        f"over time ({type(rate).__name__}). Leave `decay` out, or give a number as learning rate."
    )
