"""The expected ratio of ‖∂L/∂A‖ from layer to layer at initialization."""

from collections.abc import Sequence

import numpy as np

from keras_course_ext.monitoring.record.activation_layers import ACTIVATION_LAYERS
from keras_course_ext.monitoring.record.schema import LayerInfo
from keras_course_ext.plotting._records import positive

# n Var(W) for n inputs.
_GAIN: dict[str | None, float] = {
    "LecunUniform": 1.0,
    "LecunNormal": 1.0,
    "HeUniform": 2.0,
    "HeNormal": 2.0,
}
# E[f'(z)²]: exact for ReLU and linear, an upper bound for the others, reached at z = 0.
_SLOPE = {"linear": 1.0, None: 1.0, "relu": 0.5, "sigmoid": 1 / 16, "tanh": 1.0, "softsign": 1.0}
_EXACT = {"linear", None, "relu"}
_WITH_KERNEL = {"Dense", "Conv1D", "Conv2D", "Conv3D"}
# Ratio 1: containers, whose layers are listed separately, and layers that only reshape.
_NEUTRAL = {"Sequential", "Functional", "Flatten", "Reshape", "Permute"}


def expected(
    layers: Sequence[LayerInfo], names: Sequence[str], norms: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Return the expected norms, and whether they are exact rather than upper bounds.

    Args:
        layers: All layers in forward order.
        names: The layers whose outputs the norms belong to.
        norms: ‖∂L/∂A‖ of these; the expectation starts from the last but one.
    """
    theory = np.full(len(names), np.nan)
    exact = True
    at = [[info.name for info in layers].index(name) for name in names]
    # Not from the output itself: its ratio depends on the loss and, for softmax, on all its units.
    start = len(names) - 2
    if start < 0:
        return theory, exact
    theory[start] = norms[start]
    for i in range(start - 1, -1, -1):
        passed = layers[at[i] + 1 : at[i + 1] + 1]
        theory[i] = theory[i + 1] * np.prod([rate(info) for info in passed])
        if np.isfinite(theory[i]):
            exact = exact and all(_activation(info) in _EXACT for info in passed)
    return positive(theory), exact


def rate(layer: LayerInfo) -> float:
    """Return the expected factor of ‖∂L/∂A‖ through a layer; NaN if it is unknown."""
    if layer.kind in _NEUTRAL:
        return 1.0
    slope = _SLOPE.get(_activation(layer), np.nan)
    if layer.kind == "Activation" or layer.kind in ACTIVATION_LAYERS:
        return float(np.sqrt(slope))
    if layer.kind not in _WITH_KERNEL:
        return float("nan")
    gain = _GAIN.get(layer.initializer, np.nan)
    if layer.initializer in ("GlorotUniform", "GlorotNormal"):
        # Var(W) = 2 / (n + m) for n inputs and m outputs; m = n if they are unknown.
        gain = 2 / (1 + layer.fan_out / layer.fan_in) if layer.fan_in and layer.fan_out else 1.0
    return float(np.sqrt(gain * slope))


def _activation(layer: LayerInfo) -> str | None:
    return ACTIVATION_LAYERS.get(layer.kind, layer.activation)
