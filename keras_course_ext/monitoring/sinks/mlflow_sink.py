"""A record in a run of MLflow: metrics, histograms, findings."""

import re
import time
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np

from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.schema import Histogram, Key
from keras_course_ext.monitoring.sinks.scalar_layout import tag_of

# MLflow takes these characters in the name of a metric, and so many metrics at once.
_NOT_ALLOWED = re.compile(r"[^\w\-. :/]")
_MOST_AT_ONCE = 1000
_LONGEST_TAG = 5000


class MLflowSink:
    """Writes a record to a run of MLflow.

    * Metrics are `gradients.<statistic>/<layer>/<tensor>`, those of the whole model
      `gradients.all/<statistic>`. MLflow groups charts by what stands before the slash. Characters
      that it does not allow in a name become `_`.
    * Histograms, which MLflow has no charts for, are the artifacts
      `gradients/histograms/step_<number>.json`, with edges and counts.
    * Findings are the tag `gradients.findings` and the artifact `gradients/findings.txt`.

    It writes through `mlflow.MlflowClient`, to any store: a server, a folder or a database. MLflow
    keeps what an interrupted run has logged; a resumed one goes on after it.

    Args:
        run_id: Id of the run, a string. Defaults to None, the run that is active when training
            begins, which `sinks=["mlflow"]` means too.

    Raises:
        ImportError: By `fit`, before training starts: if MLflow is not installed.
        ValueError: By `fit`, before training starts: if there is no active run.

    Example:
        >>> from keras_course_ext.monitoring import GradientHistory, Key
        >>> from keras_course_ext.monitoring.sinks import MLflowSink
        >>> import mlflow  # doctest: +SKIP
        >>> with mlflow.start_run() as run:  # doctest: +SKIP
        ...     sink = MLflowSink(run.info.run_id)
        ...     sink.open(0, GradientHistory())
        ...     sink.write([0], [0], [Key("dense", "kernel", "grad_norm")], [[0.5]])
        ...     sink.write_histograms([])
        ...     sink.write_findings([])
        ...     sink.close()
    """

    def __init__(self, run_id: str | None = None) -> None:
        self.run_id = run_id
        self._run_id = ""
        self._client: Any = None

    def __repr__(self) -> str:
        return f"MLflowSink({self.run_id!r})" if self.run_id is not None else "MLflowSink()"

    def open(self, first_step: int, history: GradientHistory) -> None:
        """Find the run.

        Args:
            first_step: Number of the first step.
            history: The `GradientHistory` that is written.

        Raises:
            ImportError: If MLflow is not installed.
            ValueError: If there is no active run.
        """
        del first_step, history
        mlflow = _mlflow()
        active = mlflow.active_run()
        if self.run_id is None and active is None:
            raise ValueError(
                "`sinks=['mlflow']` means the active run of MLflow, and there is none. Call "
                "`mlflow.start_run()` before `fit`, or pass `MLflowSink(run_id)`."
            )
        self._run_id = active.info.run_id if self.run_id is None else self.run_id
        self._client = mlflow.MlflowClient()

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
        from mlflow.entities import Metric  # pyright: ignore[reportMissingImports]

        now = int(time.time() * 1000)
        names = [_NOT_ALLOWED.sub("_", tag_of(key)) for key in keys]
        metrics = [
            Metric(name, value, now, step)
            for step, row in zip(
                np.asarray(steps).tolist(), np.asarray(values).tolist(), strict=True
            )
            for name, value in zip(names, row, strict=True)
        ]
        for i in range(0, len(metrics), _MOST_AT_ONCE):
            self._client.log_batch(self._run_id, metrics=metrics[i : i + _MOST_AT_ONCE])

    def write_histograms(self, histograms: Sequence[Histogram]) -> None:
        """Log the histograms of some steps; see `kce.monitoring.sinks.Sink`.

        Args:
            histograms: A sequence of `Histogram`, at least one, in the order of the steps.
        """
        for step, group in groupby(histograms, key=attrgetter("step")):
            document = [
                {
                    "layer": h.layer,
                    "tensor": h.tensor,
                    "kind": h.kind,
                    "edges": h.edges.tolist(),
                    "counts": h.counts.tolist(),
                }
                for h in group
            ]
            path = f"gradients/histograms/step_{step:08d}.json"
            self._client.log_dict(self._run_id, {"step": int(step), "histograms": document}, path)

    def write_findings(self, findings: Sequence[Finding]) -> None:
        """Log the findings as a tag and as a text.

        Args:
            findings: A sequence of `Finding`, the gravest first.
        """
        text = "\n\n".join(str(finding) for finding in findings)
        self._client.set_tag(self._run_id, "gradients.findings", text[:_LONGEST_TAG])
        self._client.log_text(self._run_id, text, "gradients/findings.txt")

    def close(self) -> None:
        """Leave the run, which goes on."""
        self._client = None


def _mlflow() -> Any:
    try:
        import mlflow  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ImportError(
            "The sink 'mlflow' needs MLflow, which is not installed. Write `pip install "
            '"keras-course-ext[mlflow]"`, `pip install mlflow-skinny` or `pip install mlflow`.'
        ) from error
    return mlflow
