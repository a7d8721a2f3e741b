"""Two processes under MultiWorkerMirroredStrategy record what one does on the whole batch."""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import worker_of_two

from keras_course_ext.monitoring import GradientHistory


def free_ports(n):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [str(s.getsockname()[1]) for s in sockets]


@pytest.mark.slow
def test_two_workers_record_the_whole_batch(tmp_path):
    ports, program = free_ports(2), Path(worker_of_two.__file__)
    root = program.parents[1]
    environment = os.environ | {"PYTHONPATH": str(root), "CUDA_VISIBLE_DEVICES": "-1"}
    paths = [tmp_path / f"{rank}.json" for rank in (0, 1)]
    workers = [
        subprocess.Popen(
            [sys.executable, program, str(rank), *ports, path],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank, path in enumerate(paths)
    ]
    try:
        alone = worker_of_two.train(tf.distribute.get_strategy(), slice(None))
        for worker in workers:
            output, _ = worker.communicate(timeout=120)
            assert worker.returncode == 0, output[-3000:]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert len(alone.steps) == worker_of_two.STEPS
    for path in paths:
        # Keras's own `fit` fails under this strategy. When it does not any more, the monitor in
        # `fit` has to be tried, and what guides, examples and docstrings say of it is wrong.
        failure = path.with_suffix(".txt").read_text("utf-8")
        assert failure.startswith("ValueError: Attempt to convert a value (PerReplica"), failure
        history = GradientHistory.load(path)
        assert set(history.keys) == set(alone.keys)
        for key in alone.keys:
            steps, _, values = history.series(*key)
            expected_steps, _, expected = alone.series(*key)
            np.testing.assert_array_equal(steps, expected_steps)
            np.testing.assert_allclose(values, expected, rtol=1e-5, err_msg=str(key))
        assert len(history.histograms) == len(alone.histograms)
        for a, b in zip(history.histograms, alone.histograms, strict=True):
            assert a[:5] == b[:5]
            assert a.counts.sum() == b.counts.sum()  # a number may round to the next bin
