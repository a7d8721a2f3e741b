"""A fit that is resumed where it was interrupted; as a script it is killed in its second epoch."""

import os
import signal
import sys

import keras
import numpy as np
from monitored_models import compiled, dense_data

from keras_course_ext.callbacks import GradientMonitor

PER_EPOCH, EPOCHS = 200, 4
KILLED_AT = PER_EPOCH + 170


class Interrupt(keras.callbacks.Callback):
    """Calls `action` before a step."""

    def __init__(self, step, action):
        super().__init__()
        self.step, self.action = step, action

    def on_train_batch_begin(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == self.step:
            self.action()


def fit(folder, backup_first, *others, save_freq="epoch"):
    """Begin or resume the fit whose files are in a folder."""
    model, _ = compiled("sequential", "graph")
    monitor = GradientMonitor(
        update_freq=1,
        statistics=["update_ratio", "zero_share", "dead_units", "grad_noise"],
        histograms=70,
        sinks=[f"{folder}/record.jsonl", f"{folder}/record.csv"],
        resume=f"{folder}/record.jsonl",
    )
    backup = keras.callbacks.BackupAndRestore(f"{folder}/backup", save_freq=save_freq)
    pair = [backup, monitor] if backup_first else [monitor, backup]
    x, y = (np.resize(a, (PER_EPOCH * 2, *a.shape[1:])) for a in dense_data())
    model.fit(
        *(x, y),
        batch_size=2,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
        callbacks=[*pair, *others],
    )
    return monitor


if __name__ == "__main__":
    kill = Interrupt(KILLED_AT, lambda: os.kill(os.getpid(), signal.SIGKILL))
    save_freq = int(sys.argv[3]) if len(sys.argv) > 3 else "epoch"
    fit(sys.argv[1], sys.argv[2] == "backup first", kill, save_freq=save_freq)
