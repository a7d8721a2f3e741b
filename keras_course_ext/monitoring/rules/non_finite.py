"""Non-finite gradients: the step, the layer and the direction in which NaN or infinity arose."""

import numpy as np

from keras_course_ext.monitoring.finding import Finding
from keras_course_ext.monitoring.history import GradientHistory, Key

_SIGNALS = ("output", "logits")
# Dynamic loss scaling overflows now and then on purpose, skips that step and halves the scale. A
# scale of 2^15 has come down to 1 after fifteen steps: who then still overflows is not overscaled.
# Steps are counted, not records: those that overflow are all recorded, the others are a sample.
_SKIPPED_TOO_OFTEN, _WITHIN_STEPS = 16, 32


def find(history: GradientHistory) -> list[Finding]:
    """Find the first step whose gradients are not all finite, and where that began.

    In the order in which a step is computed: a weight that is not finite before it was destroyed by
    the step before, in the backward pass; then the first output on the way forward; then, on
    the way back from the output, the first gradient.

    Under loss scaling a step that overflowed is no finding, unless 16 of 32 steps did.
    """
    keys = [key for key in history.keys if key.statistic == "grad_norm" and key.layer]
    if not keys:
        return []
    steps, epochs, norms = history.matrix(keys)
    bad = ~np.isfinite(norms)
    bad_steps = bad.any(axis=0)
    if not bad_steps.any():
        return []
    at = int(np.argmax(bad_steps))
    if history.loss_scaled:
        skipped = np.flatnonzero(bad_steps)
        last = skipped[_SKIPPED_TOO_OFTEN - 1 :]
        often = steps[last] - steps[skipped[: len(last)]] < _WITHIN_STEPS
        if not often.any():
            return []
        at = int(skipped[np.argmax(often)])
    broken = {key for key, is_bad in zip(keys, bad[:, at], strict=True) if is_bad}
    layers = tuple(i.name for i in history.layers if any(k.layer == i.name for k in broken))
    layer, where, step = _origin(history, int(steps[at]), broken)
    evidence = (
        f"a gradient was NaN or infinite at step {steps[at]}; it arose {where} "
        f"({int(bad_steps.sum())} of {steps.size} recorded steps)."
    )
    advice = (
        "Look at the data of that batch for NaN, lower the learning rate by a factor of ten, and "
        "compute crossentropies from logits (from_logits=True, no softmax or sigmoid at the end)."
    )
    return [Finding("non_finite", layer, int(epochs[at]), step, evidence, advice, layers)]


def _origin(history: GradientHistory, step: int, broken: set[Key]) -> tuple[str, str, int]:
    """Return the layer in which it arose, a description of where, and the step."""
    for layer in reversed(_broken(history, "weight_norm", step)):
        if step == history.steps[0]:
            return layer, f"before training began: the weights of '{layer}' were not finite", step
        return layer, f"backward, in ∂L/∂W or the update of '{layer}' at step {step - 1}", step - 1
    forward = _broken(history, "mean", step)
    if forward:
        return forward[0], f"forward, in the output of '{forward[0]}'", step
    order = [info.name for info in history.layers]
    nearest = next(name for name in reversed(order) if any(k.layer == name for k in broken))
    if not any(k.layer == nearest and k.tensor in _SIGNALS for k in broken):
        return nearest, f"backward, in '{nearest}': what came back to its output was finite", step
    # It was not finite when it came out of what was called after `nearest`.
    norms = [k for k in history.keys if k.statistic == "grad_norm"]
    watched = {k.layer for k in norms if k.tensor in _SIGNALS}
    after = [name for name in order[order.index(nearest) + 1 :] if name in watched]
    if after:
        return after[0], f"backward, between '{after[0]}' and '{nearest}' before it", step
    knows = any(key.statistic == "mean" for key in history.keys)
    what = "the loss" if knows else "the loss or the forward pass"
    return nearest, f"from the output layer on: {what} was not finite", step


def _broken(history: GradientHistory, statistic: str, step: int) -> list[str]:
    """Return the layers, in forward order, for which a statistic was not finite at a step."""
    found = set()
    for key in history.keys:
        if key.statistic == statistic:
            steps, _, values = history.series(*key)
            if not np.isfinite(values[steps == step]).all():
                found.add(key.layer)
    return [info.name for info in history.layers if info.name in found]
