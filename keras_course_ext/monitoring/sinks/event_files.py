"""TensorBoard's event files: removing what an interrupted run left, and beginning a new file."""

import os
import time
from typing import Any

import tensorflow as tf

# TensorBoard reads every file with "tfevents" in its name as one of a run.
_TEMPORARY = "cut.tmp"


def cut(directory: str, suffix: str, first_step: int) -> None:
    """Drop the summaries at and after a step from the event files of a directory.

    TensorBoard itself would hide them or, without its fast data server, draw both. A file ends at a
    record that was incomplete when the process was killed. Files left empty are removed.

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
    # TensorBoard reads files in the order of their names. A name holds the second and, as text, the
    # number of files that the process has begun, so the tenth file of a second would be read before
    # the ninth. TensorBoard takes the points of the ninth for a restart and hides the later ones.
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
