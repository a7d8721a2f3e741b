"""What a monitor refuses, before training starts, and what it says to write instead."""

import keras
import numpy as np
import pytest
from monitored_models import compiled, fit

from keras_course_ext.callbacks import GradientMonitor


class NotAnOptimizer:
    """What somebody might hand over: it has the method and is none of Keras's."""

    def apply(self, grads, variables):
        raise AssertionError


def frozen():
    model, _ = compiled("sequential", "graph")
    model.trainable = False
    return model


def uncompiled():
    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])


def unbuilt():
    return keras.Sequential([keras.layers.Dense(3)])


def ready():
    return compiled("sequential", "graph")[0]


WATCHED = {
    "not Keras's": (ready, NotAnOptimizer(), TypeError, "Received: test_request.NotAnOptimizer"),
    "a name": (ready, "sgd", TypeError, "Received: builtins.str"),
    "none": (uncompiled, None, ValueError, "model.compile\\(optimizer"),
    "nothing to train": (frozen, None, ValueError, "Set `layer.trainable = True`"),
    "not built": (unbuilt, keras.optimizers.SGD, ValueError, "model.build\\(input_shape\\)"),
}


@pytest.mark.parametrize("case", WATCHED)
def test_watch_refuses_before_the_first_step(case):
    build, optimizer, error, message = WATCHED[case]
    optimizer = optimizer() if isinstance(optimizer, type) else optimizer
    with pytest.raises(error, match=message), GradientMonitor().watch(build(), optimizer):
        raise AssertionError("training has started")


LAYERS = {
    "a typing error": (["tanh", "sofmax"], "no layer 'sofmax'. Did you mean 'softmax'?"),
    "nothing near": (["zzz"], "Its layers are: tanh, linear, relu, softmax"),
}


@pytest.mark.parametrize(("layers", "message"), LAYERS.values(), ids=LAYERS.keys())
def test_fit_refuses_layers_that_are_not_there_and_trains_nothing(layers, message):
    model, data = compiled("sequential", "graph")
    before = model.get_weights()
    with pytest.raises(ValueError, match=message.replace("?", "\\?")):
        fit(model, data, callbacks=[GradientMonitor(layers=layers)])
    assert model.optimizer.iterations == 0
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


ARGUMENTS = {
    "period 0": ({"update_freq": 0}, "Write `update_freq=1`"),
    "period text": ({"update_freq": "batch"}, "Received: update_freq='batch'"),
    "period fraction": ({"update_freq": 2.0}, "Received: update_freq=2.0"),
    "statistic": ({"statistics": ["weigth_norm"]}, "Did you mean 'weight_norm'"),
    "one statistic": ({"statistics": "mean"}, "Write `statistics=\\['mean'\\]`"),
    "statistics a number": ({"statistics": 3}, "Received: 3"),
    "statistics None": ({"statistics": None}, "Received: None"),
    "histograms": ({"histograms": -1}, "Write `histograms=50`"),
    "histograms True": ({"histograms": True}, "Received: histograms=True"),
    "layers a name": ({"layers": "tanh"}, "Write `layers=\\['tanh'\\]`"),
    "layers a number": ({"layers": 2}, "Received: 2"),
}


@pytest.mark.parametrize(("arguments", "message"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_arguments_are_refused_when_the_monitor_is_made(arguments, message):
    with pytest.raises(ValueError, match=message):
        GradientMonitor(**arguments)
