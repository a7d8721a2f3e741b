"""Records of runs whose figures are known."""

import numpy as np

from keras_course_ext.monitoring import GradientHistory, Key, LayerInfo

LAYERS = 9


def history_of(rate, steps=30, count=LAYERS):
    """A network of sigmoids whose signal and weight gradients change by a rate per layer."""
    layers = [LayerInfo(f"h{i}", activation="sigmoid") for i in range(count - 1)]
    history = GradientHistory([*layers, LayerInfo("out", activation="softmax")])
    keys = [Key(x.name, t, "grad_norm") for x in history.layers for t in ("kernel", "output")]
    signal = rate ** np.arange(count - 1, -1, -1.0)
    history.append(range(steps), [0] * steps, keys, np.tile(np.repeat(signal, 2), (steps, 1)))
    return history
