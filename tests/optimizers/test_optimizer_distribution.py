"""MirroredStrategy on two logical CPUs, in a process of its own."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from optimizer_cases import ONE_PER_STATE

HERE = pathlib.Path(__file__).parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> dict[str, np.ndarray]:
    path = tmp_path_factory.mktemp("mirrored") / "results.npz"
    folders = [str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, folders))}
    command = [sys.executable, str(HERE / "mirrored_run.py"), str(path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(path) as arrays:
        return dict(arrays)


def pairs(results: dict[str, np.ndarray], kind: str) -> dict[str, list[np.ndarray]]:
    names = {key.split("/")[1] for key in results if key.startswith(kind)}
    return {n: [v for k, v in results.items() if k.startswith(f"{kind}/{n}/")] for n in names}


def test_two_replicas_do_what_one_does(results):
    """Half a gradient on each of two replicas is the whole gradient on one."""
    compared = pairs(results, "apply")
    assert compared.keys() == {case.name for case in ONE_PER_STATE}
    for name, (two, one) in compared.items():
        np.testing.assert_allclose(two, one, rtol=1e-6, atol=1e-7, err_msg=name)


def test_the_same_tensor_on_two_replicas_is_added_up(results):
    ((two, one),) = pairs(results, "same").values()
    np.testing.assert_allclose(two, one, rtol=1e-6, atol=1e-7)


def test_fit_on_two_replicas_is_keras(results):
    compared = pairs(results, "fit")
    assert compared
    for name, (ours, keras) in compared.items():
        np.testing.assert_allclose(ours, keras, rtol=1e-6, atol=1e-7, err_msg=name)
