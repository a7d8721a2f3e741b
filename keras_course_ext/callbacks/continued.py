"""What the fits of a monitor, and its entries of `watch`, have in common: one record."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from keras_course_ext.callbacks.epoch_logs import EpochLogs
from keras_course_ext.callbacks.recording import Recording
from keras_course_ext.callbacks.resume import earlier, skipped_steps
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.sinks.sink import Sink


class Continued:
    """The record of a monitor, which goes on with every fit, and what the last fit left.

    Args:
        resume: The record of an interrupted run, with which this one begins, as `checked_resume`
            returned it.
    """

    def __init__(self, resume: Any = None) -> None:
        self.history = GradientHistory()
        self.logs = EpochLogs()
        """What `logs` gets at the end of an epoch."""
        self._resume = resume
        self._model: keras.Model | None = None
        self._recording: Recording | None = None
        self._end = 0
        self._epoch = -1
        self._epoch_ended = True
        self._shift = 0

    def recording(
        self,
        model: keras.Model,
        optimizers: Mapping[str, Any],
        in_fit: bool,
        state: Any,
        new: Callable[[], Recording],
    ) -> Recording:
        """Return the recording of the fit that begins: the last one, if that still serves it.

        Args:
            model: The model.
            optimizers: The optimizers, by name.
            in_fit: Whether `fit` runs the steps.
            state: What a traced step depends on besides, for comparison.
            new: Makes a new recording.

        Raises:
            ValueError: If the record is one of another model.
        """
        if self._model is not None and self._model is not model and len(self.history):
            raise ValueError(
                f"This monitor has recorded the model '{self._model.name}', and now another one, "
                f"'{model.name}', is trained. Write `monitor.reset()` before, to begin a new "
                "record, or give each model a monitor of its own."
            )
        last = self._recording if self._model is model else None
        if last is None or not last.serves(optimizers, in_fit, state):
            last = new()
            last.serves(optimizers, in_fit, state)
        self._model, self._recording = model, last
        return last

    def begin(self, recording: Recording, epoch: int | None, sinks: Sequence[Sink] = ()) -> None:
        """Begin a fit.

        Args:
            recording: What `recording` returned.
            epoch: Keras's number of its first epoch. It is kept unless the record has that epoch
                already: then the epochs are counted on from the last one. None counts on.
            sinks: Where the record is written as it grows.
        """
        made = recording.steps_made
        if len(self.history):
            first = max(self._end, made + skipped_steps(self.history, made))
        else:
            first, self.history = earlier(self._resume, made, recording.layer_names)
        number = self._number(epoch)
        self._shift = 0 if epoch is None else number - epoch
        self.history.begin_fit(first, number)
        recording.begin(self.history, first, sinks)

    def begin_epoch(self, recording: Recording, epoch: int | None = None) -> None:
        """Begin an epoch; Keras's number of it, or None for the next one."""
        number = self._number(None) if epoch is None else epoch + self._shift
        self._epoch, self._epoch_ended = number, False
        recording.begin_epoch(number)

    def end_epoch(self) -> None:
        """End an epoch, all of whose steps were made."""
        self._epoch_ended = True

    def end(self, recording: Recording) -> None:
        """End a fit, or what an exception left of it."""
        self.history = recording.history
        self._end = max(self._end, recording.steps())

    def copied(self) -> "Continued":
        """Return the record without the model and without what was traced."""
        copy = Continued(self._resume)
        copy.history, copy.logs, copy._end = self.history, self.logs, self._end
        copy._epoch, copy._epoch_ended = self._epoch, self._epoch_ended
        return copy

    def _number(self, epoch: int | None) -> int:
        if epoch is None:
            return self._epoch + 1
        interrupted = epoch == self._epoch and not self._epoch_ended
        return epoch if interrupted else max(epoch, self._epoch + 1)
