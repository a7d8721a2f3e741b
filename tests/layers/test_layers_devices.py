"""Layers under `tf.device` and MirroredStrategy on two logical CPUs, and on a GPU."""

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_cases import KINDS, assert_same, output_and_gradients

HERE = pathlib.Path(__file__).parent
by_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("devices")
    folders = [str(HERE), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, folders))}
    command = [sys.executable, str(HERE / "devices_run.py"), str(path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return path


@pytest.fixture(scope="module")
def devices(folder) -> dict[str, Any]:
    return json.loads((folder / "devices.json").read_text())


@pytest.mark.slow
@by_kind
def test_everything_is_on_the_device_that_was_asked_for(devices, kind):
    places = devices[f"{kind}/ours"]
    for name, at_least in {"weights": 2, "all on CPU:1": 4, "graph": 4}.items():
        assert len(places[name]) >= at_least
        assert set(places[name]) == {"CPU:1"}, name


@pytest.mark.slow
@by_kind
def test_a_gradient_is_computed_where_the_tape_is_asked_as_keras_s(devices, kind):
    found = devices[f"{kind}/ours"]["forward on CPU:1"]
    assert found == ["CPU:1", "CPU:0", "CPU:0", "CPU:0"]
    assert found == devices[f"{kind}/keras"]["forward on CPU:1"]


@pytest.mark.slow
@pytest.mark.parametrize("other", ["one", "second", "keras"])
def test_two_replicas_end_at_the_same_weights(folder, other):
    with np.load(folder / "weights.npz") as weights:
        np.testing.assert_allclose(weights["two"], weights[other], rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(not tf.config.list_physical_devices("GPU"), reason="there is no GPU")
@by_kind
def test_on_a_gpu(kind):
    ours, theirs = KINDS[kind].pair(activation="tanh")
    x = KINDS[kind].x()
    found = output_and_gradients(ours, x)
    assert all("GPU" in t.device for t in found)
    assert_same(found, output_and_gradients(theirs, x), tolerance=1e-3)
    model: Any = keras.Sequential([keras.Input(x.shape[1:]), ours])
    model.compile("sgd", "mse")
    model.fit(x, found[0], verbose=0)
