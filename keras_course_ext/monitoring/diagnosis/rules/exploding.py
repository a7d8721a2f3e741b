"""Exploding gradients: the signal grows from layer to layer, or from step to step."""

import numpy as np

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.finding import NOTE, WARNING, Finding
from keras_course_ext.monitoring.diagnosis.outcome import outcome_of
from keras_course_ext.monitoring.record.epochs import group_medians
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import SIGNALS, Key
from keras_course_ext.monitoring.record.signal import SignalProfile, profiles

GROWN = 1e3
GOOD = 0.6
GROWING_HOP = 1.1
MIN_HOPS = 3


def find(history: GradientHistory) -> list[Finding]:
    """Find gradients that grow without bound, over the layers or over the steps.

    Over the layers, with s_l = ‖∂L/∂A_l‖, median over an epoch, and L the output layer:

        s_l / s_L > 10³   and   median(s_k / s_{k+1}, k ≥ l) > 1.1

    over at least three hops. Over the steps: the norm of all weight gradients together, median of
    an epoch, is 10³ times what it was in the first steps.
    """
    return _over_layers(history) or _over_steps(history)


def _over_layers(history: GradientHistory) -> list[Finding]:
    for profile in profiles(history):
        layers = _growing(profile)
        if not layers:
            continue
        i = int(np.argmax(profile.norms))
        growth = profile.norms[i] / profile.norms[-1]
        hop = float(np.median(profile.hops[i:]))
        evidence = (
            f"the signal ‖∂L/∂A‖ grows by a factor of {hop:.2g} per layer and reaches "
            f"'{profile.layers[i]}' {growth:.1e} times as strong as it left the output."
        )
        advice = (
            "Use an initialization that keeps the variance (kernel_initializer='he_normal' for "
            "ReLU, 'glorot_uniform' for tanh and linear) or put normalization between the layers; "
            "clip with global_clipnorm=1.0 until then."
        )
        name = profile.layers[i]
        squashing = {info.name: info.activation in ("tanh", "linear") for info in history.layers}
        start = remedy.initialize("glorot_uniform" if squashing[name] else "he_normal")
        return [
            Finding(
                "exploding",
                name,
                profile.epoch,
                profile.step,
                evidence,
                advice,
                layers,
                severity=_severity(history),
                cause="The weights multiply the signal in every layer.",
                remedies=(start, remedy.normalize(), remedy.clip()),
            )
        ]
    return []


def _growing(profile: SignalProfile) -> tuple[str, ...]:
    s = profile.norms
    if not s.max() > GROWN * s[-1]:  # the median hops of every epoch would take much longer
        return ()
    hops = profile.hops
    return tuple(
        name
        for i, name in enumerate(profile.layers[: max(len(s) - MIN_HOPS, 0)])
        if s[i] > GROWN * s[-1] and np.median(hops[i:]) > GROWING_HOP
    )


def _over_steps(history: GradientHistory) -> list[Finding]:
    weights = [k for k in history.keys if k.statistic == "grad_norm" and _is_weight(k)]
    if not weights:
        return []
    steps, epochs, norms = history.matrix(weights)
    norms = norms.astype(np.float64)
    total = np.sqrt((norms**2).sum(axis=0))
    finite = np.isfinite(total)
    start = float(np.median(total[finite][:10])) if finite.any() else 0.0
    found, group = np.unique(epochs[finite], return_inverse=True)
    for epoch, median in zip(found, group_medians(group, total[finite]), strict=True):
        growth = float(median) / start if start else 0.0
        if growth > GROWN:
            now = finite & (epochs == epoch)
            key = weights[int(np.argmax(np.median(norms[:, now], axis=1)))]
            evidence = (
                f"the norm of all weight gradients is {growth:.1e} times what it was in the first "
                f"steps, most of it in {key.tensor} of '{key.layer}'."
            )
            advice = (
                "Lower the learning rate by a factor of ten, or clip with global_clipnorm=1.0 in "
                "the optimizer."
            )
            step = int(steps[now][0])
            return [
                Finding(
                    "exploding",
                    key.layer,
                    int(epoch),
                    step,
                    evidence,
                    advice,
                    (key.layer,),
                    severity=_severity(history),
                    cause="Steps too large lead to weights with ever larger gradients.",
                    remedies=(
                        remedy.lower_rate(outcome_of(history).learning_rate),
                        remedy.clip(),
                    ),
                )
            ]
    return []


def _severity(history: GradientHistory) -> str:
    return WARNING if outcome_of(history).below(GOOD, unknown=True) else NOTE


def _is_weight(key: Key) -> bool:
    return key.layer != "" and key.tensor not in SIGNALS
