"""Training with a monitor is the same to the bit, whatever Grappler makes of the graph."""

import itertools
import os

import keras
import numpy as np
import pytest
from optimized_graphs import fused_nodes, optimized_graphs
from random_graphs import OPTIMIZERS, Together

from keras_course_ext.callbacks import GradientMonitor

MONITORS = {
    "default": lambda: GradientMonitor(),
    "means": lambda: GradientMonitor(1, statistics=["mean", "zero_share"]),
    "norms": lambda: GradientMonitor(1, statistics="norms"),
    "all": lambda: GradientMonitor(1, statistics="all", histograms=1),
}
# 300 graphs take ten minutes: `FUZZ=nightly python -m pytest tests/callbacks/test_training_bits.py
# -m ""` tries them all, the slow tests the first of them.
NIGHTLY = os.environ.get("FUZZ") == "nightly"
GRAPHS, BESIDE = 300 if NIGHTLY else 60, 5

# Means are the cheapest to trace that read every output.
_KINDS = ["means", "means", "means", "norms", "default", "means", "all"]
GROUPS = [
    (seed, optimizer, monitor)
    for seed, optimizer, monitor in zip(
        range(0, GRAPHS, BESIDE), itertools.cycle(OPTIMIZERS), itertools.cycle(_KINDS), strict=False
    )
]


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "optimizer", "monitor"), GROUPS)
def test_random_graphs_train_to_the_same_bits(seed, optimizer, monitor):
    graphs = Together(range(seed, seed + BESIDE), optimizer)
    plain = graphs.trained()
    found = graphs.trained([MONITORS[monitor]()])
    changed = [seed for seed in plain if found[seed] != plain[seed]]
    for _ in range(2 if changed else 0):  # AddN's order may depend on which thread is first
        again = graphs.trained()
        changed = [seed for seed in changed if again[seed] == plain[seed]]
    assert not changed


def residual(optimizer):
    x = keras.Input((8,))
    a = keras.layers.Add(name="add")([x, keras.layers.Dense(8, name="added")(x)])
    b = keras.layers.Dense(8, activation="relu", name="relu")(a)
    both = keras.layers.Add(name="last_add")([a, keras.layers.Dense(8, name="linear")(b)])
    model = keras.Model(x, keras.layers.Dense(1, name="out")(both))
    model.compile(optimizer(), "mse")
    return model


DATA = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")


def fused_in_training(folder, monitor):
    keras.utils.set_random_seed(0)
    model = residual(keras.optimizers.SGD)

    def run():
        model.fit(DATA, DATA[:, :1], verbose=0, callbacks=monitor, shuffle=False)

    graphs = optimized_graphs(folder, run)
    # The functions around the step, and those that compute outputs again, are graphs too.
    return max((fused_nodes(graph) for graph in graphs), key=lambda nodes: nodes.total())


@pytest.mark.parametrize("monitor", ["means", "all"])
def test_grappler_joins_the_same_operations(monitor, tmp_path):
    plain, with_it = tmp_path / "plain", tmp_path / "monitored"
    expected = fused_in_training(plain, [])
    assert any("Add" in joined.split()[-1] for _, joined in expected)
    found = fused_in_training(with_it, [MONITORS[monitor]()])
    assert found == expected


def test_what_is_computed_again_is_recorded_as_it_is():
    model = residual(keras.optimizers.SGD)
    outputs = keras.Model(model.inputs, [layer.output for layer in model.layers[1:]])
    names = [layer.name for layer in model.layers[1:]]
    expected = {n: a.mean() for n, a in zip(names, outputs.predict(DATA, verbose=0), strict=True)}
    monitor = GradientMonitor(1, statistics="all")
    model.fit(DATA, DATA[:, :1], batch_size=64, verbose=0, callbacks=[monitor])
    found = {n: monitor.history.series(n, "output", "mean")[2][0] for n in names}
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-7)
