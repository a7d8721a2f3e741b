"""Settings of the whole test run."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")

import cover
import keras
import pytest
import tensorflow as tf
from known_failures import KNOWN_FAILURES
from once import once  # noqa: F401, a fixture

# Convolutions on several threads add up in an order that depends on how busy the machine is, and
# some tests compare bits.
tf.config.threading.set_intra_op_parallelism_threads(1)


@pytest.hookimpl(tryfirst=True)  # before pytest selects by `-m`
def pytest_collection_modifyitems(config, items):
    cover.mark_slow(items, whole_tests=not any("::" in arg for arg in config.args))
    for item in items:
        if item.nodeid in KNOWN_FAILURES:
            item.add_marker(pytest.mark.xfail(reason=KNOWN_FAILURES[item.nodeid], strict=False))


@pytest.fixture(autouse=True)
def _fresh_keras():
    """Give every test the same random numbers and forget the layer names of the last one."""
    keras.backend.clear_session(free_memory=False)  # a full garbage collection takes half a second
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")
