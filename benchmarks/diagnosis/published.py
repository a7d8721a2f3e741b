"""The rules of published tools as pure functions of a record.

Each says whether it would report something. What a tool reads that a record does not hold (each
activation, accuracies of its own) is replaced by the nearest statistic, as the comments say.
"""

from collections.abc import Callable, Iterator

import numpy as np

from keras_course_ext.monitoring import GradientHistory, Key
from keras_course_ext.monitoring.diagnosis.outcome import outcome_of


def _series(history: GradientHistory, statistic: str, weights: bool) -> Iterator[np.ndarray]:
    """Yield the values of a statistic of each kernel, or of each output, in forward order."""
    for info in history.layers:
        for tensor in info.main_weights if weights else ("output",):
            if history.has(*Key(info.name, tensor, statistic)):
                yield history.series(info.name, tensor, statistic)[2].astype(np.float64)


def _not_finite(history: GradientHistory) -> bool:
    return any(not np.isfinite(x).all() for x in _series(history, "grad_norm", True))


def sagemaker(history: GradientHistory) -> bool:
    """Amazon SageMaker Debugger: vanishing, exploding, dead ReLU, saturation, update ratio."""
    vanishing = any((x < 1e-7).any() for x in _series(history, "grad_mean_abs", True))
    dead = any(
        history.has(i.name, "output", "dead_units")
        and i.units
        and history.series(i.name, "output", "dead_units")[2][-1] > 0.5 * i.units
        for i in history.layers
    )
    saturated = any((x > 0.5).any() for x in _series(history, "saturated_share", False))
    ratios = list(_series(history, "update_ratio", True))
    updates = any(((x[x > 0] < 1e-8) | (x[x > 0] > 10)).any() for x in ratios)
    return _not_finite(history) or vanishing or dead or saturated or updates


def autotrainer(history: GradientHistory) -> bool:
    """AutoTrainer (ICSE 2021); it looks only where the accuracy or the loss is bad."""
    outcome = outcome_of(history)
    if not outcome.below(0.6, unknown=True):
        return False
    norms = [x[-1] for x in _series(history, "grad_norm", True) if len(x)]
    if _not_finite(history) or not norms:
        return True
    ratio = norms[0] / max(norms[-1], 1e-30)
    zeros = [x[-1] for x in _series(history, "grad_zero_share", True) if len(x)]
    losses = outcome.losses
    rises = (np.diff(losses) > 0).mean() if len(losses) > 1 else 0.0
    slow = len(losses) > 1 and losses[-1] > 0.99 * losses[0]
    vanishing = ratio < 1e-3 and norms[0] < 1e-4
    return bool(vanishing or ratio > 70 or max(zeros) >= 0.7 or rises > 0.3 or slow)


def deepdiagnosis(history: GradientHistory) -> bool:
    """DeepDiagnosis (ICSE 2022): vanishing, dead nodes, saturation, numerical error, unchanged."""
    vanishing = any((x < 1e-7).any() for x in _series(history, "grad_mean_abs", True))
    dead = any(x[-1] >= 0.7 for x in _series(history, "zero_share", False) if len(x))
    saturated = any((x > 0.5).any() for x in _series(history, "saturated_share", False))
    zero_mean = any((x == 0).any() for x in _series(history, "mean", False))
    ratios = [x[x > 0] for x in _series(history, "update_ratio", True)]
    steps = any(((x < 1e-5) | (x > 1e-1)).any() for x in ratios)
    losses = outcome_of(history).losses
    unchanged = len(losses) > 5 and np.ptp(losses[-5:]) < 1e-4 * abs(losses[-1])
    return bool(
        _not_finite(history) or vanishing or dead or saturated or zero_mean or steps or unchanged
    )


def umlaut(history: GradientHistory) -> bool:
    """UMLAUT (CHI 2021): inputs outside of [-1, 1], learning rate, accuracy."""
    outcome = outcome_of(history)
    outside = any(x.smallest < -1 or x.largest > 1 for x in outcome.inputs)
    rate = outcome.learning_rate
    out_of_range = rate is not None and not 1e-7 <= rate <= 0.01
    return outside or out_of_range or _not_finite(history)


def deepchecker(history: GradientHistory) -> bool:
    """TheDeepChecker (2022): update ratio, dead and badly scaled activations."""
    ratios = [x[x > 0] for x in _series(history, "update_ratio", True)]
    with np.errstate(divide="ignore"):
        logs = [np.log10(np.median(x)) for x in ratios if len(x)]
    updates = any(not -4 <= x <= -1 for x in logs)
    stds = [x[-1] for x in _series(history, "std", False) if len(x)]
    dead = any(x < 1e-5 for x in stds)
    scaled = any(not 0.5 <= x <= 2 for x in stds[:-1])
    return _not_finite(history) or updates or dead or scaled


PUBLISHED: dict[str, Callable[[GradientHistory], bool]] = {
    "SageMaker": sagemaker,
    "AutoTrainer": autotrainer,
    "DeepDiagnosis": deepdiagnosis,
    "UMLAUT": umlaut,
    "TheDeepChecker": deepchecker,
}
"""Whether each tool would report something, by its name."""
