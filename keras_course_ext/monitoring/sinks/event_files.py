"""TensorBoard's event files: cutting off what an interrupted run left, and beginning a new one."""

import os
import time
from typing import Any

import tensorflow as tf

# TensorBoard takes every file with "tfevents" in its name for one of a run.
_TEMPORARY = "cut.tmp"


def cut(directory: str, suffix: str, first_step: int) -> None:
    """Drop the summaries at and after a step from the event files of a directory.

    TensorBoard itself would hide them or, without its fast data server, draw both. A record that
    was torn when its process was killed ends its file. Files that hold nothing else are removed.

    Args:
        directory: Where the files are; it need not exist.
        suffix: End of the names of the files to cut; files of other writers are left alone.
        first_step: The first step to drop.
    """
    for path in _files(directory, suffix):
        _cut_file(path, os.path.join(directory, _TEMPORARY), first_step)


def begin(directory: str, suffix: str) -> Any:
    """Return a writer of a new event file, one that TensorBoard reads after those that are there.

    Args:
        directory: Where to.
        suffix: End of the name.
    """
    earlier = _files(directory, suffix)
    writer = tf.summary.create_file_writer(directory, filename_suffix=suffix)
    (path,) = set(_files(directory, suffix)) - set(earlier)
    if path > max(earlier, default=""):
        return writer
    # Files are read in the order of their names, which hold the second and, as text, how many of
    # them the process has begun: the tenth of a second would come before the ninth, whose points,
    # read later, TensorBoard takes for those of a restart and hides all after them.
    writer.close()
    tf.io.gfile.remove(path)
    time.sleep(1 - time.time() % 1)
    return tf.summary.create_file_writer(directory, filename_suffix=suffix)


def _files(directory: str, suffix: str) -> list[str]:
    return sorted(tf.io.gfile.glob(os.path.join(directory, f"events.out.tfevents.*{suffix}")))


def _cut_file(path: str, temporary: str, first_step: int) -> None:
    kept = dropped = 0
    with tf.io.TFRecordWriter(temporary) as writer:
        try:
            for record in tf.data.TFRecordDataset(path):
                content: Any = record.numpy()
                event = tf.compat.v1.Event.FromString(content)
                summary = event.HasField("summary")
                if summary and event.step >= first_step:
                    dropped += 1
                else:
                    kept += summary
                    writer.write(content)
        except tf.errors.DataLossError:
            pass
    if dropped and kept:
        tf.io.gfile.rename(temporary, path, overwrite=True)
        return
    tf.io.gfile.remove(temporary)
    if dropped:
        tf.io.gfile.remove(path)
