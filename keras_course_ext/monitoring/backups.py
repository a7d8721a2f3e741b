"""When Keras's `BackupAndRestore` saves the model within an epoch."""

from typing import Any

import keras

from keras_course_ext.monitoring.neighbours import neighbours


class Backups:
    """Says when the model has been saved, since the record must reach as far as the weights do.

    A run that was killed goes on from the last weights that were saved. What the monitor had not
    read by then would be missing between its old record and the new one.

    Args:
        params: The `params` of the callbacks of a `fit`; None for a fit without backups.
    """

    def __init__(self, params: Any) -> None:
        found = neighbours(keras.callbacks.BackupAndRestore, params)
        self._every = [c.save_freq for c in found if isinstance(c.save_freq, int)]
        self._since = [0] * len(self._every)

    def saved(self, steps: int) -> bool:
        """Say whether a backup was made since the last call, which is made before each execution.

        Args:
            steps: Number of steps in the execution that comes.
        """
        full = [since >= every for since, every in zip(self._since, self._every, strict=True)]
        self._since = [
            steps + (0 if was_full else since)
            for since, was_full in zip(self._since, full, strict=True)
        ]
        return any(full)
