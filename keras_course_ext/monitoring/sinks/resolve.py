"""What `sinks=[...]` may hold, and the sinks that it means in a given `fit`."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_course_ext.monitoring.sinks.csv_sink import CSVSink
from keras_course_ext.monitoring.sinks.file_sink import FileSink
from keras_course_ext.monitoring.sinks.jsonl_sink import JSONLinesSink
from keras_course_ext.monitoring.sinks.mlflow_sink import MLflowSink
from keras_course_ext.monitoring.sinks.sink import Sink
from keras_course_ext.monitoring.sinks.wandb_sink import WandbSink

# Stand for a sink that is known when `fit` begins: in the directory of the TensorBoard callback, or
# in the run that is active then.
_TENSORBOARD = "tensorboard"
_OF_NAME: dict[str, type[Any]] = {"wandb": WandbSink, "mlflow": MLflowSink}
_OF_ENDING: dict[str, type[FileSink]] = {".csv": CSVSink, ".jsonl": JSONLinesSink}


def checked_sinks(sinks: Any) -> list[Sink | str]:
    """Return the sinks that were asked for, paths turned into sinks.

    Args:
        sinks: None, or a sequence of sinks, of paths that end in `.csv` or `.jsonl`, and of the
            names `"tensorboard"`, `"wandb"` and `"mlflow"`, which are left as they are.

    Raises:
        ValueError: If an item is neither, or a file is named twice.
    """
    if sinks is None:
        return []
    if isinstance(sinks, str | os.PathLike | Sink):
        raise ValueError(
            f"`sinks` must be a list. Received: sinks={sinks!r}. Write `sinks=[{sinks!r}]`."
        )
    found = [_sink(item) for item in sinks]
    paths = [Path(sink.path).resolve() for sink in found if isinstance(sink, FileSink)]
    twice = {str(path) for path in paths if paths.count(path) > 1}
    if twice:
        raise ValueError(
            f"`sinks` names the file {', '.join(map(repr, sorted(twice)))} more than once, and "
            "every value would stand in it as often. Write each path once."
        )
    return found


def sinks_of(requested: Sequence[Sink | str], tensorboard: Callable[[], Sink]) -> list[Sink]:
    """Return the sinks of a `fit`, prepared before any is opened.

    Args:
        requested: What `checked_sinks` returned.
        tensorboard: Returns the sink that `"tensorboard"` means.
    """
    sinks: list[Sink] = []
    for sink in requested:
        if isinstance(sink, str):
            sinks.append(_OF_NAME[sink]() if sink in _OF_NAME else tensorboard())
        else:
            sinks.append(sink)
    for sink in sinks:
        if isinstance(sink, FileSink):
            sink.prepare()
    return sinks


def config_of(sinks: Sequence[Sink | str]) -> list[Any] | None:
    """Return what makes equal sinks: the path of a file, and any other sink itself."""
    return [sink.path if isinstance(sink, FileSink) else sink for sink in sinks] or None


def _sink(item: Any) -> Sink | str:
    if isinstance(item, dict):
        # A serialized sink of the user's own class, from the config of a monitor.
        import keras

        item = keras.saving.deserialize_keras_object(item)
    if isinstance(item, str) and item in (_TENSORBOARD, *_OF_NAME):
        return item
    if isinstance(item, str | os.PathLike):
        ending = Path(item).suffix
        if ending in _OF_ENDING:
            return _OF_ENDING[ending](item)
        raise ValueError(
            f"A path in `sinks` must end in {' or '.join(_OF_ENDING)}, or be '{_TENSORBOARD}', "
            f"{' or '.join(map(repr, _OF_NAME))}. "
            f"Received: '{os.fspath(item)}'. Write for example "
            f"'{Path(item).with_suffix('.jsonl')}'."
        )
    if isinstance(item, Sink) and not isinstance(item, type):
        return item
    raise ValueError(
        "An item of `sinks` must be a path or an object with the methods `open`, `write`, "
        f"`write_histograms` and `close` of `kce.monitoring.sinks.Sink`. Received: {item!r}."
    )
