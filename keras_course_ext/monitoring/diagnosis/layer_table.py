"""The figures of every layer with trainable weights, for the report, its page and programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from keras_course_ext.monitoring.diagnosis.finding import Finding, states
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import ROLES, Key, LayerInfo
from keras_course_ext.monitoring.record.signal import signal_keys

OK, NO_GRADIENT, NOT_RECORDED = "ok", "no gradient", "not recorded"

OF_OUTPUT = ("zero_share", "saturated_share", "dead_units")
"""Statistics of a layer's output that its row has where they were recorded."""


class Weight(NamedTuple):
    """A trainable weight of a layer."""

    name: str
    role: str


@dataclass(frozen=True)
class LayerRow:
    """The figures of one layer: medians over the finite values of the last recorded epoch.

    A figure is None where it was not recorded, and NaN where no value of it was finite.

    Attributes:
        layer: The layer.
        weight: The weight that stands for it: its kernel or, without one, its embedding, scale or
            bias.
        grad_norm: ‖∂L/∂W‖ of that weight.
        signal: ‖∂L/∂A‖ as a share of what it is at the output.
        update_ratio: ‖ΔW‖ / ‖W‖ of that weight.
        zero_share: Share of its output that is 0.
        saturated_share: Share of its output at which the activation function is flat.
        dead_units: Number of its units that are always 0.
        state: A word: `"ok"`, or what a finding says of the layer.
    """

    layer: LayerInfo
    weight: Weight
    grad_norm: float | None
    signal: float | None
    update_ratio: float | None
    zero_share: float | None
    saturated_share: float | None
    dead_units: float | None
    state: str


def layer_rows(history: GradientHistory, findings: Sequence[Finding]) -> list[LayerRow]:
    """Return a row for each layer with trainable weights, in forward order.

    Args:
        history: The record.
        findings: What `diagnose` found in it.
    """
    words = states(findings)
    at_output = signal_at_output(history)
    rows = []
    for info in history.layers:
        if not info.weights:
            continue
        weight = _shown_weight(info)
        signal = last_median(history, _signal_key(history, info.name))
        share = None if signal is None else signal / at_output if at_output else np.nan
        of_output = {
            name: last_median(history, Key(info.name, "output", name)) for name in OF_OUTPUT
        }
        rows.append(
            LayerRow(
                layer=info,
                weight=weight,
                grad_norm=last_median(history, Key(info.name, weight.name, "grad_norm")),
                signal=share,
                update_ratio=last_median(history, Key(info.name, weight.name, "update_ratio")),
                state=words.get(info.name) or _state(history, info.name, weight.name),
                **of_output,
            )
        )
    return rows


def signal_at_output(history: GradientHistory) -> float:
    """Return the signal ‖∂L/∂A‖ at the last layer with a kernel; NaN if it was not recorded."""
    keys = signal_keys(history)
    value = last_median(history, keys[-1]) if keys else None
    return np.nan if value is None else value


def last_median(history: GradientHistory, key: Key) -> float | None:
    """Return the median over the finite values of the last epoch.

    Returns:
        None if there is no record of the key, NaN if none of its values is finite.
    """
    if not history.has(*key):
        return None
    _, epochs, values = history.series(*key)
    last = values[(epochs == epochs[-1]) & np.isfinite(values)]
    return float(np.median(last.astype(np.float64))) if len(last) else np.nan


def _shown_weight(info: LayerInfo) -> Weight:
    """Return the weight that stands for a layer: the first of the most important role."""
    weights = map(Weight, info.weights, info.roles)
    return min(weights, key=lambda weight: ROLES.index(weight.role))


def _state(history: GradientHistory, layer: str, weight: str) -> str:
    if history.has(layer, weight):
        return OK
    # Of a weight without gradient there are the other statistics, but not if the monitor was told
    # to keep the record of other layers only, or to keep the norms of gradients only.
    others = any(key[:2] == (layer, weight) for key in history.keys)
    return NO_GRADIENT if others else NOT_RECORDED


def _signal_key(history: GradientHistory, layer: str) -> Key:
    logits = Key(layer, "logits", "grad_norm")
    return logits if history.has(*logits) else Key(layer, "output", "grad_norm")
