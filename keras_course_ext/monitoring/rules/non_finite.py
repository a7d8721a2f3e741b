"""Non-finite gradients: the step at which the first NaN or infinity arose, and the layer."""

import numpy as np

from keras_course_ext.monitoring.finding import Finding
from keras_course_ext.monitoring.history import GradientHistory

# Dynamic loss scaling overflows now and then on purpose and skips that step.
TOLERATED_UNDER_LOSS_SCALING = 0.5


def find(history: GradientHistory) -> list[Finding]:
    """Find the first step whose gradients are not all finite, and the layer nearest its origin.

    The signal runs from the output to the input, so the origin is the first layer on that way
    whose gradients are not finite. If that is the output layer itself, the loss already was.
    """
    keys = [key for key in history.keys if key.statistic == "grad_norm"]
    if not keys:
        return []
    steps, epochs, norms = history.matrix(keys)
    bad = ~np.isfinite(norms)
    bad_steps = bad.any(axis=0)
    if not bad_steps.any():
        return []
    if history.loss_scaled and bad_steps.mean() < TOLERATED_UNDER_LOSS_SCALING:
        return []
    at = int(np.argmax(bad_steps))
    affected = {key.layer for key, is_bad in zip(keys, bad[:, at], strict=True) if is_bad}
    layers = tuple(info.name for info in history.layers if info.name in affected)
    recorded = {key.layer for key in keys}
    last = [info.name for info in history.layers if info.name in recorded][-1]
    if layers[-1] == last:
        where = "from the output layer on: the loss or the forward pass was not finite"
    else:
        where = f"from '{layers[-1]}' toward the input, while the layers above it were finite"
    evidence = (
        f"a gradient was NaN or infinite at step {steps[at]}, {where} "
        f"({int(bad_steps.sum())} of {steps.size} steps)."
    )
    advice = (
        "Look at the data of that batch for NaN, lower the learning rate by a factor of ten, and "
        "compute crossentropies from logits (from_logits=True, no softmax or sigmoid at the end)."
    )
    return [
        Finding("non_finite", layers[-1], int(epochs[at]), int(steps[at]), evidence, advice, layers)
    ]
