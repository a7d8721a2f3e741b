"""Recording the steps of a training loop of the user's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from keras_course_ext.callbacks.continued import Continued
from keras_course_ext.callbacks.monitored_fit import made_of
from keras_course_ext.callbacks.recording import Recording
from keras_course_ext.callbacks.schedule import Schedule
from keras_course_ext.monitoring.sinks.sink import Sink


class Watch:
    """One entry of `watch`: every call of the optimizer's `apply` in it is a step.

    Args:
        so_far: The record, which goes on.
        recording: What to record, of which model.
        schedule: Which steps are recorded.
        optimizers: Which optimizers are followed, for the error message.
    """

    def __init__(
        self, so_far: Continued, recording: Recording, schedule: Schedule, optimizers: str
    ) -> None:
        self._so_far = so_far
        self._recording = recording
        self._schedule = schedule
        self._optimizers = optimizers
        self._epoch_start = 0

    @contextmanager
    def entered(self, model: keras.Model, sinks: list[Sink]) -> Iterator[None]:
        """Record the steps in the body of this context.

        Args:
            model: The model.
            sinks: Where the record is written as it grows.

        Raises:
            RuntimeError: At the end, if no step was seen.
        """
        recording = self._recording
        self._so_far.begin(recording, None, sinks)
        start = recording.steps()
        self._begin_epoch()
        raised = True
        try:
            with recording.hooks.installed(whole_step=False), _own_function(recording, model):
                yield
            raised = False
        finally:
            seen = recording.steps() - start
            # After a local error the other workers may never come to the collective: do not wait.
            if not (raised and recording.has_other_workers):
                recording.end_epoch()
            self._so_far.end_epoch()
            self._so_far.end(recording)
            recording.close()
        if not seen:
            raise RuntimeError(
                "GradientMonitor saw no step: inside of `watch` nothing called `apply` of "
                f"{self._optimizers}, or only a `tf.function` did that had been traced outside of "
                "it. Pass the optimizer that updates the weights as `watch(model, optimizer)`, and "
                "call the `tf.function` for the first time inside of the context."
            )

    def epoch(self) -> int:
        """End the epoch, if it has steps, begin the next one, and return its number."""
        if self._recording.steps() > self._epoch_start:
            self._recording.end_epoch()
            self._so_far.end_epoch()
            self._begin_epoch()
        return self._recording.epoch

    def _begin_epoch(self) -> None:
        self._epoch_start = self._recording.steps()
        self._so_far.begin_epoch(self._recording)
        self._recording.set_period(*self._schedule.begin_epoch(self._epoch_start, None))


@contextmanager
def _own_function(recording: Recording, model: Any) -> Iterator[None]:
    """Give a model a second train function, for `train_on_batch`, which is traced with hooks.

    Its own one may have been traced before, and would keep the hooks if it were traced here.
    """
    if not model.compiled:
        yield
        return
    model.make_train_function()
    plain = model.train_function
    if plain not in recording.functions:
        recording.functions = {plain: made_of(model, model.train_step)}
    own = recording.functions[plain]
    model.train_function = own
    try:
        yield
    finally:
        # `compile` in the body has removed it.
        if model.train_function is own:
            model.train_function = plain
