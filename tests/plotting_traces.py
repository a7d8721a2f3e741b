"""Traces in the shape of `kce.backprop.trace`, computed by hand, so that a plot needs no model."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np


def weight(name, value, gradient):
    return SimpleNamespace(name=name, path=name, value=value, gradient=gradient, trainable=True)


def layer(number, name, kind, role, **rest):
    empty = {"activation": None, "z": None, "da": None, "delta": None, "weights": ()}
    inputs = (number - 1,) if number > 1 else ()
    return SimpleNamespace(
        number=number, name=name, kind=kind, role=role, inputs=inputs, **{**empty, **rest}
    )


def sigmoid_trace(weights, x, t):
    """A chain of sigmoid layers with the mean squared error, forward and back."""
    layers, a = [layer(1, "input", "InputLayer", "input", a=x)], x
    for k, (w, b) in enumerate(weights, start=2):
        z = a @ w + b
        a = 1 / (1 + np.exp(-z))
        role = "output" if k == len(weights) + 1 else "hidden"
        layers.append(layer(k, f"{role}_{k}", "Dense", role, activation="sigmoid", z=z, a=a))
    da = 2 * (a - t) / a.size
    for before, after, (w, b) in zip(layers[-2::-1], layers[:0:-1], weights[::-1], strict=True):
        delta = da * after.a * (1 - after.a)
        after.da, after.delta = da, delta
        after.weights = (
            weight("kernel", w, before.a.T @ delta),
            weight("bias", b, delta.sum(axis=0)),
        )
        da = delta @ w.T
    layers[0].da = da
    loss = float(np.mean((a - t) ** 2))
    return SimpleNamespace(
        model_name="net", layers=tuple(layers), targets={"out": t}, losses={"out": loss}, loss=loss
    )


def random_trace(*units, batch=1, scale=1.0):
    random = np.random.default_rng(0)
    weights = [
        (scale * random.normal(size=(n, m)), random.normal(size=m)) for n, m in pairwise(units)
    ]
    x, t = random.normal(size=(batch, units[0])), random.uniform(size=(batch, units[-1]))
    return sigmoid_trace(weights, x, t)


XOR = sigmoid_trace(
    [
        (np.array([[-2.0, 2.0], [-2.0, 2.0]]), np.array([3.0, -1.0])),
        (np.array([[1.0], [1.0]]), np.array([-1.0])),
    ],
    np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
    np.array([[0.0], [1.0], [1.0], [0.0]]),
)
