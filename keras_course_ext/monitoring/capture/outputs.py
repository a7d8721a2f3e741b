"""The outputs of a model: their activation function, loss and targets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras

from keras_course_ext.monitoring.capture.layer_graph import is_activation, output_chains
from keras_course_ext.monitoring.capture.losses import LossInfo
from keras_course_ext.monitoring.record.activation_layers import ACTIVATION_LAYERS
from keras_course_ext.monitoring.record.activation_ranges import RANGES, out_of_reach
from keras_course_ext.monitoring.record.constant_loss import constant_loss, least_loss
from keras_course_ext.monitoring.record.task import OutputInfo, rounded
from keras_course_ext.monitoring.record.task_summary import target_info


def outputs_of(
    model: Any, names: Sequence[str], losses: Sequence[LossInfo], known: Mapping[int, str]
) -> list[OutputInfo]:
    """Return what is known of the outputs without the data."""
    chains = output_chains(model) or [[]] * len(names)
    tensors = keras.tree.flatten(getattr(model, "outputs", None) or []) or [None] * len(names)
    found = []
    for name, loss, chain, tensor in zip(names, losses, chains, tensors, strict=False):
        layers = [layer for layer in reversed(chain) if id(layer) in known]
        active = [layer for layer in chain if _activation(layer) not in (None, "linear")]
        at = active[:1] or [layer for layer in chain if layer.weights]
        shape = None if tensor is None else tuple(tensor.shape[1:])
        found.append(
            OutputInfo(
                name=name,
                layer=known.get(id(at[0]), "") if at else "",
                layers=tuple(known[id(layer)] for layer in layers),
                activation=_activation_of(chain),
                units=shape[-1] if shape else (1 if shape == () else None),
                shape=shape,
                loss=loss.name,
                from_logits=loss.from_logits,
            )
        )
    return found


def _activation_of(chain: Sequence[keras.Layer]) -> str | None:
    """Return the activation function of an output; None if it is unknown."""
    if not chain or not chain[-1].weights:
        return None
    names = [_activation(layer) for layer in chain]
    # A layer behind the activation that has none itself passes its values on.
    if names[-1] is None:
        return None
    active = [name for name in names if name not in (None, "linear")]
    if any(name not in RANGES for name in active):
        return None
    return str(active[0]) if active else ("linear" if names[-1] == "linear" else None)


def _activation(layer: Any) -> str | None:
    if isinstance(layer, keras.layers.TimeDistributed):
        return _activation(layer.layer)
    if isinstance(layer, keras.layers.Bidirectional):
        joins = getattr(layer, "merge_mode", None)
        return _activation(layer.forward_layer) if joins in ("concat", "ave") else "unknown"
    if isinstance(layer, keras.layers.RNN):
        # The gates of an LSTM or a GRU only make smaller what its activation gives.
        name = getattr(getattr(layer, "activation", None), "__name__", "unknown")
        return name if name in RANGES and name != "linear" else "unknown"
    name = getattr(getattr(layer, "activation", None), "__name__", None)
    if name is None and is_activation(layer):
        return ACTIVATION_LAYERS.get(type(layer).__name__, "leaky_relu")
    return {"swish": "silu"}.get(name, name) if name else None


def with_targets(output: OutputInfo, loss: LossInfo, y: Any, w: Any) -> OutputInfo:
    """Return an output with what its targets show.

    Args:
        output: The output.
        loss: Its loss.
        y: Targets, shape `(samples, ...)`, or None.
        w: Weight of each sample, or None.
    """
    if y is None or not len(y):
        return output
    constant = constant_loss(output.loss, y, w, output.units) if loss.is_mean else None
    least = least_loss(output.loss, y, w)
    # The classes of a sparse loss are numbers of units, not values of them.
    sparse = output.loss == "sparse_categorical_crossentropy"
    missed = None if sparse else out_of_reach(output.activation, y)
    return replace(
        output,
        targets=target_info(y),
        constant_loss=None if constant is None else rounded(constant),
        least_loss=rounded(least),
        out_of_reach=None if missed is None else rounded(missed),
        weighted=w is not None,
    )
