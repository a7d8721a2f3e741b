"""Vanishing gradients: the back-propagated signal shrinks from layer to layer."""

import numpy as np

from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import LayerInfo
from keras_course_ext.monitoring.record.signal import SignalProfile, profiles

# A healthy network keeps the signal: 1.0 a layer for ReLU with He initialization, 0.9 for tanh and
# 0.71 for ReLU with Glorot. A layer starves if it gets less than a thousandth of the strongest
# signal of the layers after it. If the median hop shrinks too, the cause is not one narrow layer.
STARVED = 1e-3
FADING_HOP = 0.9
MIN_HOPS = 3


def find(history: GradientHistory) -> list[Finding]:
    """Find the layers that get hardly any signal because it decays layer by layer.

    With s_l = ‖∂L/∂A_l‖, median over an epoch, layer l starves when

        s_l / max(s_k, k > l) < 10⁻³   and   median(s_k / s_{k+1}, k ≥ l) < 0.9

    over at least three hops. Both are ratios within one step of one network. So the rule depends
    neither on the scale of the loss nor on convergence, where all gradients shrink together.
    """
    starving = [(p, layers) for p in profiles(history) if (layers := _starving(p))]
    if not starving:
        return []
    first, layers = starving[0]
    worst = min(layers, key=lambda name: first.norms[first.layers.index(name)])
    start = first.layers.index(worst)
    epochs = len({p.epoch for p in profiles(history)})
    lost = first.norms[start] / first.norms[start:].max()
    hop = float(np.median(first.hops[start:]))
    evidence = (
        f"the signal ‖∂L/∂A‖ changes by a factor of {hop:.2g} per layer and only {lost:.1e} of it "
        f"arrives at '{worst}' (seen in {len(starving)} of {epochs} epochs)"
        f"{_update_evidence(history, first, worst)}."
    )
    infos = {info.name: info for info in history.layers}
    advice = _advice([infos[name] for name in first.layers[:-1]])
    return [Finding("vanishing", worst, first.epoch, first.step, evidence, advice, layers)]


def _starving(profile: SignalProfile) -> tuple[str, ...]:
    s = profile.norms
    if not s.min() < STARVED * s.max():  # the median hops of every epoch would take much longer
        return ()
    hops = profile.hops
    return tuple(
        name
        for i, name in enumerate(profile.layers[: max(len(s) - MIN_HOPS, 0)])
        if s[i] < STARVED * s[i + 1 :].max() and np.median(hops[i:]) < FADING_HOP
    )


def _update_evidence(history: GradientHistory, profile: SignalProfile, worst: str) -> str:
    """Compare the gradient with the weights it changes, in this layer and in the last."""
    relative = []
    main = {info.name: info.main_weights[0] for info in history.layers if info.main_weights}
    for layer in (worst, profile.layers[-1]):
        if not all(history.has(layer, main[layer], s) for s in ("grad_norm", "weight_norm")):
            return ""
        _, epochs, gradient = history.series(layer, main[layer])
        _, at, weight = history.series(layer, main[layer], "weight_norm")
        relative.append(
            np.median(gradient[epochs == profile.epoch]) / weight[at == profile.epoch][0]
        )
    return (
        f"; ‖∂L/∂W‖ / ‖W‖ of its kernel is {relative[0]:.1e}, that of '{profile.layers[-1]}' "
        f"{relative[1]:.1e}"
    )


_SQUASHING = {
    "sigmoid": "sigmoid' is at most 0.25",
    "hard_sigmoid": "its slope is at most 1/6",
    "tanh": "tanh' is below 1 everywhere but at 0",
    "softsign": "its slope is below 1 everywhere but at 0",
}


def _advice(hidden: list[LayerInfo]) -> str:
    squashing = [info for info in hidden if info.activation in _SQUASHING]
    if squashing:
        name = str(squashing[0].activation)
        return (
            f"Change {name} to ReLU with He initialization (activation='relu', "
            f"kernel_initializer='he_normal') in the {len(squashing)} layers "
            f"'{squashing[0].name}' to '{squashing[-1].name}': {_SQUASHING[name]}, and the factors "
            "multiply."
        )
    if any(info.activation == "relu" and "Glorot" in str(info.initializer) for info in hidden):
        return (
            "Use He initialization (kernel_initializer='he_normal'): ReLU passes half of the "
            "variance on, and Glorot's does not make up for it."
        )
    return (
        "Put normalization (keras.layers.BatchNormalization or LayerNormalization) or residual "
        "connections between the layers, or use fewer of them."
    )
