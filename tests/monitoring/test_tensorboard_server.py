"""A real TensorBoard shows what was recorded, beside what Keras's own callback wrote."""

import json
import math
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import warnings

import keras
import numpy as np
import pytest

import keras_course_ext as kce
from keras_course_ext.monitoring.sinks.scalar_layout import tag_of

pytest.importorskip("tensorboard", reason="needs the extra `tensorboard`")


def fitted(log_dir):
    """Train with the TensorBoard callback and a monitor that joins it, in two parts.

    Yields:
        The history of the first part and that of the second.
    """
    layers = [keras.layers.Dense(4, "relu"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile(kce.optimizers.SGD(0.1), "mse")
    x = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
    # An integer `update_freq` has most steps of the fit not recorded by tf.summary.
    board = keras.callbacks.TensorBoard(log_dir, update_freq=3, histogram_freq=1)
    monitor = kce.callbacks.GradientMonitor(update_freq=1, histograms=2, sinks=["tensorboard"])
    with warnings.catch_warnings():
        # Keras's callback reads variables by `np.array(variable)`.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        for epoch in range(2):
            model.fit(
                x,
                x[:, :1],
                batch_size=4,
                initial_epoch=epoch,
                epochs=epoch + 1,
                verbose=0,
                callbacks=[monitor, board],
            )
            yield monitor.history


class Server:
    """A TensorBoard on a free port of this machine."""

    def __init__(self, log_dir):
        options = f"--logdir={log_dir} --host=127.0.0.1 --port=0 --reload_interval=1".split()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", *options],
            stderr=subprocess.PIPE,
            text=True,
        )
        said = []
        for line in self.process.stderr:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                self.url = found[0]
                return
        raise AssertionError("".join(said))

    def get(self, path, **query):
        url = f"{self.url}/data/plugin/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)

    def tags(self, plugin):
        """The tags of the run `train`; the server needs a moment to read the files."""
        for _ in range(100):
            if found := self.get(f"{plugin}/tags").get("train"):
                return set(found)
            time.sleep(0.1)
        raise AssertionError(self.get(f"{plugin}/tags"))

    def close(self):
        self.process.terminate()
        self.process.communicate(timeout=20)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("logs")
    keras.utils.set_random_seed(0)
    histories = list(fitted(log_dir))
    server = Server(log_dir)
    yield histories, server
    server.close()


@pytest.mark.slow
def test_the_scalars_are_those_of_the_history(shown):
    (first, second), server = shown
    expected = {tag_of(key): key for key in first.keys}
    tags = server.tags("scalars")
    # In the same run as the curves of Keras's own callback.
    assert "epoch_loss" in tags
    assert {tag for tag in tags if tag.startswith("gradients")} == set(expected)
    assert "gradients.all/grad_norm" in tags
    assert "gradients.grad_norm/dense/kernel" in tags
    for tag, key in expected.items():
        points = server.get("scalars/scalars", run="train", tag=tag)
        series = [history.series(*key) for history in (first, second)]
        steps, _, values = (np.concatenate(parts) for parts in zip(*series, strict=True))
        assert [step for _, step, _ in points] == steps.tolist(), tag
        # JSON has no NaN; the server writes a string.
        np.testing.assert_array_equal([np.float32(value) for _, _, value in points], values)
    assert first.steps.tolist() + second.steps.tolist() == list(range(12))


@pytest.mark.slow
def test_the_histograms_have_the_elements_that_there_were(shown):
    (first, second), server = shown
    recorded = first.histograms + second.histograms
    tags = server.tags("histograms")
    groups = {"gradients": "gradient", "weights": "weight", "activations": "activation"}
    ours = {tag for tag in tags if tag.split("/")[0] in groups}
    # Keras's callback writes weights too, once an epoch.
    assert any(tag.endswith("/kernel/histogram") for tag in tags - ours)
    kinds = [(h.kind, h.layer, h.tensor) for h in recorded]
    assert {(groups[tag.split("/")[0]], *tag.split("/")[1:]) for tag in ours} == set(kinds)
    for tag in ours:
        group, layer, tensor = tag.split("/")
        found = {
            h.step: h
            for h in recorded
            if (h.kind, h.layer, h.tensor) == (groups[group], layer, tensor)
        }
        points = server.get("histograms/histograms", run="train", tag=tag)
        assert [step for _, step, _ in points] == list(found) == [0, 2, 4, 6, 8, 10]
        for _, step, buckets in points:
            h = found[step]
            rows = zip(h.edges[:-1], h.edges[1:], h.counts, strict=True)
            expected = [row for row in rows if row[2]]
            assert [tuple(row) for row in buckets if row[2]] == expected
    kernel = server.get("histograms/histograms", run="train", tag="gradients/dense/kernel")
    assert all(math.fsum(row[2] for row in buckets) == 3 * 4 for _, _, buckets in kernel)
