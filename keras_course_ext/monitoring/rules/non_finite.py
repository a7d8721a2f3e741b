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
    # Of a step that was not to be recorded only what tells of the fault has been.
    bad: dict[int, set[Key]] = {}
    epoch_of: dict[int, int] = {}
    for key in keys:
        steps, epochs, norms = history.series(*key)
        for i in np.flatnonzero(~np.isfinite(norms)):
            bad.setdefault(int(steps[i]), set()).add(key)
            epoch_of[int(steps[i])] = int(epochs[i])
    if not bad:
        return []
    bad_steps = sorted(bad)
    at = bad_steps[0]
    if history.loss_scaled:
        last = np.array(bad_steps[_SKIPPED_TOO_OFTEN - 1 :])
        often = last - np.array(bad_steps[: len(last)]) < _WITHIN_STEPS
        if not often.any():
            return []
        at = int(last[np.argmax(often)])
    broken = bad[at]
    layers = tuple(i.name for i in history.layers if any(k.layer == i.name for k in broken))
    layer, where, step = _origin(history, at, broken)
    evidence = (
        f"a gradient was NaN or infinite at step {at}; it arose {where} "
        f"({len(bad)} of {history.steps.size} recorded steps)."
    )
    advice = (
        "Look at the data of that batch for NaN, lower the learning rate by a factor of ten, and "
        "compute crossentropies from logits (from_logits=True, no softmax or sigmoid at the end)."
    )
    return [Finding("non_finite", layer, epoch_of[at], step, evidence, advice, layers)]


def _origin(history: GradientHistory, step: int, broken: set[Key]) -> tuple[str, str, int]:
    """Return the layer in which it arose, a description of where, and the step."""
    for layer in reversed(_broken(history, "weight_norm", step)):
        if step == history.steps[0]:
            return layer, f"before training began: the weights of '{layer}' were not finite", step
        return layer, f"backward, in ∂L/∂W or the update of '{layer}' at step {step - 1}", step - 1
    forward = _broken(history, "mean", step)
    if forward and _overflowed_before(history, forward[0], step):
        where = f"backward, in ∂L/∂W or the update of '{forward[0]}' at step {step - 1}"
        return forward[0], where, step - 1
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


def _overflowed_before(history: GradientHistory, layer: str, step: int) -> bool:
    """Say whether a layer's weights may have been destroyed by the step before.

    That step is in the record only because something in it could not be squared, so that a product
    may have overflowed; and a weight of the layer was looked at neither then nor now.
    """
    if step - 1 not in history.steps:
        return False
    weights = [k for k in history.keys if k.layer == layer and k.tensor not in _SIGNALS]
    return any(
        not np.isin([step - 1, step], history.series(*key)[0]).any()
        for key in weights
        if key.statistic == "grad_norm"
    )


def _broken(history: GradientHistory, statistic: str, step: int) -> list[str]:
    """Return the layers, in forward order, for which a statistic was not finite at a step."""
    found = set()
    for key in history.keys:
        if key.statistic == statistic:
            steps, _, values = history.series(*key)
            if not np.isfinite(values[steps == step]).all():
                found.add(key.layer)
    return [info.name for info in history.layers if info.name in found]
