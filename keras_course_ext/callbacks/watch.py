"""Recording the steps of a training loop of the user's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from keras_course_ext.callbacks.recording import Recording
from keras_course_ext.callbacks.schedule import Schedule


@contextmanager
def watching(recording: Recording, schedule: Schedule, optimizers: str) -> Iterator[None]:
    """Record every call of the optimizer's `apply` in the body of this context as a step.

    Args:
        recording: What to record, of which model.
        schedule: Which steps are recorded.
        optimizers: Which optimizers are followed, for the error message.

    Raises:
        RuntimeError: At the end, if no step was seen.
    """
    recording.begin()
    start = recording.steps()
    recording.set_period(*schedule.begin_epoch(start, None))
    raised = True
    try:
        with recording.hooks.installed(whole_step=False):
            yield
        raised = False
    finally:
        seen = recording.steps() - start
        # After a local error the other workers may never come to the collective: do not wait.
        if not (raised and recording.has_other_workers):
            recording.end_epoch()
        recording.close()
    if not seen:
        raise RuntimeError(
            "GradientMonitor saw no step: inside of `watch` nothing called "
            f"{optimizers}, or only a `tf.function` did that had been traced before. Make "
            "the `tf.function` anew, and call it inside of the context."
        )
