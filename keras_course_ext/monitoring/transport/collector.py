"""The collector: reads the stores of all replicas, decodes their rows, and extends the history."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from keras_course_ext.monitoring.record.histograms import BINS, decoded
from keras_course_ext.monitoring.record.history import GradientHistory
from keras_course_ext.monitoring.record.layout import Layout
from keras_course_ext.monitoring.record.model_statistics import per_epoch, per_step
from keras_course_ext.monitoring.record.schema import MODEL, Key, LayerInfo, with_earlier
from keras_course_ext.monitoring.record.statistics import OUTPUT, STATISTICS, WEIGHT, finished
from keras_course_ext.monitoring.record.sums import ABSENT, NOT_MEASURED, is_missing, joined
from keras_course_ext.monitoring.transport.applied import Applied
from keras_course_ext.monitoring.transport.store import RowStore
from keras_course_ext.monitoring.transport.workers import (
    gathered,
    has_other_workers,
    of_all_workers,
    of_common_steps,
)


class Collector:
    """Reads what the steps of a run wrote.

    Args:
        layout: The layout of a row.
        stores: One for each replica of this process.
        strategy: The strategy of the model.
        optimizers: The optimizers, whose clipping is recorded, by name.
        loss_scaled: Whether it scales the loss, and skips steps.
        layers: Names of the layers whose records are kept; None for all.
        applied: Says which optimizer made a step.
    """

    def __init__(
        self,
        layout: Layout,
        stores: Sequence[Any],
        strategy: tf.distribute.Strategy,
        optimizers: Mapping[str, Any],
        loss_scaled: bool,
        layers: Sequence[str] | None,
        applied: Applied | None = None,
    ) -> None:
        self._layout = layout
        self._stores: Sequence[RowStore] = stores
        self._strategy = strategy
        self._others = has_other_workers(strategy)
        self._optimizers = optimizers
        self._loss_scaled = loss_scaled
        self._kept_layers = layers
        self._given_weights = applied.given if applied is not None else set()
        self._applied = applied if applied is not None and applied.several else None
        self._infos: list[LayerInfo] = list(layout.layers)
        self._recorded: tuple[GradientHistory, Sequence[LayerInfo]] | None = None
        self._in_forward_order = False

    def order(self, called: Sequence[str]) -> None:
        """List the layers in the order in which they were called; only the first call counts."""
        if called and not self._in_forward_order:
            rank = {name: i for i, name in enumerate(dict.fromkeys(called))}
            self._infos.sort(key=lambda info: rank.get(info.name, len(rank)))
            self._in_forward_order = True

    def last_grad_norm(self) -> float:
        """Return the global gradient norm of the step that was recorded last; NaN for none."""
        row = self._stores[0].last_row()
        if row is None:
            return float("nan")
        late = np.full(self._layout.late_size, NOT_MEASURED, np.float32)
        keys, values = self._decode(np.append(row, late)[None, None])
        of_model, norms = per_step(keys, values, [None])
        return float(norms[0, 0]) if of_model else float("nan")

    def drain(self, history: GradientHistory, epoch: int) -> None:
        """Move the rows written since the last call to the history."""
        layout = self._layout
        rows = self._read([s.read() for s in self._stores], layout.size + layout.late_size)
        steps = rows[0][1]
        if len(steps):
            history.layers = self._layers_with_those_of(history)
            keys, values = self._decode(np.stack([block for block, _ in rows]))
            names = self._optimizer_names(rows[0][0])
            made = [None if name is None else self._optimizers[name] for name in names]
            model_keys, model_values = per_step(keys, values, made)
            if self._applied is not None and model_keys:
                model_keys, model_values = _of_each(names, model_keys, model_values)
            values = np.concatenate([values, model_values], axis=1)
            keys, values = self._kept([*keys, *model_keys], values)
            for run, columns in _as_measured(values):
                now, found = steps[run], [keys[i] for i in columns]
                history.append(now, np.full(len(now), epoch), found, values[run][:, columns])

    def drain_bins(self, history: GradientHistory, epoch: int) -> None:
        """Move the histograms written since the last call to the history."""
        subjects = self._layout.subjects
        read = self._read([s.read_bins() for s in self._stores], len(subjects), BINS)
        # Weights and their gradients are the same on all replicas; outputs are parts of the batch.
        outputs = [i for i, subject in enumerate(subjects) if subject.kind == "activation"]
        for row, step in enumerate(read[0][1]):
            counts = read[0][0][row]
            counts[outputs] = sum(other[row][outputs] for other, _ in read)
            history.histograms += decoded(counts, int(step), epoch, subjects)

    def drain_epoch(self, history: GradientHistory, epoch: int) -> None:
        """Append what is known of an epoch as a whole, at its last recorded step.

        Of an epoch without a recorded step nothing is known.
        """
        of_epoch = history.of_epoch(epoch)
        if not len(of_epoch):
            return
        read = [store.read_epoch() for store in self._stores]
        lives = [live for live, _ in read]
        if self._others and self._layout.units:
            lives = gathered(self._strategy, lives)
        living = np.max(lives, axis=0)
        slices = self._layout.unit_slices
        count_dead: Any = STATISTICS[OUTPUT, "dead_units"].finish
        keys = [Key(name, "output", "dead_units") for name in slices]
        values = [float(count_dead(living[at])) for at in slices.values()]
        if self._loss_scaled:
            keys.append(Key(*MODEL, "skipped_steps"))
            values.append(read[0][1])
        model_keys, model_values = per_epoch(of_epoch)
        keys, table = self._kept([*keys, *model_keys], np.array([[*values, *model_values]]))
        history.append([of_epoch.steps[-1]], [epoch], keys, table)

    def _layers_with_those_of(self, history: GradientHistory) -> tuple[LayerInfo, ...]:
        """Return the layers, with the weights that an earlier fit trained and this one does not."""
        if self._recorded is None or self._recorded[0] is not history:
            self._recorded = history, history.layers
        return with_earlier(self._marked(), self._recorded[1])

    def _optimizer_names(self, rows: np.ndarray) -> Sequence[str | None]:
        """Return which optimizer made each step; None where that is not known."""
        if self._applied is None:
            return [*self._optimizers][:1] * len(rows)
        return self._applied.of_rows(self._given(rows))

    def _read(
        self, read: list[tuple[np.ndarray, np.ndarray]], *shape: int
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the new rows of the replicas of all processes, of the steps that all have."""
        if self._others:
            read = of_all_workers(self._strategy, read, shape)
        return of_common_steps(read)

    def _decode(self, rows: np.ndarray) -> tuple[list[Key], np.ndarray]:
        """Return the statistics of some rows.

        Args:
            rows: Shape `(replicas, steps, size + late_size)`.

        Returns:
            The keys in forward order, weights first, and values of shape `(steps, len(keys))`.
        """
        layout, (_, n, _) = self._layout, rows.shape
        found: dict[Key, np.ndarray] = {}
        # Weights are the same on all replicas: their gradients are summed over them first.
        weights = (n, len(layout.weights))
        by_weight = rows[0, :, : layout.outputs_at].reshape(*weights, len(layout.weight_sums))
        late = rows[0, :, layout.size :].reshape(*weights, len(layout.late_sums))
        sums: dict[str, Any] = {s: by_weight[:, :, i] for i, s in enumerate(layout.weight_sums)}
        sums |= {name: late[:, :, i] for i, name in enumerate(layout.late_sums)}
        sums["weight.size"] = np.array(layout.sizes, np.float32)
        for name, values in finished(layout.of_weight, sums):
            if STATISTICS[WEIGHT, name].of_update:
                # 0 would say that the step moved a weight too little, which got no gradient in it.
                values = np.where(self._given(rows[0]), values, np.float32(ABSENT))
            found |= {w.key(name): values[:, i] for i, w in enumerate(layout.weights)}
        by_output = rows[:, :, layout.outputs_at : layout.size]
        shape = (*rows.shape[:2], len(layout.signals), len(layout.output_sums))
        by_output = by_output.reshape(shape)
        sums = joined({name: by_output[..., i] for i, name in enumerate(layout.output_sums)})
        for name, values in finished(layout.of_output, sums):
            found |= {s.key(name): values[:, i] for i, s in enumerate(layout.signals)}
        keys = [key for key in self._in_order(found) if (found[key] != np.float32(ABSENT)).any()]
        return keys, np.stack([found[key] for key in keys], axis=1) if keys else np.empty((n, 0))

    def _marked(self) -> list[LayerInfo]:
        """Return the layers, with the weights noted that no optimizer was given."""
        untrained: dict[str, list[str]] = {}
        if self._given_weights:
            for i, weight in enumerate(self._layout.weights):
                if i not in self._given_weights:
                    untrained.setdefault(weight.layer, []).append(weight.tensor)
        if not untrained:
            return self._infos
        return [
            replace(info, untrained=tuple(untrained.get(info.name, ()))) for info in self._infos
        ]

    def _given(self, rows: np.ndarray) -> np.ndarray:
        """Return which weights have a gradient in each of some rows, `(steps, weights)`."""
        layout = self._layout
        shape = (len(rows), len(layout.weights), len(layout.weight_sums))
        return rows[:, : layout.outputs_at].reshape(shape)[:, :, 0] != np.float32(ABSENT)

    def _in_order(self, keys: Any) -> list[Key]:
        place = {info.name: i for i, info in enumerate(self._infos)}
        signals = {(s.layer, s.tensor): i for i, s in enumerate(self._layout.signals)}
        weights = {(w.layer, w.tensor): i for i, w in enumerate(self._layout.weights)}

        def of(key: Key) -> tuple[bool, int, int]:
            tensor = key[:2]
            return tensor in signals, place[key.layer], {**weights, **signals}[tensor]

        return sorted(keys, key=of)

    def _kept(self, keys: Sequence[Key], values: np.ndarray) -> tuple[list[Key], np.ndarray]:
        """Leave out what belongs to other layers; what belongs to the whole model stays."""
        layers = self._kept_layers
        kept = [i for i, k in enumerate(keys) if layers is None or k.layer in ("", *layers)]
        return [keys[i] for i in kept], values[:, kept]


def _of_each(
    names: Sequence[str | None], keys: Sequence[Key], values: np.ndarray
) -> tuple[list[Key], np.ndarray]:
    """Return statistics of the model, with the gradient norms of each optimizer's steps added."""
    of_model = values[:, [key.statistic for key in keys].index("grad_norm")]
    made = np.array(names, object)
    found = dict.fromkeys(name for name in names if name is not None)
    columns = [np.where(made == name, of_model, np.float32(ABSENT)) for name in found]
    added = [Key("", name, "grad_norm") for name in found]
    return [*keys, *added], np.column_stack([values, *columns])


def _as_measured(values: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield runs of rows, and the columns that were measured in all of their steps.

    A step that was recorded only because something was not finite lacks the early statistics.
    """
    measured = ~is_missing(values)
    changes = np.flatnonzero((measured[1:] != measured[:-1]).any(axis=1)) + 1
    for start, stop in itertools.pairwise([0, *changes.tolist(), len(values)]):
        yield slice(start, stop), np.flatnonzero(measured[start])
