"""Benchmarks run: small ones of each kind, for their code and not for their figures."""

import gpu
import keras
import lockstep
import numpy as np
import optimizer_step
import pytest
import rows


@pytest.mark.slow
def test_the_scoreboard_of_a_gpu_runs_on_a_cpu():
    cells = dict(gpu.cells(gpu.QUICK))
    assert len(cells) == 2 * (1 + 1 + 1 + 2 + 3)
    found = [
        rows.row_of(f"gpu, {name}", cells[f"gpu, {name}"]())
        for name in (
            "fit, 3x16, batch 8, graph, Keras against itself",
            "explicit, Conv2D, graph",
            "update, two, jit, Adam",
            "monitor, 3x16, batch 8, graph, norms",
        )
    ]
    for row in found:
        assert row.low <= row.ratio <= row.high
        assert row.pairs == gpu.QUICK.turns
        assert row.theirs > 0


def test_turns_of_several_steps_are_timed_as_one():
    """Two fits of ten steps, in turns of five: the order of their steps, and the waits."""
    order, waits = [], []

    class Log(keras.callbacks.Callback):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def on_train_batch_begin(self, batch, logs=None):
            order.append(self.name)

    def fit_of(name):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=True)
        x = np.ones((10, 1))
        return lambda start, stop: model.fit(
            x, x, batch_size=1, verbose=0, callbacks=[start, Log(name), stop]
        )

    ratio = lockstep.lockstep(
        fit_of("a"), fit_of("b"), skip=0, turn=5, sync=lambda: waits.append(len(order))
    )
    assert "".join(order) == "aaaaabbbbbaaaaabbbbb"
    assert waits == [5, 10, 15, 20]
    assert ratio.pairs == 2


@pytest.mark.slow
def test_the_rows_of_an_update_have_the_names_of_the_scoreboard(monkeypatch):
    monkeypatch.setitem(optimizer_step.MODELS, "tiny", lambda: [(2, 2)])
    found = list(optimizer_step.updates(["SGD"], ["tiny"], 2))
    assert [row.name for row in found] == [
        f"update, tiny{how}, {name}"
        for how in ("", ", jit")
        for name in ("SGD", "Keras against itself")
    ]
