"""TensorBoard's event files: what of an interrupted run is cut off before a resumed one goes on."""

import os
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
    for path in sorted(tf.io.gfile.glob(os.path.join(directory, f"events.out.tfevents.*{suffix}"))):
        _cut_file(path, os.path.join(directory, _TEMPORARY), first_step)


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
