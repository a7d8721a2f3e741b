"""A record as TensorBoard shows it: a curve for every statistic, and histograms."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Histogram, Key
from keras_course_ext.monitoring.sinks.event_files import begin, cut
from keras_course_ext.monitoring.sinks.scalar_layout import layout, tag_of

_RUN = "train"
_SUFFIX = ".gradients"
_GROUP = {"gradient": "gradients", "weight": "weights", "activation": "activations"}
# DataClass of TensorBoard's summary.proto, which TensorFlow has no public name for.
_SCALAR, _TENSOR = 1, 2


@keras.saving.register_keras_serializable(package="keras_course_ext")
class TensorBoardSink:
    """Writes a record where TensorBoard shows it, among the curves of Keras's own callback.

    The run is `<log_dir>/train`, that of `keras.callbacks.TensorBoard(log_dir)`, in a separate
    event file. Every recorded step is a point; steps are those of the record (batches, not epochs).

    * The dashboard "Custom Scalars" has one chart for each statistic, with all layers on it; the
      whole model comes first.
    * Scalars have the tag `gradients.<statistic>/<layer>/<tensor>`, such as
      `gradients.grad_norm/dense/kernel`, those of the whole model `gradients.all/<statistic>`.
      TensorBoard makes a group of charts of what stands before the first slash, so one group shows
      one statistic of all layers. NaN and infinity are marked in the curve.
    * Histograms have the tags `gradients/<layer>/<tensor>`, `weights/<layer>/<tensor>` and
      `activations/<layer>/output`. The bins are those that were counted, between powers of 2.
    * Findings are the text `gradients/findings`, at the step at which they were made.

    Where training is resumed the curves go on: what an interrupted run had written with this sink
    at or after the first step is dropped, and a run that starts at step 0 starts the curves anew.
    A TensorBoard that is running shows so at once; with `--load_fast=false` it has to be started
    again. Event files of others are left alone.

    Writing needs TensorFlow only; to look at it, install TensorBoard: `pip install
    "keras-course-ext[tensorboard]"` and `tensorboard --logdir logs`. With `--load_fast=false` a
    running TensorBoard follows only the newest file of a run; add `--reload_multifile=true`. Of a
    long run it shows a sample, 1000 points a curve; `--samples_per_plugin=scalars=0` shows all.

    Args:
        log_dir: The directory, as `keras.callbacks.TensorBoard` gets it; it is created. Paths that
            TensorFlow reads, such as `gs://`, are allowed.

    Raises:
        ValueError: If `log_dir` is empty.
        OSError: From `open` and `write`, if nothing can be written there.

    Example:
        >>> import tempfile
        >>> import keras_course_ext as kce
        >>> from keras_course_ext.monitoring import GradientHistory, Key
        >>> sink = kce.monitoring.sinks.TensorBoardSink(tempfile.mkdtemp())
        >>> sink.open(0, GradientHistory())
        >>> sink.write([0, 1], [0, 0], [Key("dense", "kernel", "grad_norm")], [[0.5], [0.25]])
        >>> sink.write_histograms([])
        >>> sink.write_findings([])
        >>> sink.close()
    """

    def __init__(self, log_dir: str | os.PathLike[str]) -> None:
        self.log_dir = os.fspath(log_dir)
        if not self.log_dir:
            raise ValueError(
                "`log_dir` of TensorBoardSink must name a directory, such as 'logs'. "
                f"Received: log_dir={log_dir!r}."
            )
        self._writer: Any = None
        self._keys: Sequence[Key] = ()
        self._scalars: Any = None
        self._last_step = 0
        self._has_layout = False

    def __repr__(self) -> str:
        return f"TensorBoardSink({self.log_dir!r})"

    def open(self, first_step: int, history: GradientHistory) -> None:
        """Cut off what lies at or after the first step, and begin an event file.

        Args:
            first_step: Number of the first step.
            history: The `GradientHistory` that is written; the tags say all that is needed of it.

        Raises:
            OSError: If nothing can be written there.
        """
        del history
        self._has_layout, self._last_step = False, first_step
        run = os.path.join(self.log_dir, _RUN)
        with self._as_os_error():
            tf.io.gfile.makedirs(run)
            cut(run, _SUFFIX, first_step)
            self._writer = begin(run, _SUFFIX)

    def write(
        self,
        steps: Sequence[int] | np.ndarray,
        epochs: Sequence[int] | np.ndarray,
        keys: Sequence[Key],
        values: Any,
    ) -> None:
        """Write a block of rows; see `kce.monitoring.sinks.Sink`.

        Args:
            steps: Step of each row, ascending, an array of shape `(rows,)`.
            epochs: Epoch of each row, an array of shape `(rows,)`.
            keys: A `Key` for each column.
            values: float32 of shape `(rows, len(keys))`.
        """
        del epochs
        if tuple(keys) != self._keys:
            self._keys, self._scalars = tuple(keys), _scalars(keys)
        rows = np.asarray(values, np.float32).tolist()
        with self._writing():
            if len(steps) and not self._has_layout:
                _write(_layout(keys), int(steps[0]))
                self._has_layout = True
            for step, row in zip(np.asarray(steps).tolist(), rows, strict=True):
                for scalar, value in zip(self._scalars.value, row, strict=True):
                    scalar.tensor.float_val[0] = value
                _write(self._scalars, step)
                self._last_step = step

    def write_histograms(self, histograms: Sequence[Histogram]) -> None:
        """Write the histograms of some steps; see `kce.monitoring.sinks.Sink`.

        Args:
            histograms: A sequence of `Histogram`, at least one, in the order of the steps.
        """
        with self._writing():
            for step, group in groupby(histograms, key=attrgetter("step")):
                _write(_histograms(group), step)

    def write_findings(self, findings: Sequence[Finding]) -> None:
        """Write the findings as a text at the step that was written last.

        Args:
            findings: A sequence of `Finding`, the gravest first.
        """
        with self._writing():
            _write(_text("\n\n".join(str(f) for f in findings) or "–"), self._last_step)

    def close(self) -> None:
        """End the event file."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            with self._as_os_error():
                writer.close()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal sink."""
        return {"log_dir": self.log_dir}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "TensorBoardSink":
        """Return the sink that `get_config` describes."""
        return cls(**config)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self._writer is None:
            raise RuntimeError(
                "TensorBoardSink is not open. Call `open(first_step, layers)` first."
            )
        # A TensorBoard callback with an integer `update_freq` has most steps of a fit not recorded.
        # Leaving `as_default` flushes.
        with self._as_os_error(), self._writer.as_default(), tf.summary.record_if(True):
            yield

    @contextmanager
    def _as_os_error(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            raise OSError(
                f"TensorBoard's files cannot be written to '{self.log_dir}': {error.message}"
            ) from error


def _write(summary: Any, step: int) -> None:
    """Write all values of a step at once: an operation for each of them would be far dearer."""
    tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=step)


def _scalars(keys: Sequence[Key]) -> Any:
    """Return a summary of one scalar a key, its value to be filled in."""
    summary = tf.compat.v1.Summary()
    for key in keys:
        value = summary.value.add(tag=tag_of(key))
        value.metadata.plugin_data.plugin_name = "scalars"
        value.metadata.data_class = _SCALAR
        value.tensor.dtype = tf.float32.as_datatype_enum
        value.tensor.tensor_shape.SetInParent()
        value.tensor.float_val.append(0.0)
    return summary


def _layout(keys: Iterable[Key]) -> Any:
    """Return a summary with the layout of the dashboard "Custom Scalars"."""
    summary = tf.compat.v1.Summary()
    value = summary.value.add(tag="custom_scalars__config__")
    value.metadata.plugin_data.plugin_name = "custom_scalars"
    value.tensor.CopyFrom(tf.make_tensor_proto(layout(keys), tf.string))
    return summary


def _text(text: str) -> Any:
    """Return a summary in the form of TensorBoard's plugin for texts."""
    summary = tf.compat.v1.Summary()
    value = summary.value.add(tag="gradients/findings")
    value.metadata.plugin_data.plugin_name = "text"
    value.metadata.data_class = _TENSOR
    value.tensor.CopyFrom(tf.make_tensor_proto([text], tf.string))
    return summary


def _histograms(histograms: Iterable[Histogram]) -> Any:
    """Return a summary in the form of TensorBoard's plugin: left edge, right edge and count."""
    summary = tf.compat.v1.Summary()
    for h in histograms:
        filled = np.flatnonzero(h.counts)
        # Empty bins at the ends would only widen the axis, twofold after ReLU.
        shown = slice(filled[0], filled[-1] + 1) if len(filled) else slice(0)
        buckets = np.stack([h.edges[:-1][shown], h.edges[1:][shown], h.counts[shown]], axis=1)
        value = summary.value.add(tag=f"{_GROUP[h.kind]}/{h.layer}/{h.tensor}")
        value.metadata.plugin_data.plugin_name = "histograms"
        value.metadata.data_class = _TENSOR
        value.tensor.CopyFrom(tf.make_tensor_proto(buckets.astype(np.float64)))
    return summary
