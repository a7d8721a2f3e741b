"""What a monitor must record, computed by a training loop that does not use the monitor.

The loop runs on one device, one batch after the other. Each layer's output is caught while its own
`call` runs, a GradientTape computes ∂L/∂A and ∂L/∂W, the weights are read before and after the
optimizer's `apply`, and every figure is then made of these arrays in float64 NumPy. In float32 it
is eager, whatever it is compared with. bfloat16 has 8 bits, and Keras's own gradients of one model
differ by up to 3e-2 between eager mode, a graph and XLA; so there the tape's step is compiled as
the monitored one is. Two
replicas are two halves of the batch under one tape: L is the mean of their losses. Keras's
optimizers clip what one replica has before they sum over the replicas; ours clip the sum.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from monitor_models import BATCH, STEPS

import keras_course_ext as kce
from keras_course_ext.monitoring import Key
from keras_course_ext.monitoring.capture.layers import layer_entries

Figures = dict[Key, float]

# |f'| < 1 % of its maximum, with the derivative written in terms of the output.
SATURATED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": lambda a: 1 - a**2 < 0.01,
    "relu": lambda a: a == 0,
    "softmax": lambda a: a * (1 - a) < 0.01 / 4,
}
LAYERS = {"ReLU": "relu", "Softmax": "softmax"}
PLAIN = ("Dense", "Conv2D", "EinsumDense")
"""Classes of layers whose output is that of their activation; that of an RNN is not."""


def steps(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    replicas: int,
    epochs: int,
    mode: str = "eager",
) -> list[Figures]:
    """Train a model by hand and return the figures of every step, those of a window at its last.

    Args:
        model: A compiled model; it ends up trained.
        x: An epoch of input.
        y: Its targets.
        replicas: Into how many parts a batch is cut.
        epochs: How often to go through them.
        mode: `"eager"` (default), `"graph"` or `"jit"`: how the tape's step is run.
    """
    found = []
    run: Callable = partial(_taken, model)
    if mode != "eager":
        model.optimizer.build(model.trainable_variables)
        run = tf.function(run, jit_compile=mode == "jit", autograph=False)
    for _ in range(epochs):
        window: list[Figures] = []
        live: dict[str, Any] = {}
        for batch in range(STEPS):
            part = slice(batch * BATCH, (batch + 1) * BATCH)
            cut = [
                (tf.constant(a), tf.constant(b))
                for a, b in zip(
                    np.split(x[part], replicas), np.split(y[part], replicas), strict=True
                )
            ]
            scale = float(model.optimizer.scale_loss(1.0))
            window.append(_figures(model, run(cut), scale, live))
        window[-1] |= _of_window(model, window, live)
        found += window
    return found


def _taken(model: Any, parts: Sequence[tuple[tf.Tensor, tf.Tensor]]) -> dict[str, Any]:
    """Make one step, and return the tensors from which its figures are computed."""
    entries = _entries(model)
    outputs: dict[str, list[Any]] = {}
    for e in entries:
        e.layer.call = _caught(e.layer.call, outputs.setdefault(e.name, []))
    with tf.GradientTape(persistent=True) as tape:
        losses = [model.compute_loss(x=a, y=b, y_pred=model(a, training=True)) for a, b in parts]
        of_parts = [model.optimizer.scale_loss(part / len(parts)) for part in losses]
        scaled = tf.add_n(of_parts)
    for e in entries:
        del e.layer.call
    weights = model.trainable_variables
    # Sparse gradients stay sparse: Keras applies repeated rows one after the other.
    raw = tape.gradient(scaled, weights)
    before = [tf.identity(tf.convert_to_tensor(w)) for w in weights]
    rule = _rule(model.optimizer)
    clips = rule.clipnorm or rule.global_clipnorm
    if clips and len(parts) > 1 and not isinstance(rule, kce.optimizers.RuleOptimizer):
        each = [tape.gradient(part, weights) for part in of_parts]
        _apply_clipped(model.optimizer, each, weights)
    else:
        model.optimizer.apply(raw, weights)
    return {
        "gradients": [tf.convert_to_tensor(g) for g in raw],
        "before": before,
        "after": [tf.identity(tf.convert_to_tensor(w)) for w in weights],
        # Attention without dropout has a Dropout that it never calls.
        "outputs": {name: of_layer for name, of_layer in outputs.items() if of_layer},
        "signals": {
            name: _signals(of_layer, tape, scaled, weights) for name, of_layer in outputs.items()
        },
    }


def _signals(
    outputs: Sequence[Any], tape: tf.GradientTape, loss: Any, weights: Any
) -> dict[str, list[Any]]:
    """Return ∂L/∂A of a layer's outputs, or of their logits, by tensor."""
    if not outputs or all(g is None for g in tape.gradient(list(outputs), weights)):
        return {}
    # Where the loss is computed from the logits, the output itself gets no gradient.
    logits = [getattr(o, "_keras_logits", None) for o in outputs]
    for tensor, at in (("output", list(outputs)), ("logits", [z for z in logits if z is not None])):
        found = [g for g in tape.gradient(loss, at) if g is not None]
        if found:
            return {tensor: found}
    return {}


