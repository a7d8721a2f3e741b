# %% [markdown]
# # Several workers: one training in several processes
#
# - Title: The same training in one process, in three of which one is killed, and in the two left
# - 제목: 여러 프로세스에서 함께 학습하고, 하나가 죽어도 이어서 학습하기
# - Deck chapter: 5, 고급 경사 하강법 (advanced descents), on more than one machine
# - You will see: a killed worker, a restart from the checkpoint, equal weights everywhere.
# - Description: Each worker computes the gradient of its part of the batch, TensorFlow sums them,
#   every worker makes the same update. On several machines only the addresses differ.

# %%
import argparse
import contextlib
import inspect
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

import keras_course_ext as kce

parser = argparse.ArgumentParser()
parser.add_argument("--out", type=Path, default="out", help="folder for the picture")
OUT = parser.parse_args([] if "get_ipython" in globals() else None).out

# Settings
SETTINGS = {"batch": 12, "steps": 12, "save_every": 4}  # the number of workers divides the batch
KILLED_AT, SAVED = 7, 4  # the step at which one is killed, and how many are saved by then
HEAD = "import json, os, signal, sys, keras, numpy as np, tensorflow as tf, keras_course_ext as kce"
LOCAL, NO_GPU = ("127.0.0.1", 0), {"CUDA_VISIBLE_DEVICES": "-1"}
History = kce.monitoring.GradientHistory

# %% [markdown]
# ## What a worker does
#
# Its own loop, because Keras's `fit` fails under `MultiWorkerMirroredStrategy`. Reading
# `monitor.history` writes the record; all workers must do it at the same steps. It is done before a
# checkpoint is saved, so that the record reaches as far as the weights.


# %%
def work(folder, rank=0, ports=(), killed_at=None, *, batch, steps, save_every):
    """Train as one of the workers at these ports; without ports, alone."""
    strategy = tf.distribute.get_strategy()
    if ports:
        cluster, task = {"worker": ports}, {"type": "worker", "index": rank}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    x = np.random.default_rng(0).normal(size=(steps, batch, 8)).astype("float32")
    share = batch // max(1, len(ports))
    keras.utils.set_random_seed(0)
    with strategy.scope():
        hidden = [kce.layers.Dense(16, activation="tanh", name=f"hidden_{i}") for i in (1, 2)]
        model = keras.Sequential([keras.Input((8,)), *hidden, kce.layers.Dense(2, name="output")])
        optimizer = kce.optimizers.Adam(0.01)
        optimizer.build(model.trainable_variables)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
    saved = tf.train.CheckpointManager(checkpoint, f"{folder}/saved_{rank}", max_to_keep=1)
    checkpoint.restore(tf.train.latest_checkpoint(f"{folder}/saved_0"))

    def of_replica(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((model(x) - tf.sin(3 * x[:, :2])) ** 2) / batch
        optimizer.apply(tape.gradient(loss, model.trainable_variables))

    step = tf.function(lambda x: strategy.run(of_replica, (x,)))
    record, i = f"{folder}/worker_{rank}.jsonl", 0
    monitor = kce.callbacks.GradientMonitor(1, "norms", sinks=[record], resume=record)
    try:
        with monitor.watch(model, optimizer):
            for i in range(int(optimizer.iterations.numpy()), steps):
                if i == killed_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                step(tf.constant(x[i, rank * share : (rank + 1) * share]))
                if (i + 1) % save_every == 0 and monitor.history.steps[-1] == i:
                    saved.save()
    except (tf.errors.OpError, RuntimeError) as error:
        raise SystemExit(f"Worker {rank} stops at step {i}, another has ended: {error}") from error
    np.savez(f"{folder}/weights_{rank}.npz", *model.get_weights())


# %% [markdown]
# ## Starting the workers: a process cannot import a notebook, but it can run a function's text


# %%
def train(folder, workers, killed=None):
    """Run workers, one of which may be killed, and return their exit codes."""
    text = f"{HEAD}\n{inspect.getsource(work)}\nwork(**json.loads(sys.argv[1]))\n"
    (folder / "work.py").write_text(text, "utf-8")
    with contextlib.ExitStack() as stack:  # open together, so that no port is given twice
        free = [stack.enter_context(socket.create_server(LOCAL)) for _ in range(workers)]
        ports = [f"127.0.0.1:{s.getsockname()[1]}" for s in free]
    running, how = [], {"folder": str(folder), "ports": ports, **SETTINGS}
    for rank in range(workers):
        own = how | {"rank": rank, "killed_at": KILLED_AT if rank == killed else None}
        command = [sys.executable, str(folder / "work.py"), json.dumps(own)]
        with (folder / f"{rank}.log").open("w") as log:
            running.append(subprocess.Popen(command, stderr=log, env=os.environ | NO_GPU))
    return [process.wait(120) for process in running]


def records(folder, workers):
    """The records of all workers in one."""
    files = [folder / f"worker_{rank}.jsonl" for rank in range(workers)]
    return History.merge({file.stem: History.load(file) for file in files})


# %% [markdown]
# ## One process; three of which one is killed; the two that are left, started again
#
# The others get an error from the next sum of gradients. Started again, the same program continues
# from the checkpoint, and continues the record. The share of each in a batch is larger now.

# %%
one, some = (Path(tempfile.mkdtemp(prefix="workers_")) for _ in range(2))
work(str(one), **SETTINGS)
assert train(some, 3, killed=2) == [1, 1, -9]
print(re.findall("^Worker .*", (some / "0.log").read_text(), re.M)[0][:99])
assert records(some, 3).steps.tolist() == list(range(SAVED))
assert train(some, 2) == [0, 0]

# %%
merged, alone = records(some, 2), records(one, 1).part("worker_0")
for rank in range(2):
    for key in alone.keys:
        expected, series = alone.series(*key), merged.part(f"worker_{rank}").series(*key)
        assert series[0].tolist() == expected[0].tolist(), key  # no step is missing, none double
        np.testing.assert_allclose(series[2], expected[2], 1e-3, 1e-5, err_msg=str(key))
files = [
    np.load(folder / f"weights_{i}.npz").values() for folder, i in ((one, 0), (some, 0), (some, 1))
]
for w, first, second in zip(*files, strict=True):
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, w, atol=1e-5)
print("Both workers have the same weights; weights and record are those of one process.")

kce.plotting.gradients(merged, title="Two workers, one record")
OUT.mkdir(parents=True, exist_ok=True)
plt.savefig(OUT / "12_multi_worker.png", dpi=120)
