"""The survival matrix: every cell of a pairwise cover, run by the benchmark in its own process.

Keras's count stands beside ours in `benchmarks/survival.py`; here only ours must survive.
"""

import doctest
import itertools
import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import survival_cells
from pairwise import pairwise
from survival import cells_to_run
from survival_cells import APART, AXES, OPTIONS, OVER_DEVICES, TOLERANCES, Cell

import keras_course_ext as kce

ROOT = pathlib.Path(__file__).parents[2]
CELLS = cells_to_run(AXES["optimizer"], cover=True, sample=None)


@pytest.fixture(autouse=True)
def _precision_of_the_other_tests():
    yield
    keras.config.set_floatx("float32")


def of_cell(cell: Cell):
    return pytest.param(cell, id=str(cell))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[Cell, list[str]]:
    path = tmp_path_factory.mktemp("survival") / "outcomes.json"
    # In an environment without the package installed, it is found beside the benchmarks.
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path]))}
    command = [sys.executable, str(ROOT / "benchmarks" / "survival.py")]
    command += ["--pairwise", "--libraries", "ours", "--json", str(path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return {Cell(*cell): found["ours"] for cell, found in json.loads(path.read_text())}


@pytest.mark.slow
@pytest.mark.parametrize("cell", [of_cell(cell) for cell in CELLS if cell != OVER_DEVICES])
def test_ours_survives(cell, outcomes):
    verdict, detail = outcomes[cell]
    assert verdict == "ok", detail


@pytest.mark.slow
def test_the_trainer_itself_cannot_compile_over_devices(outcomes):
    """Why `APART` keeps these cells out of the cover: a fix upstream would show here."""
    assert outcomes[OVER_DEVICES][0] == "trainer"


def test_the_example_of_pairwise():
    done = doctest.testmod(sys.modules["pairwise"])
    assert done.attempted
    assert not done.failed


def test_every_two_values_meet():
    rows = pairwise(AXES, APART)
    for a, b in itertools.combinations(AXES, 2):
        pairs = itertools.product([(a, v) for v in AXES[a]], [(b, v) for v in AXES[b]])
        missed = set(pairs) - {((a, row[a]), (b, row[b])) for row in rows}
        assert missed == {pair for pair in APART if (pair[0][0], pair[1][0]) == (a, b)}
    assert len(rows) < 1.3 * len(OPTIONS) * len(AXES["model"])


def distance(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    return max(float(np.max(abs(x - y))) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("model", AXES["model"])
def test_every_option_shows_in_the_expectation(model):
    """Otherwise an optimizer would survive that ignores it."""
    plain = survival_cells.expected("SGD", "none", model)
    way = distance(plain, survival_cells.start(model))
    for option in OPTIONS:
        moved = distance(survival_cells.expected("SGD", option, model), plain)
        if option in ("none", "accumulation", "loss_scale_factor"):
            assert moved == 0
        else:
            assert moved > 2 * max(TOLERANCES.values()) * way, option


@pytest.mark.parametrize("ignored", ["clipnorm", "loss_scale_factor"])
def test_an_optimizer_that_ignores_an_option_is_found_out(ignored, monkeypatch):
    class Ignores(kce.optimizers.SGD):
        def apply(self, grads, trainable_variables=None):
            setattr(self, ignored, None)
            super().apply(grads, trainable_variables)

    monkeypatch.setattr(kce.optimizers, "SGD", Ignores)
    cell = Cell("SGD", "eager", "mixed_bfloat16", ignored, "dense", "one")
    assert survival_cells.outcome(cell, "ours", None).verdict == "wrong"
    right = cell._replace(option="none")
    assert survival_cells.outcome(right, "ours", None).verdict == "ok"
