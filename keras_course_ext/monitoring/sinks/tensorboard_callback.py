"""Keras's TensorBoard callback in the same `fit`: where it writes."""

from typing import Any

import keras

from keras_course_ext.monitoring.neighbours import neighbours


def tensorboard_log_dir(params: Any) -> str:
    """Return the `log_dir` of the TensorBoard callback that stands in the same `fit`.

    Args:
        params: The `params` of a callback in this `fit`; None outside of one.

    Raises:
        ValueError: If there is no TensorBoard callback, or two of them write to different places.
    """
    found = {str(c.log_dir) for c in neighbours(keras.callbacks.TensorBoard, params)}
    if len(found) == 1:
        return found.pop()
    problem = (
        f"several TensorBoard callbacks stand in this fit, for {sorted(found)}"
        if found
        else "no TensorBoard callback stands in this fit"
    )
    raise ValueError(
        f"`sinks=['tensorboard']` means under the TensorBoard callback's own directory, but "
        f"{problem}. Pass `TensorBoardSink('logs')` with the directory instead"
        + ("." if found else ", or `keras.callbacks.TensorBoard('logs')` to `fit`, too.")
    )
