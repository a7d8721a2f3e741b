"""Observes what a `fit` is for: its data, outputs and losses, and how the loss goes.

The data of some batches is looked at on the host, where the train function returns what it was
given; nothing is computed in the step. Where it does not (several steps an execution, a
strategy), inputs and targets stay unknown, and the rules that need them are silent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_course_ext._layers import walk
from keras_course_ext.monitoring.capture.batches import by_output, named, sampled, stacked
from keras_course_ext.monitoring.capture.losses import LossInfo, losses_of
from keras_course_ext.monitoring.capture.outputs import outputs_of, with_targets
from keras_course_ext.monitoring.record.task import Observation, OutputInfo, rounded
from keras_course_ext.monitoring.record.task_summary import input_info

# After the first epochs the data is looked at in epochs 4, 8, 16, ...: a run of thousands of epochs
# of one small batch must not spend its time on that.
_FIRST_EPOCHS = 2


class TaskObserver:
    """Keeps what is known of the task of one run.

    Args:
        model: The compiled model.
        names: Returns the names of the layers by the `id` of the layer, once the model is built.
    """

    def __init__(self, model: keras.Model, names: Mapping[int, str]) -> None:
        self._model: Any = model
        self._names = names
        self._outputs: list[OutputInfo] | None = None
        self._losses: list[LossInfo] = []
        self._penalized: bool | None = None
        self.begin_epoch(0, 0)

    def begin_epoch(self, epoch: int, step: int) -> None:
        """Count what comes to this epoch, whose first step is `step`."""
        self._epoch, self._step = epoch, step
        self._batches = self._next_look = self._next_loss = 0
        self._data: list[Any] = []
        self._points: list[tuple[int, Any]] = []
        self._looks = epoch < _FIRST_EPOCHS or not epoch & (epoch - 1)

    def wants_data(self) -> bool:
        """Say whether the data of the next batch is to be looked at."""
        return self._looks and self._batches >= self._next_look

    def look(self, data: Any) -> None:
        """Keep samples of a batch, `data` being what `train_step` takes."""
        if self.wants_data():
            self._next_look = max(1, 2 * self._batches)
            self._data.append(sampled(data))

    def trained(self, logs: Any, batches: int = 1) -> None:
        """Note the loss after some batches.

        Args:
            logs: What the train function returned; its loss is the mean since the epoch began.
            batches: Number of batches of the call.
        """
        self._batches += batches
        if self._batches >= self._next_loss and isinstance(logs, dict) and "loss" in logs:
            self._next_loss = int(self._batches * 1.3) + 1
            self._points.append((self._batches, logs["loss"]))

    def observation(self, logs: Any = None) -> Observation:
        """Return what is known now.

        Args:
            logs: Keras's logs of the epoch, if it has ended.
        """
        model = self._model
        inputs, targets, weights = self._arrays()
        outputs = self._described(targets, weights) if self._data else ()
        optimizer = getattr(model, "optimizer", None)
        if self._penalized is None:
            self._penalized = _is_penalized(model)
        scalars = {name: _scalar(x) for name, x in (logs or {}).items()}
        known = {name: x for name, x in scalars.items() if x is not None}
        points = [(n, _scalar(loss)) for n, loss in self._points]
        found = [(n, loss) for n, loss in points if loss is not None]
        return Observation(
            epoch=self._epoch,
            step=self._step,
            batches=self._batches,
            inputs=tuple(input_info(name, x) for name, x in inputs.items()),
            outputs=tuple(outputs),
            optimizer=None if optimizer is None else type(optimizer).__name__,
            learning_rate=_scalar(getattr(optimizer, "learning_rate", None)),
            penalized=self._penalized,
            logs=tuple(known),
            values=tuple(known.values()),
            losses=tuple(loss for _, loss in found),
            at=tuple(n for n, _ in found),
        )

    def _arrays(self) -> tuple[dict[str, np.ndarray], list[Any], list[Any]]:
        """Return the samples that were kept: inputs by name, targets and weights by output."""
        names = self._output_names()
        xs: dict[str, list[np.ndarray]] = {}
        ys: list[list[np.ndarray]] = [[] for _ in names]
        ws: list[list[np.ndarray]] = [[] for _ in names]
        for data in self._data:
            x, y, w = keras.utils.unpack_x_y_sample_weight(data)
            for name, array in named(x):
                xs.setdefault(name, []).append(array)
            for parts, found in ((ys, by_output(y, names)), (ws, by_output(w, names, True))):
                for kept, array in zip(parts, found, strict=True):
                    if array is not None:
                        kept.append(array)
        return (
            {name: stacked(parts) for name, parts in xs.items()},
            [stacked(parts) for parts in ys],
            [stacked(parts) for parts in ws],
        )

    def _output_names(self) -> list[str]:
        names = list(getattr(self._model, "output_names", None) or [])
        return names if len(names) > 1 else [""]

    def _described(self, targets: Sequence[Any], weights: Sequence[Any]) -> list[OutputInfo]:
        if self._outputs is None:
            names = self._output_names()
            self._losses = losses_of(self._model, names)
            self._outputs = outputs_of(self._model, names, self._losses, self._names)
        return [
            with_targets(output, loss, y, w)
            for output, loss, y, w in zip(
                self._outputs, self._losses, targets, weights, strict=True
            )
        ]


def _scalar(x: Any) -> float | None:
    try:
        return rounded(float(x))
    except (TypeError, ValueError, NotImplementedError):
        return None


def _is_penalized(model: Any) -> bool:
    """Say whether the loss may have terms besides those of the outputs."""
    cls = type(model)
    base = keras.Model
    if any(getattr(cls, n) is not getattr(base, n) for n in ("train_step", "compute_loss")):
        return True
    if any(getattr(w, "regularizer", None) is not None for w in model.trainable_variables):
        return True
    return any(
        getattr(layer, "activity_regularizer", None) is not None
        # What a layer gave to the public `add_loss`, kept in a private attribute.
        or getattr(layer, "_loss_ids", None)
        for layer in [model, *(layer for _, layer in walk(model))]
    )
