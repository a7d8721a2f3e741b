"""Updates out of proportion: each step moves the weights too far, or hardly at all."""

import numpy as np

from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.record.epochs import Epochs, medians
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Key

# About 10⁻³ a step is usual. At 10⁻¹ ten steps replace the weights; at 10⁻⁵ it takes 10⁵ steps.
LARGE = 1e-1
SMALL = 1e-5


def find(history: GradientHistory) -> list[Finding]:
    """Find kernels that each step moves too far, or a run that hardly moves any.

    With r = ‖ΔW‖ / ‖W‖, median over an epoch's updates: r > 10⁻¹ in the last epoch is too large.
    Too small is r < 10⁻⁵ for every kernel with a gradient, in every epoch since training began:
    when training converges the ratio falls without a fault, and one layer that falls behind the
    others is found by the rule `vanishing`.
    """
    found = {
        info.name: medians(history, Key(info.name, tensor, "update_ratio"), nonzero=True)
        for info in history.layers
        for tensor in info.main_weights
        if history.has(info.name, tensor, "update_ratio")
        and _has_gradient(history, info.name, tensor)
    }
    found = {name: epochs for name, epochs in found.items() if len(epochs.epochs)}
    return _large(found) or _small(found, history)


def _has_gradient(history: GradientHistory, layer: str, tensor: str) -> bool:
    if not history.has(layer, tensor):
        return False
    norms = history.series(layer, tensor)[2]
    return bool(np.nanmedian(np.where(np.isfinite(norms), norms, 0.0)) > 0)


def _large(found: dict[str, Epochs]) -> list[Finding]:
    since = {name: e.since(e.medians > LARGE) for name, e in found.items()}
    names = tuple(name for name, at in since.items() if at is not None)
    if not names:
        return []
    worst = max(names, key=lambda name: found[name].medians[-1])
    epochs, at = found[worst], since[worst]
    evidence = (
        f"a step changes the kernel of '{worst}' by {epochs.medians[-1]:.1e} of its norm (median "
        f"of the last epoch), where 1e-03 is usual: what it learned lasts for a few steps."
    )
    advice = "Lower the learning rate by a factor of ten, or clip with global_clipnorm=1.0."
    return [
        Finding(
            "large_updates",
            worst,
            int(epochs.epochs[at]),
            int(epochs.steps[at]),
            evidence,
            advice,
            names,
        )
    ]


def _small(found: dict[str, Epochs], history: GradientHistory) -> list[Finding]:
    # A resumed run may have converged before.
    resumed = len(history.steps) and history.steps[0] > 0
    if not found or resumed or any(e.medians.max() >= SMALL for e in found.values()):
        return []
    best = max(found, key=lambda name: found[name].medians.max())
    fastest = found[best].medians.max()
    evidence = (
        f"a step changes no kernel by more than {fastest:.1e} of its norm (medians of the "
        f"epochs; '{best}' moves most), where 1e-03 is usual, and did so from the beginning on."
    )
    advice = "Raise the learning rate, by factors of ten until the ratio is about 1e-03."
    epochs = found[best]
    return [
        Finding(
            "small_updates",
            best,
            int(epochs.epochs[0]),
            int(epochs.steps[0]),
            evidence,
            advice,
            tuple(found),
        )
    ]
