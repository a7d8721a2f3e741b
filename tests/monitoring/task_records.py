"""Records with known answers: what a run was for, and how it went."""

import numpy as np

from keras_course_ext.monitoring import GradientHistory, Key, LayerInfo
from keras_course_ext.monitoring.record.activation_ranges import out_of_reach
from keras_course_ext.monitoring.record.constant_loss import constant_loss, least_loss
from keras_course_ext.monitoring.record.task import InputInfo, Observation, OutputInfo
from keras_course_ext.monitoring.record.task_summary import target_info

RANDOM = np.random.default_rng(0)
STEPS = 10  # an epoch

BINARY = RANDOM.integers(0, 2, 256)
CLASSES = RANDOM.integers(0, 5, 256)
ONE_HOT = np.eye(5)[CLASSES]
NUMBERS = RANDOM.normal(size=(256, 1))
PIXELS = RANDOM.integers(0, 256, (64, 32))
LABELS = RANDOM.integers(0, 2, (256, 4))


def output_of(activation, y, loss, units=1, from_logits=False, shape=None, layers=("out",)):
    """Return an output as a `fit` observes it."""
    y = np.asarray(y)
    crossentropy = "crossentropy" in loss
    return OutputInfo(
        layer="out",
        layers=layers,
        activation=activation,
        units=units,
        shape=(units,) if shape is None else shape,
        loss=loss,
        from_logits=from_logits if crossentropy else None,
        targets=target_info(y),
        constant_loss=constant_loss(loss, y, None, units),
        least_loss=least_loss(loss, y, None),
        out_of_reach=None if "sparse" in loss else out_of_reach(activation, y),
    )


def record(output, progress=(0.5, 0.7, 0.9), losses=None, metrics=None, hidden=None, **others):
    """Return a record whose loss has got rid of these shares of a constant's, epoch by epoch.

    Args:
        output: An `OutputInfo`.
        progress: One number an epoch.
        losses: The losses themselves, if the constant's is unknown.
        metrics: Further logs by name, a number each.
        hidden: The hidden layers.
        others: Further fields of the observations.
    """
    hidden = [LayerInfo("hidden", units=8, activation="relu")] if hidden is None else hidden
    out = LayerInfo("out", activation=output.activation, units=output.units)
    history = GradientHistory([*hidden, out])
    constant = output.constant_loss or 1.0
    losses = [constant * (1 - p) for p in progress] if losses is None else losses
    fields = {"optimizer": "Adam", "learning_rate": 0.001, "batches": STEPS} | others
    fields.setdefault("inputs", (InputInfo(columns=4, samples=256),))
    for epoch, loss in enumerate(losses):
        logs = {"loss": loss, **(metrics or {})}
        history.observations.append(
            Observation(
                epoch=epoch,
                step=STEPS * epoch,
                outputs=(output,),
                logs=tuple(logs),
                values=tuple(map(float, logs.values())),
                **fields,
            )
        )
    return history


def add(history, layer, tensor, statistic, values):
    """Add a statistic to a record, one value an epoch, at all of its steps."""
    for epoch, value in enumerate(values):
        steps = STEPS * epoch + np.arange(STEPS)
        rows = np.full((STEPS, 1), value)
        history.append(steps, np.full(STEPS, epoch), [Key(layer, tensor, statistic)], rows)
    return history
