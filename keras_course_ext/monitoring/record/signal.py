"""The signal that flows back: how ‖∂L/∂A‖ changes from layer to layer, epoch by epoch."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from keras_course_ext.monitoring.record.epochs import group_medians
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import SIGNALS, Key


@dataclass(frozen=True)
class SignalProfile:
    """The back-propagated signal of one epoch, over the layers that have a kernel.

    Attributes:
        epoch: The epoch.
        step: Its first recorded step.
        layers: Names of the layers, in forward order; L of them.
        norms: Median of ‖∂L/∂A‖ over the epoch's steps, shape `(L,)`.
    """

    epoch: int
    step: int
    layers: tuple[str, ...]
    norms: np.ndarray

    @property
    def hops(self) -> np.ndarray:
        """Ratio of each layer's signal to the next one's toward the output, shape `(L - 1,)`."""
        return ratio(self.norms[:-1], self.norms[1:])


def profiles(history: GradientHistory) -> Iterator[SignalProfile]:
    """Yield the signal profile of every epoch, from the finite steps of it.

    Layers without a kernel (activations, dropout, flatten) are left out: a hop goes from one layer
    with a kernel to the next, its activation included, as in theory. Of an output layer the
    gradient of its logits counts where the loss is computed from them.
    """
    keys = signal_keys(history)
    if not keys:
        return
    for keys_then, steps, epochs, signals in _parts(history, keys):
        signals = signals.astype(np.float64)  # a product of thirty sigmoids is still a number there
        finite = np.isfinite(signals).all(axis=0)
        layers = tuple(key.layer for key in keys_then)
        found, first, group = np.unique(epochs[finite], return_index=True, return_inverse=True)
        norms = np.array([group_medians(group, row) for row in signals[:, finite]])
        for i, (epoch, step) in enumerate(zip(found, steps[finite][first], strict=True)):
            yield SignalProfile(int(epoch), int(step), layers, norms[:, i])


def _parts(
    history: GradientHistory, keys: list[Key]
) -> Iterator[tuple[list[Key], np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the signals of the steps that have all of them.

    Layers that are frozen or trained again from one fit to the next begin another part: those that
    have a signal there are then all.
    """
    bounds = np.array([fit.step for fit in history.fits[1:]], np.int64)
    if not len(bounds):
        yield keys, *history.matrix(keys)
        return
    # Which signals each fit has, and the fits that have others than the one before.
    series = [history.series(*key)[0] for key in keys]
    numbers = [
        np.diff(np.searchsorted(steps, bounds), prepend=0, append=len(steps)) for steps in series
    ]
    there = np.array(numbers) > 0
    changes = np.flatnonzero((there[:, 1:] != there[:, :-1]).any(axis=0))
    bounds, there = bounds[changes], there[:, [0, *(changes + 1)]]
    edges = [0, *bounds.tolist(), np.iinfo(np.int64).max]
    for (first, stop), recorded in zip(pairwise(edges), there.T, strict=True):
        then = [key for key, is_there in zip(keys, recorded, strict=True) if is_there]
        if then:
            steps, epochs, signals = history.matrix(then)
            at = (steps >= first) & (steps < stop)
            yield then, steps[at], epochs[at], signals[:, at]


def signal_keys(history: GradientHistory) -> list[Key]:
    """Return the key of ∂L/∂A of every layer with a kernel, in forward order."""
    return [
        Key(info.name, tensor, "grad_norm")
        for info in history.layers
        if info.main_weights
        for tensor in SIGNALS
        if history.has(info.name, tensor)
    ]


def ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a / b, with 0 / 0 as 1 (no signal came in, none was lost) and a / 0 as infinity."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((a == 0) & (b == 0), 1.0, a / b)
