"""Checks of a monitor's arguments, and of the model it is to record."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_course_ext._nearest import nearest
from keras_course_ext.monitoring.capture.layers import layer_entries
from keras_course_ext.monitoring.record.statistics import all_names

_NORMS = ("grad_norm",)


def checked_statistics(statistics: str | Sequence[str]) -> tuple[str, ...]:
    """Return the names of the statistics that `statistics` means.

    Args:
        statistics: `"all"`, `"norms"`, or a sequence of names.

    Raises:
        ValueError: If a name is unknown; the message suggests the nearest.
    """
    if isinstance(statistics, str):
        if statistics in ("all", "norms"):
            return all_names() if statistics == "all" else _NORMS
        raise ValueError(
            f'`statistics` must be "all", "norms" or a list of names. Received: {statistics!r}. '
            f"Write `statistics=[{statistics!r}]` for one. The names are: {', '.join(all_names())}."
        )
    if not isinstance(statistics, Sequence):
        raise ValueError(
            f'`statistics` must be "all", "norms" or a list of names. Received: {statistics!r}. '
            f"The names are: {', '.join(all_names())}."
        )
    for name in statistics:
        if name not in all_names():
            raise ValueError(
                f"Unknown statistic {name!r}.{nearest(name, all_names())} The names are: "
                f"{', '.join(all_names())}."
            )
    return tuple(dict.fromkeys(("grad_norm", *statistics)))


def checked_period(histograms: int | None) -> int | None:
    """Return `histograms`, or refuse it unless it is None or a number of steps.

    Raises:
        ValueError: If it is anything else.
    """
    is_int = isinstance(histograms, int) and not isinstance(histograms, bool)
    if histograms is not None and not (is_int and histograms >= 1):
        raise ValueError(
            "`histograms` must be a number of steps, 1 or more, or None for no histograms. "
            f"Received: histograms={histograms!r}. Write `histograms=50` for every fiftieth step."
        )
    return histograms


def checked_names(layers: Sequence[str] | None) -> list[str] | None:
    """Return the names as a list, or None.

    Raises:
        ValueError: If `layers` is anything else than a sequence of strings, a single one included.
    """
    if layers is None:
        return None
    if isinstance(layers, str):
        raise ValueError(
            f"`layers` must be a list of names. Received: {layers!r}. Write `layers=[{layers!r}]`."
        )
    if not isinstance(layers, Sequence) or not all(isinstance(name, str) for name in layers):
        raise ValueError(
            f"`layers` must be a list of names of layers, or None for all. Received: {layers!r}. "
            "Write `layers=[layer.name for layer in model.layers[:2]]` for the first two."
        )
    return list(layers)


def checked_layers(model: keras.Model, layers: Sequence[str] | None) -> None:
    """Refuse names of layers that the model does not have.

    Raises:
        ValueError: If there is one; the message suggests the nearest.
    """
    if layers is None:
        return
    names = [entry.name for entry in layer_entries(model)]
    for name in layers:
        if name not in names:
            raise ValueError(
                f"The model '{model.name}' has no layer {name!r}.{nearest(name, names)} Its "
                f"layers are: {', '.join(names)}."
            )


def refuse(model: Any, *optimizers: Any) -> None:
    """Refuse a model that cannot be recorded.

    Raises:
        ValueError: If it has no trainable weights, or one of the optimizers is None.
        TypeError: If one of them is not of Keras's kind.
    """
    if model.built and not model.trainable_variables:
        raise ValueError(
            f"GradientMonitor has nothing to record: the model '{model.name}' has no trainable "
            "weights. Set `layer.trainable = True` on the layers to train and compile again."
        )
    for optimizer in optimizers:
        _refuse_optimizer(model, optimizer)


def _refuse_optimizer(model: Any, optimizer: Any) -> None:
    if optimizer is None:
        raise ValueError(
            f"GradientMonitor needs an optimizer, but the model '{model.name}' has none. Write "
            "`model.compile(optimizer=..., loss=...)`, or pass one to `watch`."
        )
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise TypeError(
            "GradientMonitor reads the gradients where a `keras.optimizers.Optimizer` gets them. "
            f"Received: {type(optimizer).__module__}.{type(optimizer).__name__}. Write a subclass "
            "of `keras.optimizers.Optimizer`, or of `kce.optimizers.RuleOptimizer`."
        )
