"""A record in a run of Weights & Biases: scalars, histograms, findings."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Histogram, Key
from keras_course_ext.monitoring.sinks.scalar_layout import tag_of

_STEP = "gradients_all/step"
# Most bins that W&B shows.
_MOST_BINS = 512


class WandbSink:
    """Writes a record to a run of Weights & Biases.

    * Scalars are `gradients_<statistic>/<layer>/<tensor>`, those of the whole model
      `gradients_all/<statistic>`. W&B makes a section of what stands before the first slash, so one
      section shows one statistic of all layers, and the whole model comes first. Their axis is
      `gradients_all/step`, the step of the record, whatever else the run logs.
    * Histograms are `gradients_histogram/<layer>/<tensor>`, `weights_histogram/...` and
      `activations_histogram/...`, in the bins that were counted.
    * Findings are the entry `gradients_findings` of the run's summary.

    It works without a network too, with `wandb.init(mode="offline")`. W&B keeps what an interrupted
    run has logged; a resumed one goes on after it.

    Args:
        run: A run, the object that `wandb.init()` returns. Defaults to None, the run that is active
            when training begins, which `sinks=["wandb"]` means too.

    Raises:
        ImportError: By `fit`, before training starts: if wandb is not installed.
        ValueError: By `fit`, before training starts: if there is no active run.

    Example:
        >>> from keras_course_ext.monitoring import GradientHistory, Key
        >>> from keras_course_ext.monitoring.sinks import WandbSink
        >>> import wandb  # doctest: +SKIP
        >>> with wandb.init(mode="offline") as run:  # doctest: +SKIP
        ...     sink = WandbSink(run)
        ...     sink.open(0, GradientHistory())
        ...     sink.write([0], [0], [Key("dense", "kernel", "grad_norm")], [[0.5]])
        ...     sink.write_histograms([])
        ...     sink.write_findings([])
        ...     sink.close()
    """

    def __init__(self, run: Any = None) -> None:
        self.run = run
        self._run: Any = None

    def __repr__(self) -> str:
        return f"WandbSink({self.run!r})" if self.run is not None else "WandbSink()"

    def open(self, first_step: int, history: GradientHistory) -> None:
        """Find the run.

        Args:
            first_step: Number of the first step.
            history: The `GradientHistory` that is written.

        Raises:
            ImportError: If wandb is not installed.
            ValueError: If there is no active run.
        """
        del first_step, history
        wandb = _wandb()
        self._run = self.run if self.run is not None else wandb.run
        if self._run is None:
            raise ValueError(
                "`sinks=['wandb']` means the active run of Weights & Biases, and there is none. "
                "Call `wandb.init(project='...')` before `fit`, with `mode='offline'` if there is "
                "no network."
            )
        self._run.define_metric(_STEP, hidden=True)
        for group in ("gradients_*", "weights_*", "activations_*"):
            self._run.define_metric(group, step_metric=_STEP)

    def write(
        self,
        steps: Sequence[int] | np.ndarray,
        epochs: Sequence[int] | np.ndarray,
        keys: Sequence[Key],
        values: Any,
    ) -> None:
        """Log a block of rows; see `kce.monitoring.sinks.Sink`.

        Args:
            steps: Step of each row, ascending, an array of shape `(rows,)`.
            epochs: Epoch of each row, an array of shape `(rows,)`.
            keys: A `Key` for each column.
            values: float32 of shape `(rows, len(keys))`.
        """
        del epochs
        names = [metric_of(key) for key in keys]
        for step, row in zip(np.asarray(steps).tolist(), np.asarray(values).tolist(), strict=True):
            self._run.log({**dict(zip(names, row, strict=True)), _STEP: step})

    def write_histograms(self, histograms: Sequence[Histogram]) -> None:
        """Log the histograms of some steps; see `kce.monitoring.sinks.Sink`.

        Args:
            histograms: A sequence of `Histogram`, at least one, in the order of the steps.
        """
        wandb = _wandb()
        for h in histograms:
            filled = np.flatnonzero(h.counts)
            if len(filled):
                # Empty bins at the ends would only widen the axis.
                first, last = int(filled[0]), min(int(filled[-1]), int(filled[0]) + _MOST_BINS - 1)
                bins = (h.counts[first : last + 1], h.edges[first : last + 2])
                name = f"{h.kind}s_histogram/{h.layer}/{h.tensor}"
                self._run.log({name: wandb.Histogram(np_histogram=bins), _STEP: h.step})

    def write_findings(self, findings: Sequence[Finding]) -> None:
        """Put the findings into the summary of the run.

        Args:
            findings: A sequence of `Finding`, the gravest first.
        """
        self._run.summary["gradients_findings"] = [str(finding) for finding in findings]

    def close(self) -> None:
        """Leave the run, which goes on."""
        self._run = None


def metric_of(key: Key) -> str:
    """Return the name of a scalar: that of TensorBoard without the point.

    The axis of a metric whose name has a point would be looked for in a nested dictionary.
    """
    return tag_of(key).replace("gradients.", "gradients_", 1)


def _wandb() -> Any:
    try:
        import wandb  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ImportError(
            "The sink 'wandb' needs Weights & Biases, which is not installed. Write `pip install "
            '"keras-course-ext[wandb]"` or `pip install wandb`.'
        ) from error
    return wandb
