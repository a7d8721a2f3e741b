"""Where the TensorBoard callback in the same `fit` writes."""

from collections.abc import Iterable

import keras


def tensorboard_log_dir(callbacks: Iterable[keras.callbacks.TensorBoard]) -> str:
    """Return the one `log_dir` of the TensorBoard callbacks of a `fit`.

    Raises:
        ValueError: If there is no such callback, or two of them write to different places.
    """
    found = {str(callback.log_dir) for callback in callbacks}
    if len(found) == 1:
        return found.pop()
    problem = (
        f"several TensorBoard callbacks are in this fit, for {sorted(found)}"
        if found
        else "no TensorBoard callback is in this fit"
    )
    raise ValueError(
        f"`sinks=['tensorboard']` means under the TensorBoard callback's own directory, but "
        f"{problem}. Pass `TensorBoardSink('logs')` with the directory instead"
        + ("." if found else ", or `keras.callbacks.TensorBoard('logs')` to `fit`, too.")
    )
