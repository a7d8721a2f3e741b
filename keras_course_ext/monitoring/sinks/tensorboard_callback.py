"""Keras's TensorBoard callback in the same `fit`: where it writes."""

import gc
from typing import Any

import keras


def tensorboard_log_dir(params: Any) -> str:
    """Return the `log_dir` of the TensorBoard callback that stands in the same `fit`.

    A callback is not told which others there are, but Keras gives the same dictionary `params` to
    all callbacks of one `fit` and to no other, and that is how the callback is known among all
    living ones.

    Args:
        params: The `params` of a callback in this `fit`; None outside of one.

    Raises:
        ValueError: If there is no TensorBoard callback, or two of them write to different places.
    """
    # type(), not isinstance: a lazy module or a proxy would start to load what it stands for.
    living = (c for c in gc.get_objects() if issubclass(type(c), keras.callbacks.TensorBoard))
    found = {str(c.log_dir) for c in living if params and c.params is params}
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
