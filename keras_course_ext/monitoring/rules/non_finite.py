"""Non-finite gradients: the step, the layer and the direction in which NaN or infinity arose."""

import numpy as np

from keras_course_ext.monitoring.finding import Finding
from keras_course_ext.monitoring.history import GradientHistory

# Dynamic loss scaling overflows now and then on purpose and skips that step.
TOLERATED_UNDER_LOSS_SCALING = 0.5


def find(history: GradientHistory) -> list[Finding]:
    """Find the first step whose gradients are not all finite, and where that began.

    In the order in which a step is computed: a weight that is not finite before it was destroyed by
    the step before, in the backward pass; then the first output on the way forward; then, on
    the way back from the output, the first gradient.
    """
    keys = [key for key in history.keys if key.statistic == "grad_norm" and key.layer]
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
    layer, where, step = _origin(history, int(steps[at]), layers)
    evidence = (
        f"a gradient was NaN or infinite at step {step}, {where} "
        f"({int(bad_steps.sum())} of {steps.size} recorded steps)."
    )
    advice = (
        "Look at the data of that batch for NaN, lower the learning rate by a factor of ten, and "
        "compute crossentropies from logits (from_logits=True, no softmax or sigmoid at the end)."
    )
    return [Finding("non_finite", layer, int(epochs[at]), step, evidence, advice, layers)]


def _origin(history: GradientHistory, step: int, affected: tuple[str, ...]) -> tuple[str, str, int]:
    """Return the layer in which it arose, a description of where, and the step."""
    order = [info.name for info in history.layers]
    for layer in reversed(_broken(history, "weight_norm", step)):
        return layer, f"backward, in ∂L/∂W or the update of '{layer}'", step - 1
    forward = _broken(history, "mean", step)
    if forward:
        return forward[0], f"forward, in the output of '{forward[0]}'", step
    nearest = affected[-1]
    recorded = {key.layer for key in history.keys if key.statistic == "grad_norm"}
    last = [name for name in order if name in recorded][-1]
    if nearest == last:
        knows = any(key.statistic == "mean" for key in history.keys)
        what = "the loss" if knows else "the loss or the forward pass"
        return nearest, f"from the output layer on: {what} was not finite", step
    where = f"backward, from '{nearest}' toward the input, while the layers above it were finite"
    return nearest, where, step


def _broken(history: GradientHistory, statistic: str, step: int) -> list[str]:
    """Return the layers, in forward order, for which a statistic was not finite at a step."""
    found = set()
    for key in history.keys:
        if key.statistic == statistic:
            steps, _, values = history.series(*key)
            if not np.isfinite(values[steps == step]).all():
                found.add(key.layer)
    return [info.name for info in history.layers if info.name in found]
