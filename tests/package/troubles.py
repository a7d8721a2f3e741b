"""What goes wrong on purpose: a mistake for every message that the troubleshooting page quotes."""

import pathlib
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_course_ext
from keras_course_ext.monitoring import GradientHistory, Key, LayerInfo
from keras_course_ext.optimizers.rules import momentum_rule

kce: Any = keras_course_ext  # the mistakes would not pass as what they are
X, Y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")


def small(*layers: keras.Layer, loss: str | None = "mse", optimizer: str = "sgd") -> keras.Model:
    model = keras.Sequential(
        [keras.Input((2,), name="x"), *(layers or [kce.layers.Dense(1, name="out")])], name="small"
    )
    if loss:
        model.compile(optimizer, loss)
    return model


def unbuilt() -> keras.Model:
    model = keras.Sequential([keras.layers.Dense(1)], name="small")
    model.compile("sgd", "mse")
    return model


def recorded() -> GradientHistory:
    history = GradientHistory([LayerInfo("dense")])
    history.append([0, 10], [0, 0], [Key("dense", "kernel", "grad_norm")], [[0.5], [0.25]])
    return history


def after_build() -> None:
    optimizer = kce.optimizers.AdamW()
    optimizer.build([keras.Variable([1.0])])
    optimizer.exclude_from_weight_decay(var_names=["bias"])


def another_state() -> None:
    w = keras.Variable([1.0], name="w")
    adam, momentum = kce.optimizers.Adam(), kce.optimizers.Momentum()
    adam.build([w])
    momentum.build([w])
    stored: dict[str, np.ndarray] = {}
    adam.save_own_variables(stored)
    momentum.load_own_variables(stored)


def rule_of_one() -> None:
    class Forgetful(kce.optimizers.Momentum):
        @property
        def rule(self):
            def forgetful_rule(g, w, v, *, lr, mu):
                return momentum_rule(g, w, v, lr=lr, mu=mu)[0]

            return partial(forgetful_rule, mu=self.momentum)

    Forgetful().apply([tf.ones(2)], [keras.Variable([1.0, 1.0])])


def nowhere() -> None:
    optimizer = kce.optimizers.LayerWise(kce.optimizers.Adam(), {"encoder/": 0.1})
    optimizer.build([keras.Variable([1.0], name="kernel")])


def through_a_step() -> None:
    small(kce.layers.Perceptron()).fit(X, Y, verbose=0)


def twice_logits() -> None:
    p = keras.layers.Dense(3, activation="softmax")(X)
    kce.losses.CategoricalCrossentropy(from_logits=True)(np.eye(3)[[0, 1, 2, 0]], p)


def another_model() -> None:
    monitor = kce.callbacks.GradientMonitor()
    for _ in range(2):
        small().fit(X, Y, verbose=0, callbacks=[monitor])


def watched(*arguments) -> None:
    with kce.callbacks.GradientMonitor().watch(*arguments):
        pass


def no_tensorboard() -> None:
    monitor = kce.callbacks.GradientMonitor(sinks=["tensorboard"])
    small().fit(X, Y, verbose=0, callbacks=[monitor])


def no_such_record() -> None:
    pathlib.Path("record.jsonl").write_text("notes of mine\n")
    monitor = kce.callbacks.GradientMonitor(sinks=["record.jsonl"])
    small().fit(X, Y, verbose=0, callbacks=[monitor])


@tf.custom_gradient
def wrong(x):
    return x**2, lambda dy: dy * x


@tf.custom_gradient
def unsummed(x, b):
    return x + b, lambda dy: (dy, dy)


def frozen() -> None:
    model = small()
    model.trainable = False
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0, callbacks=[kce.callbacks.GradientMonitor()])


def no_such_layer() -> None:
    monitor = kce.callbacks.GradientMonitor(layers=["oout"])
    small().fit(X, Y, verbose=0, callbacks=[monitor])


