"""When Keras's `BackupAndRestore` saves the model within an epoch."""

from collections.abc import Iterable

import keras


class Backups:
    """Says when the model has been saved: the record must reach as far as the saved weights.

    A run that was killed goes on from the weights that were saved last. What the monitor had not
    read by then would be missing between the old record and the new one.

    Args:
        callbacks: The `BackupAndRestore` callbacks of the `fit`.
    """

    def __init__(self, callbacks: Iterable[keras.callbacks.BackupAndRestore] = ()) -> None:
        self._every = [c.save_freq for c in callbacks if isinstance(c.save_freq, int)]
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
