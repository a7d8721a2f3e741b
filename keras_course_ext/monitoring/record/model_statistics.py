"""Statistics of the whole model, computed from those of its weights and outputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import MODEL, SIGNALS, Key
from keras_course_ext.monitoring.record.signal import profiles
from keras_course_ext.monitoring.record.sums import ABSENT, NOT_MEASURED


def per_step(
    keys: Sequence[Key], values: np.ndarray, optimizers: Sequence[Any]
) -> tuple[list[Key], np.ndarray]:
    """Return the global gradient norm and the clipped share of each step.

    Args:
        keys: What the columns of `values` are, of all weights of the model.
        values: Shape `(steps, len(keys))`.
        optimizers: The optimizer that made each step, whose clipping it is; None if unknown.

    Returns:
        Keys, and values of shape `(steps, number of keys)`.
    """
    norms = _columns(keys, values, "grad_norm")
    absent = norms == np.float32(ABSENT)
    if absent.all():
        return [], np.empty((len(values), 0))
    norms[absent] = 0.0
    measured = norms != np.float32(NOT_MEASURED)
    total = np.sqrt((norms**2).sum(axis=1, where=measured))
    # Where some norms were not measured, the total is known only if it is not finite.
    total[~measured.all(axis=1) & np.isfinite(total)] = NOT_MEASURED
    found = {"grad_norm": total}
    largest = _columns(keys, values, "grad_max_abs")
    share = np.full(len(values), float(np.float32(ABSENT)))
    for optimizer in {id(o): o for o in optimizers}.values():
        at = np.array([o is optimizer for o in optimizers])
        given = ~absent[at].all(axis=0)  # another optimizer trains the other weights
        of = norms[at][:, given], largest[at][:, given[: largest.shape[1]]], total[at]
        clipped = _clipped_share(*of, optimizer)
        if clipped is not None:
            share[at] = clipped
    if (share != np.float32(ABSENT)).any():
        found["clipped_share"] = share
    return [Key(*MODEL, name) for name in found], np.stack(list(found.values()), axis=1)


def per_epoch(history: GradientHistory) -> tuple[list[Key], np.ndarray]:
    """Return the signal's decay per layer and the gradient noise of an epoch, from its record.

    The decay is (s₁ / s_L)^(1 / (L − 1)) for the signal s_l = ‖∂L/∂A_l‖ of L layers with a
    kernel, the noise the standard deviation of the global gradient norm over its mean.
    """
    found: dict[str, float] = {}
    profile = list(profiles(history))
    if profile and len(profile[0].norms) > 1 and profile[0].norms[-1] > 0:
        norms = profile[0].norms
        found["signal_decay"] = float((norms[0] / norms[-1]) ** (1 / (len(norms) - 1)))
    if history.has(*MODEL):
        total = history.series(*MODEL)[2]
        now = total[np.isfinite(total)].astype(np.float64)
        if len(now) > 1 and now.mean() > 0:
            found["grad_noise"] = float(now.std() / now.mean())
    return [Key(*MODEL, name) for name in found], np.array(list(found.values()))


def _columns(keys: Sequence[Key], values: np.ndarray, statistic: str) -> np.ndarray:
    at = [i for i, k in enumerate(keys) if k.statistic == statistic and k.tensor not in SIGNALS]
    return values[:, at].astype(np.float64)


def _clipped_share(
    norms: np.ndarray, largest: np.ndarray, total: np.ndarray, optimizer: Any
) -> np.ndarray | None:
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if getattr(optimizer, "gradient_accumulation_steps", None):
        return None  # the mean of several batches is clipped, and that is not recorded
    if getattr(optimizer, "clipnorm", None):
        return (norms > optimizer.clipnorm).mean(axis=1)
    if getattr(optimizer, "global_clipnorm", None):
        return (total > optimizer.global_clipnorm).astype(np.float64)
    if getattr(optimizer, "clipvalue", None) and largest.shape[1]:
        return (largest > optimizer.clipvalue).mean(axis=1)
    return None
