"""Non-finite gradients: the step, the layer and the pass in which NaN or infinity arose."""

import numpy as np

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.finding import ERROR, Finding
from keras_course_ext.monitoring.diagnosis.moves import moves_of
from keras_course_ext.monitoring.diagnosis.outcome import outcome_of
from keras_course_ext.monitoring.diagnosis.rules.update_too_large import remedies
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import SIGNALS, Key

# Dynamic loss scaling overflows now and then on purpose, skips that step and halves the scale. From
# 2^15 the scale has come down to 1 after fifteen such steps, and an overflow at scale 1 is a real
# fault. Steps are counted, not records: all steps that overflow are recorded, the others sampled.
_SKIPPED_TOO_OFTEN, _WITHIN_STEPS = 16, 32


def find(history: GradientHistory) -> list[Finding]:
    """Find the first step whose gradients are not all finite, and where that began.

    The places are searched in the order in which a step computes: a weight that was not finite
    before the step (the backward pass or update of the step before made it so); then the first such
    output in the forward pass; then the first such gradient in the backward pass.

    Under loss scaling a step that overflowed is no finding, unless 16 of 32 steps did.
    """
    keys = [key for key in history.keys if key.statistic == "grad_norm" and key.layer]
    if not keys:
        return []
    # A step recorded only because it is not finite has only some of the statistics.
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
        at = bad_steps[int(np.argmax(often))]
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
    cause, remedies = _why(history)
    if remedies:
        advice = ""
    return [
        Finding(
            "non_finite",
            layer,
            epoch_of[at],
            step,
            evidence,
            advice,
            layers,
            severity=ERROR,
            confidence=0.95,
            cause=cause,
            remedies=remedies,
        )
    ]


def _why(history: GradientHistory) -> tuple[str, tuple[remedy.Remedy, ...]]:
    """Return the cause and the remedies that the data shows; none if it shows nothing."""
    outcome = outcome_of(history)
    for x in outcome.inputs:
        if x.non_finite_share > 0:
            clean = remedy.Remedy(
                "Remove or fill the samples that are not finite: x[np.isfinite(x).all(axis=1)].",
                (("inputs", "finite"),),
            )
            return f"{x.non_finite_share:.1%} of the inputs are NaN or infinite.", (clean,)
    if outcome.learning_rate is None:
        return "", ()
    moved = max((m.initial for m in moves_of(history).values()), default=0.0)
    return "", (*remedies(outcome, moved), remedy.scale_inputs())


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
    if not any(k.layer == nearest and k.tensor in SIGNALS for k in broken):
        return nearest, f"backward, in '{nearest}': what came back to its output was finite", step
    # What flowed back to `nearest` was not finite when it left the layer called after it.
    norms = [k for k in history.keys if k.statistic == "grad_norm"]
    watched = {k.layer for k in norms if k.tensor in SIGNALS}
    after = [name for name in order[order.index(nearest) + 1 :] if name in watched]
    if after:
        return after[0], f"backward, between '{after[0]}' and '{nearest}' before it", step
    knows = any(key.statistic == "mean" for key in history.keys)
    what = "the loss" if knows else "the loss or the forward pass"
    return nearest, f"from the output layer on: {what} was not finite", step


def _overflowed_before(history: GradientHistory, layer: str, step: int) -> bool:
    """Say whether the step before may have made a layer's weights not finite.

    That is so if the step before was recorded because something in it could not be squared, so that
    a product may have overflowed, and one of the layer's weights was measured at neither step.
    """
    if step - 1 not in history.steps:
        return False
    weights = [k for k in history.keys if k.layer == layer and k.tensor not in SIGNALS]
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
