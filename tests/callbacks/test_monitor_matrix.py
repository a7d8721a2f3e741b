"""The monitor's matrix: a few of its cells for every commit, run by the benchmark in its process.

All of them, and a cover in which every two values of two axes meet, take too long for that; they
are the benchmark's to run.
"""

import json
import os
import pathlib
import subprocess
import sys

import keras
import monitor_cells
import pytest
import tensorflow as tf
from monitor_cells import AXES, Cell, Outcome
from monitor_matrix import BEYOND, brief_cells

import keras_course_ext as kce

ROOT = pathlib.Path(__file__).parents[2]
CELLS = [cell for cell in brief_cells() if cell not in BEYOND]

pytestmark = pytest.mark.canary


def run_matrix(folder):
    path = folder / "outcomes.jsonl"
    # In an environment without the package installed, it is found beside the benchmarks.
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path]))}
    command = [sys.executable, str(ROOT / "benchmarks" / "monitor_matrix.py")]
    command += ["--brief", "--jsonl", str(path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="session")
def outcomes(once) -> dict[Cell, Outcome]:
    _, lines = once(run_matrix)
    return {Cell(*cell): Outcome(*found) for cell, found in lines}


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_is_exact_and_harmless(cell, outcomes):
    verdict, detail = outcomes[cell]
    assert verdict == "ok", detail


@pytest.mark.slow
@pytest.mark.parametrize("cell", BEYOND, ids=str)
def test_keras_itself_cannot_train_there(cell, outcomes):
    """Why these are left out: a fix upstream would show here."""
    assert outcomes[cell].verdict == "trainer"


def test_every_value_of_every_axis_but_the_optimizers_is_met():
    for axis, values in AXES.items():
        met = {getattr(cell, axis) for cell in CELLS}
        assert met == set(values) or axis == "optimizer"


@pytest.fixture
def in_plain_cell():
    cell = Cell("Sequential", "float32", "eager", "1", "one", "clipnorm", "Keras SGD")
    yield lambda: monitor_cells.outcome(cell, None)
    keras.config.set_dtype_policy("float32")


@pytest.mark.slow
def test_a_figure_off_by_a_little_is_found_out(in_plain_cell, monkeypatch):
    series = kce.monitoring.GradientHistory.series

    def off(self, layer, tensor, statistic="grad_norm"):
        steps, epochs, values = series(self, layer, tensor, statistic)
        wrong = (layer, statistic) == ("linear", "update_ratio")
        return steps, epochs, values * (1 + 5e-5 * wrong)

    monkeypatch.setattr(kce.monitoring.GradientHistory, "series", off)
    verdict, detail = in_plain_cell()
    assert verdict == "wrong"
    assert "linear/" in detail
    assert "update_ratio" in detail


@pytest.mark.slow
def test_a_monitor_that_changes_a_bit_is_found_out(in_plain_cell, monkeypatch):
    class Changes(kce.callbacks.GradientMonitor):
        def on_train_end(self, logs=None):
            w = self.model.trainable_variables[0]
            w.assign(tf.math.nextafter(w.value, tf.ones_like(w.value)))
            super().on_train_end(logs)

    monkeypatch.setattr(kce.callbacks, "GradientMonitor", Changes)
    assert in_plain_cell().verdict == "changed"


def test_a_monitor_that_cannot_start_is_told_from_one_that_fails(in_plain_cell, monkeypatch):
    class Refuses(kce.callbacks.GradientMonitor):
        def on_train_begin(self, logs=None):
            raise ValueError("not here")

    monkeypatch.setattr(kce.callbacks, "GradientMonitor", Refuses)
    assert in_plain_cell() == Outcome("refused", "ValueError: not here")
