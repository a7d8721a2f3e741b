"""`kce.diagnose`: a verdict on a model in seconds, by a few steps of a copy."""

import random
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from keras_course_ext.callbacks.gradient_monitor import GradientMonitor
from keras_course_ext.monitoring.diagnosis.diagnose import Rule
from keras_course_ext.monitoring.diagnosis.diagnose import diagnose as diagnose_record
from keras_course_ext.monitoring.diagnosis.finding import Finding

_EPOCHS = 2


def diagnose(
    subject: Any,
    x: Any = None,
    y: Any = None,
    steps: int = 20,
    batch_size: int = 32,
    rules: Iterable[Rule] = (),
) -> list[Finding]:
    """Say what is wrong with a model, after a few training steps of a copy of it.

    The model, its optimizer and the state of Python's random generator stay as they are.
    Contradictions between output, loss and targets, constant or detached layers and wrong initial
    weights show in a few steps; what needs a longer run does not.

    Args:
        subject: A compiled Functional or Sequential model, or one that `get_config` can copy; or a
            record: a `GradientHistory` or a `GradientMonitor`, which is diagnosed as it is.
        x: Inputs: an array, or a list or dictionary of arrays.
        y: Targets, likewise.
        steps: Integer ≥ 2, how many steps. Defaults to 20.
        batch_size: Integer ≥ 1. Defaults to 32.
        rules: Rules of your own to apply as well. Defaults to none, `()`.

    Returns:
        A list of `Finding`, the most serious first.

    Raises:
        ValueError: If the model is not compiled or cannot be copied, or an argument is not one of
            the above.

    Example:
        >>> import keras, numpy as np
        >>> import keras_course_ext as kce
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
        >>> model.compile(loss="mse")
        >>> x = np.random.default_rng(0).normal(size=(64, 4))
        >>> finding = kce.diagnose(model, x, 10 * x[:, :1])[0]
        >>> finding.kind
        'output_range'
    """
    if not isinstance(subject, keras.Model):
        return diagnose_record(subject, rules)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < _EPOCHS:
        raise ValueError(
            f"`steps` must be an integer of 2 or more. Received: steps={steps!r}. Write "
            "`kce.diagnose(model, x, y, steps=20)`."
        )
    if x is None:
        raise ValueError(
            "`kce.diagnose` needs data to train the copy on. Received: x=None. Write "
            "`kce.diagnose(model, x, y)`."
        )
    state = random.getstate()
    try:
        copy = _copied(subject)
        monitor = GradientMonitor(update_freq=1, on_finding="ignore")
        some = _some(x, steps * batch_size // _EPOCHS), _some(y, steps * batch_size // _EPOCHS)
        how = {"batch_size": batch_size, "epochs": _EPOCHS, "verbose": 0, "shuffle": False}
        copy.fit(*some, callbacks=[monitor], **how)
        return diagnose_record(monitor, rules)
    finally:
        random.setstate(state)


def _copied(model: keras.Model) -> keras.Model:
    """Return a compiled copy with the same weights."""
    if getattr(model, "optimizer", None) is None:
        raise ValueError(
            f"`kce.diagnose` needs a compiled model, and '{model.name}' is not. Write "
            "`model.compile(optimizer=..., loss=...)` before."
        )
    try:
        copy = keras.models.clone_model(model)
    except (ValueError, NotImplementedError, TypeError) as error:
        raise ValueError(
            f"`kce.diagnose` cannot copy '{model.name}', a {type(model).__name__}: {error} Give it "
            "a `get_config`, or pass a GradientMonitor to `fit` and read `monitor.findings`."
        ) from error
    if model.built and copy.built:
        copy.set_weights(model.get_weights())
    optimizer: Any = model.optimizer
    copy.compile(
        optimizer=type(optimizer).from_config(optimizer.get_config()),
        loss=model.loss,
        metrics=["accuracy"] if _measures_accuracy(model) else None,
        run_eagerly=model.run_eagerly,
    )
    return copy


def _measures_accuracy(model: Any) -> bool:
    config = model.get_compile_config() or {}
    return "acc" in str(config.get("metrics"))


def _some(data: Any, samples: int) -> Any:
    """Return so many samples, spread over all."""

    def part(array: Any) -> Any:
        if array is None:
            return None
        array = np.asarray(array)
        order = np.random.default_rng(0).permutation(len(array))
        return array[order[:samples]]

    return keras.tree.map_structure(part, data)
