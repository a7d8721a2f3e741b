"""Vanishing gradients: the back-propagated signal shrinks from layer to layer."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from keras_course_ext.monitoring.diagnosis import remedy
from keras_course_ext.monitoring.diagnosis.finding import ERROR, NOTE, WARNING, Finding
from keras_course_ext.monitoring.diagnosis.initial_size import initial_size
from keras_course_ext.monitoring.diagnosis.outcome import Outcome, outcome_of
from keras_course_ext.monitoring.record.first_values import first_values
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.layer_paths import ancestors, is_behind_softmax
from keras_course_ext.monitoring.record.schema import LayerInfo
from keras_course_ext.monitoring.record.signal import SignalProfile, profiles, signal_keys

# A healthy network keeps the signal: 1.0 a layer for ReLU with He initialization, 0.9 for tanh and
# 0.71 for ReLU with Glorot. A layer starves if it gets less than a thousandth of the strongest
# signal of the layers after it. If the median hop shrinks too, the cause is not one narrow layer.
STARVED = 1e-3
FADING_HOP = 0.9
MIN_HOPS = 3
# Three sigmoid layers leave 1e-2, five 1e-3 to 4e-3, and such networks stay at chance for long.
# ReLU with Glorot leaves 3e-2 after ten layers and trains. So these count in a poor run only.
STALLED, FADED_AND_STALLED = 0.1, 3e-2
POOR, FADED = 0.5, 1e-2
GOOD = 0.6
# Weights of less than half of He's or Glorot's size pass less on than any activation takes away.
SMALL_START, TINY_START = 0.4, 0.02
GOOD_TINY = 0.95


class _Case(NamedTuple):
    kind: str
    limit: float
    severity: str


def find(history: GradientHistory) -> list[Finding]:
    """Find the layers that get hardly any signal because it decays layer by layer.

    With s_l = ‖∂L/∂A_l‖, median over an epoch, layer l starves when

        s_l / max(s_k, k > l) < 10⁻³   and   median(s_k / s_{k+1}, k ≥ l) < 0.9

    over at least three hops, and no layer before it gets more: a weak branch beside a strong path
    is none. Both are ratios within one step of one network. So the rule depends neither on the
    scale of the loss nor on convergence, where all gradients shrink together. In a run that has
    learned nothing the limit is 3·10⁻²; in a poor one below 10⁻² the signal is fading.
    """
    outcome = outcome_of(history)
    case = _case(outcome)
    infos = {info.name: info for info in history.layers}
    kept = {n for n, i in infos.items() if i.is_trained and not is_behind_softmax(i, infos)}
    before = ancestors(history.layers)
    found = []
    epochs = 0
    for profile in profiles(history):
        epochs += 1
        part = _part(profile, kept)
        layers = _starving(part, case.limit, before) if part else ()
        if layers:
            found.append((part, layers))
    if not found and outcome.below(GOOD_TINY):
        found = _at_first(history, kept, before)
    if not found:
        return []
    # A start that small costs a run most of its epochs, even if it learns at last.
    tiny = any(initial_size(infos[name], history) < TINY_START for name in found[0][1])
    if tiny and case.severity == NOTE and outcome.below(GOOD_TINY):
        case = case._replace(severity=WARNING)
    return [_finding(history, found, epochs, case, outcome)]


def _at_first(
    history: GradientHistory, kept: set[str], before: Mapping[str, frozenset[str]]
) -> list[tuple[SignalProfile, tuple[str, ...]]]:
    """Return what the first step alone shows, of a network that starts with tiny weights."""
    infos = [info for info in history.layers if info.name in kept]
    if not any(initial_size(info, history) < TINY_START for info in infos):
        return []
    keys = [key for key in signal_keys(history) if key.layer in kept]
    norms = [first_values(history, key) for key in keys]
    if len(keys) <= MIN_HOPS or not all(len(x) and np.isfinite(x).all() for x in norms):
        return []
    layers = tuple(key.layer for key in keys)
    profile = SignalProfile(0, int(history.steps[0]), layers, np.concatenate(norms))
    starving = _starving(profile, STARVED, before)
    return [(profile, starving)] if starving else []


def _case(outcome: Outcome) -> _Case:
    if outcome.progress is None:
        return _Case("vanishing", STARVED, WARNING)
    if outcome.below(STALLED):
        return _Case("vanishing", FADED_AND_STALLED, ERROR)
    if outcome.below(POOR):
        return _Case("fading", FADED, WARNING)
    return _Case("vanishing", STARVED, WARNING if outcome.below(GOOD) else NOTE)


def _part(profile: SignalProfile, kept: set[str]) -> SignalProfile | None:
    """Return the profile of some of the layers."""
    at = [i for i, name in enumerate(profile.layers) if name in kept]
    if len(at) <= MIN_HOPS:
        return None
    layers = tuple(profile.layers[i] for i in at)
    return SignalProfile(profile.epoch, profile.step, layers, profile.norms[at])


def _starving(
    profile: SignalProfile, limit: float, before: Mapping[str, frozenset[str]]
) -> tuple[str, ...]:
    s = profile.norms
    if not s.min() < limit * s.max():  # the median hops of every epoch would take much longer
        return ()
    hops = profile.hops
    weak = {
        name
        for i, name in enumerate(profile.layers[: max(len(s) - MIN_HOPS, 0)])
        if s[i] < limit * s[i + 1 :].max() and np.median(hops[i:]) < FADING_HOP
    }
    known = set(profile.layers)
    return tuple(
        name
        for name in profile.layers
        if name in weak and not (before.get(name, frozenset()) & known) - weak
    )


def _finding(
    history: GradientHistory,
    found: list[tuple[SignalProfile, tuple[str, ...]]],
    epochs: int,
    case: _Case,
    outcome: Outcome,
) -> Finding:
    first, layers = found[0]
    worst = min(layers, key=lambda name: first.norms[first.layers.index(name)])
    start = first.layers.index(worst)
    lost = first.norms[start] / first.norms[start:].max()
    hop = float(np.median(first.hops[start:]))
    evidence = (
        f"the signal ‖∂L/∂A‖ changes by a factor of {hop:.2g} per layer and only {lost:.1e} of it "
        f"arrives at '{worst}' (seen in {len(found)} of {epochs} epochs)"
        f"{_update_evidence(history, first, worst)}"
    )
    if outcome.progress is not None:
        learned = max(outcome.progress, 0.0)
        evidence += f"; the run has got rid of {learned:.0%} of a constant's loss"
    infos = {info.name: info for info in history.layers}
    hidden = [infos[name] for name in first.layers[:-1]]
    advice, remedies = _advice(hidden, history)
    return Finding(
        case.kind,
        worst,
        first.epoch,
        first.step,
        evidence + ".",
        advice,
        layers,
        severity=case.severity if lost >= STARVED or case.severity != NOTE else NOTE,
        confidence=0.9 if lost < STARVED else 0.8,
        remedies=remedies,
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
    "softmax": "the slopes of a softmax over many units are near 0",
    "tanh": "tanh' is below 1 everywhere but at 0",
    "softsign": "its slope is below 1 everywhere but at 0",
}


def _advice(
    hidden: list[LayerInfo], history: GradientHistory
) -> tuple[str, tuple[remedy.Remedy, ...]]:
    squashing = [info for info in hidden if info.activation in _SQUASHING]
    small = [info for info in hidden if initial_size(info, history) < SMALL_START]
    if small and not any(i.activation in ("sigmoid", "softmax") for i in hidden):
        relu = small[0].activation == "relu"
        fix = remedy.initialize("he_normal" if relu else "glorot_uniform")
        text = (
            f"Start with larger weights: those of '{small[0].name}' have "
            f"{initial_size(small[0], history):.1e} of the usual size. {fix.text}"
        )
        return text, (fix, remedy.relu(), remedy.normalize())
    if squashing:
        name = str(squashing[0].activation)
        advice = (
            f"Change {name} to ReLU with He initialization (activation='relu', "
            f"kernel_initializer='he_normal') in the {len(squashing)} layers "
            f"'{squashing[0].name}' to '{squashing[-1].name}': {_SQUASHING[name]}, and the factors "
            "multiply."
        )
        return advice, (remedy.relu(), remedy.normalize())
    if any(info.activation == "relu" and "Glorot" in str(info.initializer) for info in hidden):
        advice = (
            "Use He initialization (kernel_initializer='he_normal'): ReLU passes half of the "
            "variance on, and Glorot's does not make up for it."
        )
        return advice, (remedy.initialize("he_normal"), remedy.normalize())
    fix = remedy.normalize()
    return fix.text, (fix, remedy.relu())