def average_of_adam() -> None:
    small().fit(X, Y, verbose=0, callbacks=[kce.callbacks.AveragedWeights()])


def lost_record() -> None:
    model = small()
    model.fit(X, Y, verbose=0)
    monitor = kce.callbacks.GradientMonitor(resume="record.jsonl")
    model.fit(X, Y, verbose=0, callbacks=[monitor])


TROUBLES = {
    # optimizers
    "spelling": lambda: kce.optimizers.Adam(lr=0.001, decay=0.1),
    "both rates": lambda: kce.optimizers.SGD(0.1, lr=0.01),
    "decay of a schedule": lambda: kce.optimizers.SGD(
        keras.optimizers.schedules.ExponentialDecay(0.1, 100, 0.9), decay=0.1
    ),
    "unknown argument": lambda: kce.optimizers.Adam(beta1=0.9),
    "rate": lambda: kce.optimizers.SGD("0.1"),
    "range": lambda: kce.optimizers.Momentum(momentum=1.5),
    "flag": lambda: kce.optimizers.SGD(nesterov="yes"),
    "convention": lambda: kce.optimizers.Lion(convention="torch"),
    "no optimizer": lambda: kce.optimizers.get("adm"),
    "what is an optimizer": lambda: kce.optimizers.get(3),
    "no decay": lambda: kce.optimizers.AdamW(weight_decay=None),
    "after build": after_build,
    "another state": another_state,
    "wrapped": lambda: kce.optimizers.Lookahead("adam"),
    "pattern": nowhere,
    "lazy": lambda: kce.optimizers.Lamb(lazy=True),
    "rule": rule_of_one,
    "averages": average_of_adam,
    "count": lambda: kce.optimizers.Lookahead(kce.optimizers.Adam(), sync_period=0),
    "two averages": lambda: kce.optimizers.Lookahead(kce.optimizers.ScheduleFreeAdamW()),
    "multipliers": lambda: kce.optimizers.LayerWise(kce.optimizers.Adam(), 0.1),
    # layers and activations
    "no activation": lambda: kce.layers.Dense(1, activation="rleu"),
    "class": lambda: kce.layers.Dense(1, activation=keras.layers.ReLU),
    "slope": lambda: kce.layers.LeakyReLU(negative_slope=-0.1),
    "kernel": lambda: kce.layers.Perceptron(kernel=[1, 1, 1], bias=-1.5)(X),
    "initializer": lambda: kce.layers.Perceptron(kernel=[1, 1], kernel_initializer="zeros"),
    "units": lambda: kce.layers.Perceptron(2, kernel=[1, 2]),
    "step": through_a_step,
    "integers": lambda: kce.ops.sigmoid([1, 2]),
    "sizes": lambda: kce.ops.affine(X, np.ones((3, 1), "float32")),
    "one sample": lambda: kce.ops.affine(X[0], np.ones((2, 1), "float32")),
    "dtypes": lambda: kce.ops.affine(X, np.ones((2, 1))),
    "axis": lambda: kce.ops.softmax(X, axis=2),
    "window": lambda: kce.ops.convolution(np.ones((1, 2, 1)), np.ones((3, 1, 1))),
    # losses
    "no loss": lambda: kce.losses.get("msee"),
    "shapes": lambda: kce.ops.mean_squared_error(np.ones((4, 3)), Y),
    "one-hot": lambda: kce.ops.sparse_categorical_crossentropy(np.eye(3), np.ones((3, 3)) / 3),
    "single class": lambda: kce.ops.categorical_crossentropy(Y, Y),
    "twice logits": twice_logits,
    "smoothing": lambda: kce.ops.binary_crossentropy(Y, Y, label_smoothing=2),
    "criterion": lambda: kce.losses.PerceptronCriterion()(Y, Y),
    # the monitor and its record
    "frequency": lambda: kce.callbacks.GradientMonitor(update_freq=0),
    "statistic": lambda: kce.callbacks.GradientMonitor(statistics=["grad_nrom"]),
    "layers": lambda: kce.callbacks.GradientMonitor(layers="out"),
    "no such layer": no_such_layer,
    "frozen": frozen,
    "no optimizer to watch": lambda: watched(small(loss=None)),
    "optimizer of another kind": lambda: watched(small(loss=None), "adam"),
    "histograms": lambda: kce.callbacks.GradientMonitor(histograms=0),
    "no tensorboard": no_tensorboard,
    "no such record": no_such_record,
    "sinks": lambda: kce.callbacks.GradientMonitor(sinks="record.jsonl"),
    "sink": lambda: kce.callbacks.GradientMonitor(sinks=["record.txt"]),
    "lost record": lost_record,
    "unbuilt": lambda: watched(unbuilt()),
    "unseen": lambda: watched(small()),
    "another model": another_model,
    "epoch": lambda: kce.callbacks.GradientMonitor().epoch(),
    "not recorded": lambda: recorded().series("dense", "bias"),
    "no step": lambda: recorded().select(steps=[5]),
    "slice": lambda: recorded().select(steps=slice(-10, None)),
    "no such name": lambda: recorded().select(layers="dens"),
    "ending": lambda: recorded().save("record.txt"),
    # trace
    "no loss to go back from": lambda: kce.backprop.trace(small(loss=None), X, Y),
    "no weights": lambda: kce.backprop.trace(unbuilt(), X, Y, "mse"),
    "dataset": lambda: kce.backprop.trace(small(), tf.data.Dataset.from_tensors((X, Y)), Y),
    "input": lambda: kce.backprop.trace(small(), np.ones((4, 3)), Y),
    "single": lambda: kce.backprop.trace(small(), X[0], Y[0]),
    "samples": lambda: kce.backprop.trace(small(), X, Y[:2]),
    "target": lambda: kce.backprop.trace(small(), X, np.ones((4, 3)), "mse"),
    "name": lambda: kce.backprop.trace(small(), X, Y)["oout"],
    # gradcheck
    "wrong gradient": lambda: kce.gradcheck(wrong, [3.0]),
    "unsummed": lambda: kce.gradcheck(unsummed, np.ones((2, 2)), np.ones(2)),
    "whole numbers": lambda: kce.gradcheck(wrong, np.array([3])),
    "random": lambda: kce.gradcheck(lambda x: x * np.random.default_rng().normal(), [3.0]),
    "half": lambda: kce.gradcheck(wrong, np.ones(2, "float16")),
    # plotting
    "no trace": lambda: kce.plotting.network("trace.html"),
    "nothing recorded": lambda: kce.plotting.gradients(GradientHistory()),
    "a plane": lambda: kce.plotting.decision_boundary(small(), np.ones((4, 3)), np.ones(4)),
    "classes": lambda: kce.plotting.decision_boundary(small(), X, np.arange(4)),
    "predict": lambda: kce.plotting.decision_boundary(0.5, X, [0, 0, 1, 1]),
    "no hidden layer": lambda: kce.plotting.hidden_space(small(), X, [0, 0, 1, 1]),
    "keras's optimizer": lambda: kce.plotting.trajectories(
        "valley", {"Adam": keras.optimizers.Adam(0.1)}, start=(-7, 2)
    ),
    "one number": lambda: kce.plotting.activation("softmax"),
    "language": lambda: kce.plotting.activation("tanh", lang="kr"),
    "kind": lambda: kce.callbacks.GradientMonitor().plot("a.png", kind="gradient"),
}

KERAS = {
    "lr": lambda: keras.optimizers.SGD(lr=0.1),
    "decay": lambda: keras.optimizers.SGD(decay=0.1),
    "activation": lambda: keras.layers.Dense(1, activation="rleu"),
    "loss": lambda: keras.losses.get("msee"),
    "optimizer": lambda: keras.optimizers.get("adm"),
}
