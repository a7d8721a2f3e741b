"""The sinks of one `fit`: `"tensorboard"` means the directory of its TensorBoard callback."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_course_ext.callbacks.tensorboard_log_dir import tensorboard_log_dir
from keras_course_ext.monitoring.sinks.resolve import sinks_of
from keras_course_ext.monitoring.sinks.sink import Sink
from keras_course_ext.monitoring.sinks.tensorboard_sink import TensorBoardSink


def fit_sinks(sinks: Sequence[Any], callbacks: Sequence[keras.callbacks.Callback]) -> list[Sink]:
    """Return the sinks that a `fit` writes to.

    Args:
        sinks: What the monitor was given, as `checked_sinks` returned it.
        callbacks: The other callbacks of the `fit`.
    """

    def tensorboard() -> Sink:
        found = [c for c in callbacks if isinstance(c, keras.callbacks.TensorBoard)]
        return TensorBoardSink(tensorboard_log_dir(found))

    return sinks_of(sinks, tensorboard)