def _figures(model: Any, taken: dict[str, Any], scale: float, live: dict[str, Any]) -> Figures:
    step: dict[Key, Any] = {}
    norms = []
    index = {id(w): i for i, w in enumerate(model.trainable_variables)}
    gradients, before, after = (
        [_array(x) for x in taken[name]] for name in ("gradients", "before", "after")
    )
    for e in _entries(model):
        for tensor, w in e.weights.items():
            i = index[id(w)]
            figures = _of_weight(gradients[i] / scale, before[i], after[i])
            step |= {Key(e.name, tensor, name): v for name, v in figures.items()}
            norms.append(figures["grad_norm"])
        if e.name in taken["outputs"]:
            step |= _of_output(e, taken["outputs"][e.name], live)
        for tensor, signals in taken["signals"].get(e.name, {}).items():
            norm = np.linalg.norm(np.concatenate([_array(g).ravel() for g in signals])) / scale
            step[Key(e.name, tensor, "grad_norm")] = norm
    step[Key("", "model", "grad_norm")] = np.linalg.norm(norms)
    share = _clipped_share(model.optimizer, norms)
    if share is not None:
        step[Key("", "model", "clipped_share")] = share
    return {key: float(v) for key, v in step.items()}


def _entries(model: Any) -> list[Any]:
    return [e for e in layer_entries(model) if not isinstance(e.layer, keras.Model)]


def _caught(call: Callable, outputs: list[Any]) -> Callable:
    def caught(*args: Any, **kwargs: Any) -> Any:
        output = call(*args, **kwargs)
        outputs.extend(a for a in keras.tree.flatten(output) if a.dtype.is_floating)
        return output

    return caught


def _apply_clipped(optimizer: Any, of_parts: list[Any], weights: Any) -> None:
    """Clip the unscaled gradients of each part separately, and make a step by their sum.

    Keras takes the norm of a gradient that consists of rows before those of one token are summed,
    and a global norm makes a dense gradient of them.
    """
    rule = _rule(optimizer)
    each, total = rule.clipnorm, rule.global_clipnorm
    scale = tf.cast(optimizer.scale_loss(1.0), tf.float64)
    limit, one = tf.constant(each or total, tf.float64) * scale, tf.constant(1.0, tf.float64)
    clipped = []
    for gradients in of_parts:
        norms = [tf.norm(tf.cast(_values(g), tf.float64)) for g in gradients]
        if total:
            norms = [tf.norm(tf.stack(norms))] * len(norms)
            gradients = [tf.convert_to_tensor(g) for g in gradients]
        factors = [tf.minimum(one, tf.math.divide_no_nan(limit, n)) for n in norms]
        clipped.append([_times(g, f) for g, f in zip(gradients, factors, strict=True)])
    rule.clipnorm = rule.global_clipnorm = None
    optimizer.apply([_sum(parts) for parts in zip(*clipped, strict=True)], weights)
    rule.clipnorm, rule.global_clipnorm = each, total


def _rule(optimizer: Any) -> Any:
    """Return the optimizer inside of a loss scaling one."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def _values(gradient: Any) -> tf.Tensor:
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


def _times(gradient: Any, factor: tf.Tensor) -> Any:
    values = tf.cast(tf.cast(_values(gradient), tf.float64) * factor, tf.float32)
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
    return values


def _sum(gradients: Sequence[Any]) -> Any:
    first = gradients[0]
    if isinstance(first, tf.IndexedSlices):
        values, indices = (
            tf.concat([getattr(g, name) for g in gradients], axis=0)
            for name in ("values", "indices")
        )
        return tf.IndexedSlices(values, indices, first.dense_shape)
    return tf.add_n(gradients)


def _of_weight(g: np.ndarray, before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    size = np.linalg.norm(before)
    return {
        "grad_norm": np.linalg.norm(g),
        "grad_mean_abs": np.abs(g).mean(),
        "grad_max_abs": np.abs(g).max(),
        "grad_zero_share": (g == 0).mean(),
        "grad_non_finite": (~np.isfinite(g)).sum(),
        "weight_norm": size,
        "update_ratio": np.linalg.norm(after - before) / size if size else 0.0,
    }


def _of_output(entry: Any, outputs: Sequence[tf.Tensor], live: dict[str, Any]) -> Figures:
    a = np.concatenate([_array(output).ravel() for output in outputs])
    figures = {"mean": a.mean(), "std": a.std(), "zero_share": (a == 0).mean()}
    kind = type(entry.layer).__name__
    activation = entry.info.activation if kind in PLAIN else LAYERS.get(kind)
    if activation in SATURATED:
        figures["saturated_share"] = SATURATED[activation](a).mean()
    if activation == "relu":
        units = np.concatenate([x.reshape(-1, x.shape[-1]) for x in map(_array, outputs)])
        live[entry.name] = live.get(entry.name, False) | (units != 0).any(axis=0)
    return {Key(entry.name, "output", name): value for name, value in figures.items()}


def _clipped_share(optimizer: Any, norms: list[float]) -> float | None:
    rule = _rule(optimizer)
    if rule.clipnorm:
        return float(np.mean(np.array(norms) > rule.clipnorm))
    if rule.global_clipnorm:
        return float(np.linalg.norm(norms) > rule.global_clipnorm)
    return None


def _of_window(model: Any, window: list[Figures], live: dict[str, Any]) -> Figures:
    found = {
        Key(name, "output", "dead_units"): float((~alive).sum()) for name, alive in live.items()
    }
    total = np.array([step[Key("", "model", "grad_norm")] for step in window])
    found[Key("", "model", "grad_noise")] = float(total.std() / total.mean())
    signals = [
        np.median([step[key] for step in window])
        for e in layer_entries(model)
        if "kernel" in e.weights
        for tensor in ("output", "logits")
        if (key := Key(e.name, tensor, "grad_norm")) in window[0]
    ]
    if len(signals) > 1:
        decay = (signals[0] / signals[-1]) ** (1 / (len(signals) - 1))
        found[Key("", "model", "signal_decay")] = float(decay)
    return found


def _array(value: Any) -> np.ndarray:
    return np.asarray(tf.cast(tf.convert_to_tensor(value), tf.float64))
