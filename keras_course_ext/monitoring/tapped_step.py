"""One pass through a training step: what the taps hand over, and the row made of it."""

import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext._logits import noted_logits, remember_logits
from keras_course_ext._override import overridden
from keras_course_ext._tracing import under_xla
from keras_course_ext.monitoring.branch import branch
from keras_course_ext.monitoring.history import Key
from keras_course_ext.monitoring.inventory import LayerEntry
from keras_course_ext.monitoring.norms import l2_norms
from keras_course_ext.monitoring.reading import beside
from keras_course_ext.monitoring.saturation import saturation_of
from keras_course_ext.monitoring.statistics import (
    OUTPUT_SUMS,
    live_units,
    output_row,
    weight_columns,
)

if TYPE_CHECKING:
    from keras_course_ext.monitoring.tap import GradientTap

Pairs = Sequence[tuple[Any, keras.Variable]]


class TappedStep:
    """Collects the tensors of one training step on one replica, and writes its row.

    Args:
        tap: The tap that this step belongs to.
        replica: Number of the replica.
    """

    def __init__(self, tap: "GradientTap", replica: int) -> None:
        self._tap = tap
        self._replica = replica
        self._graph = current_graph()
        self._signals: dict[Key, list[tf.Tensor]] = {}
        self._outputs: dict[str, list[tf.Tensor]] = {}
        self._inputs: dict[str, list[tf.Tensor]] = {}
        self._called: list[str] = []
        self._untrained: dict[int, tf.Tensor] = {}
        self._weights_seen = False
        self._ended = False

    def ended(self) -> bool:
        """Say whether the optimizer has had its gradients: what comes now is another step."""
        return self._ended

    def call(self, entry: LayerEntry, call: Callable, args: tuple, kwargs: dict) -> Any:
        """Run a layer's `call` and note what comes out of it."""
        if current_graph() is not self._graph:
            # Inside a loop's or a condition's own graph, whose tensors do not exist outside.
            return call(*args, **kwargs)
        with self._noting_inputs(entry):
            outputs = call(*args, **kwargs)
        self._called.append(entry.name)
        for a in keras.tree.flatten(outputs):
            if isinstance(a, tf.Tensor) and a.dtype.is_floating:
                self._outputs.setdefault(entry.name, []).append(a)
        if self._gets_gradient(entry.layer, (args, kwargs)):
            return keras.tree.map_structure(lambda a: self._observe(entry.name, a), outputs)
        self._untrained.update((id(a), a) for a in keras.tree.flatten(outputs))
        return outputs

    def apply(self, apply: Callable, grads: list[Any], variables: Any) -> Any:
        """Run the optimizer's `apply`, and write the row of this step around it."""
        given = [] if variables is None else [list(variables)]
        variables = given[0] if given else self._tap.model.trainable_variables
        self._tap.allot(self._called)
        pairs = self._known(grads, variables)
        if not pairs and not self._signals:
            return apply(grads, *given)
        columns, buffer = self._tap.columns, self._tap.buffers[self._place]
        assert columns is not None
        columns.saw([*(columns.weights[id(w)][0] for _, w in pairs), *self._signals])
        due = buffer.due() | buffer.alarm(self._finite(pairs))
        scale = tf.cast(self._tap.optimizer.scale_loss(1.0), tf.float32)
        before = self._batches_before()
        measured = tf.nest.flatten(
            branch(
                due,
                lambda: self._measure(pairs, scale),
                lambda: self._measure_nothing(pairs),
            )
        )
        self._count_bins(pairs, scale)
        result = apply(grads, *given)
        branch(due, lambda: self._write(measured, pairs), lambda: tf.no_op())
        buffer.count_step(self._skipped(before))
        self._ended = True
        return result

    @property
    def _place(self) -> int:
        """The number of this replica among those of its own process."""
        return self._replica % len(self._tap.buffers)

    def _noting_inputs(self, entry: LayerEntry) -> AbstractContextManager:
        """Note what goes into the layer's activation, where saturation shows only there."""
        f = vars(entry.layer).get("activation")
        if "saturated_share" not in self._tap.wanted or not saturation_of(entry.layer).from_input:
            return nullcontext()
        if not callable(f):
            return nullcontext()

        def noted(z: Any, *args: Any, **kwargs: Any) -> Any:
            self._inputs.setdefault(entry.name, []).append(z)
            return f(z, *args, **kwargs)

        return overridden(entry.layer, "activation", noted)

    def _gets_gradient(self, layer: keras.Layer, inputs: Any) -> bool:
        """Say whether the training step itself needs dL/dA of this layer's output.

        Below the first trainable weight it does not, and asking for it there would have the whole
        backward pass of a frozen base computed for nothing else.
        """
        if layer.trainable_variables:
            self._weights_seen = True
            return True
        tensors = [a for a in keras.tree.flatten(inputs) if isinstance(a, tf.Tensor)]
        return self._weights_seen and any(id(a) not in self._untrained for a in tensors)

    def _observe(self, layer: str, a: Any) -> Any:
        if not isinstance(a, tf.Tensor) or not a.dtype.is_floating:
            return a
        observed = self._identity(Key(layer, "output", "grad_norm"), a)
        # Keras hangs a mask on a tensor, and on the output of a softmax or a sigmoid its logits,
        # from which its crossentropies compute: such a loss never touches A, and its gradient
        # arrives at the logits.
        if hasattr(a, "_keras_mask"):
            observed._keras_mask = a._keras_mask
        logits = noted_logits(a)
        if logits is not None:
            key = Key(layer, "logits", "grad_norm")
            remember_logits(observed, self._identity(key, logits))
        return observed

    def _identity(self, key: Key, a: tf.Tensor) -> tf.Tensor:
        # TensorFlow keeps `grad` for ever, in the registry of all gradients.
        step = weakref.ref(self)

        @tf.custom_gradient
        def observed(a: tf.Tensor) -> Any:
            def grad(da: tf.Tensor) -> tf.Tensor:
                recording = step()
                if recording is not None:
                    recording._signals.setdefault(key, []).append(da)
                return da

            return tf.identity(a), grad

        return observed(a)

    def _known(self, grads: list[Any], variables: Sequence[keras.Variable]) -> Pairs:
        """Pair the gradients with their variables, summed over the replicas."""
        assert self._tap.columns is not None
        known = self._tap.columns.weights
        pairs = [
            (g, w)
            for g, w in zip(grads, variables, strict=True)
            if g is not None and id(w) in known
        ]
        if self._tap.strategy.num_replicas_in_sync == 1 or not pairs:
            return pairs
        dense = [tf.convert_to_tensor(g) for g, _ in pairs]
        context: Any = tf.distribute.get_replica_context()
        return [(g, w) for g, (_, w) in zip(context.all_reduce("SUM", dense), pairs, strict=True)]

    def _finite(self, pairs: Pairs) -> tf.Tensor:
        """Say, at next to no cost, whether the gradients are finite.

        ∂L/∂b = Σ ∂L/∂Z tells of everything that has gone wrong up to the layer, and is small, so
        a kernel is looked at only where its layer has no such vector. An overflow in the product
        Xᵀ ∂L/∂Z alone shows one step later, when the weight that it destroyed is used.
        """
        assert self._tap.columns is not None
        layers = {w.path: self._tap.columns.weights[id(w)][0].layer for _, w in pairs}
        with_vector = {layers[w.path] for _, w in pairs if len(w.shape) <= 1}
        looked_at = [
            tf.reshape(tf.cast(beside(values_of(g)), tf.float32), [-1])
            for g, w in pairs
            if len(w.shape) <= 1 or layers[w.path] not in with_vector
        ]
        if not looked_at:
            return tf.constant(True)
        return tf.math.is_finite(tf.nn.l2_loss(tf.concat(looked_at, axis=0)))

    def _measure(self, pairs: Pairs, scale: tf.Tensor) -> list[tf.Tensor]:
        """Return everything that is known before the update: what `_write` takes."""
        columns, wanted = self._tap.columns, self._tap.wanted
        assert columns is not None
        read = [_read(g) for g, _ in pairs]
        signals = [da for das in self._signals.values() for da in das]
        weights = [w.value for _, w in pairs] if wanted & {"weight_norm", "update_ratio"} else []
        norms = l2_norms([*read, *map(beside, signals), *weights])
        of_grads, of_signals, of_weights = tf.split(norms, [len(pairs), len(signals), len(weights)])
        of_grads, of_signals = of_grads / scale, of_signals / scale
        sizes = [int(np.prod(w.shape)) for _, w in pairs]
        table = weight_columns(read, sizes, of_grads, scale, wanted)
        if "weight_norm" in wanted:
            table.append(of_weights)
        live = [
            live_units(self._outputs[name])
            if name in self._outputs
            else tf.zeros(at.stop - at.start)
            for name, at in columns.unit_slices.items()
        ]
        copies = [tf.identity(w) for w in weights] if "update_ratio" in wanted else []
        return [
            tf.stack(table, axis=1) if pairs else tf.zeros((0, len(table))),
            self._output_sums(of_signals),
            tf.concat(live, axis=0) if live else tf.zeros(0),
            l2_norms([of_grads])[0] if pairs else tf.constant(np.nan),
            of_weights,
            *copies,
        ]

    def _measure_nothing(self, pairs: Pairs) -> list[tf.Tensor]:
        """Return tensors in the places of those that `_measure` returns."""
        columns, wanted = self._tap.columns, self._tap.wanted
        assert columns is not None
        before_update = [s for s in columns.of_weight if s != "update_ratio"]
        weights = [w for _, w in pairs] if wanted & {"weight_norm", "update_ratio"} else []
        copies = weights if "update_ratio" in wanted else []
        # XLA wants the shapes of the other branch, and everything else is spared filling them.
        shape_of = (lambda w: w.shape) if under_xla() else (lambda w: [0] * len(w.shape))
        return [
            tf.zeros((len(pairs), len(before_update))),
            tf.zeros(len(columns.signals) * len(OUTPUT_SUMS)),
            tf.zeros(columns.units),
            tf.constant(0.0),
            tf.zeros(len(weights)),
            *(tf.zeros(shape_of(w), w.dtype) for w in copies),
        ]

    def _output_sums(self, norms: tf.Tensor) -> tf.Tensor:
        """Return the sums of all outputs, NaN for those that are not there."""
        columns = self._tap.columns
        assert columns is not None
        parts = iter(tf.unstack(norms)) if self._signals else iter(())
        # A shared layer has one signal per use; together they are one vector.
        norm_of = {key: _norm([next(parts) for _ in das]) for key, das in self._signals.items()}
        absent = tf.constant(np.nan)
        sums: list[tf.Tensor] = []
        for key in columns.signals:
            norm = norm_of.get(key, absent)
            outputs = self._outputs.get(key.layer) if key.tensor == "output" else None
            if outputs is None:
                sums += [norm] + [absent] * (len(OUTPUT_SUMS) - 1)
                continue
            a = _joined(outputs)
            inputs = self._inputs.get(key.layer)
            z = None if inputs is None else _joined(inputs)
            saturated = columns.saturation[key.layer].at(a, z)
            sums += output_row(a, saturated, norm, self._tap.wanted)
        return tf.stack(sums)

    def _count_bins(self, pairs: Pairs, scale: tf.Tensor) -> None:
        """Write the histograms of this step, if it has any."""
        columns = self._tap.columns
        assert columns is not None
        if not self._tap.histogram_buffers:
            return
        buffer = self._tap.histogram_buffers[self._place]
        step = self._tap.buffers[self._place].step
        of_weight = {id(w): (g, w) for g, w in pairs}
        nothing = tf.zeros(0)

        def tensors() -> list[tf.Tensor]:
            found = [of_weight.get(i) for i in columns.weights]
            scaled = [
                nothing if p is None else tf.cast(_read(p[0]), tf.float32) / scale for p in found
            ]
            weights = [w.value for _, w in columns.weights.values()]
            outputs = [self._outputs.get(entry) for entry in columns.names]
            return [*scaled, *weights, *(nothing if o is None else _joined(o) for o in outputs)]

        branch(buffer.due(step), lambda: buffer.write(step, tensors()), lambda: tf.no_op())

    def _write(self, measured: list[tf.Tensor], pairs: Pairs) -> tf.Operation:
        columns, buffer = self._tap.columns, self._tap.buffers[self._place]
        assert columns is not None
        table, sums, live, grad_norm, weight_norms, *before = measured
        if before:
            steps = [w.value - b for (_, w), b in zip(pairs, before, strict=True)]
            ratios = tf.math.divide_no_nan(l2_norms(steps), weight_norms)
            table = tf.concat([table, ratios[:, None]], axis=1)
        place = {id(w): i for i, (_, w) in enumerate(pairs)}
        order = [place.get(i, len(pairs)) for i in columns.weights]
        absent = tf.fill([1, len(columns.of_weight)], np.float32(np.nan))
        table = tf.gather(tf.concat([table, absent], axis=0), order)
        row = tf.concat([tf.reshape(table, [-1]), sums], axis=0)
        buffer.write(row, live if columns.units else None, grad_norm)
        return tf.no_op()

    def _batches_before(self) -> tf.Tensor | None:
        optimizer = self._tap.optimizer
        if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            return None
        return tf.identity(optimizer.inner_optimizer.iterations)

    def _skipped(self, before: tf.Tensor | None) -> tf.Tensor | None:
        if before is None:
            return None
        return tf.equal(before, tf.identity(self._tap.optimizer.inner_optimizer.iterations))


def values_of(gradient: Any) -> tf.Tensor:
    """Return the values of a gradient, whether it is dense or rows."""
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


def current_graph() -> Any:
    """Return the graph that is being traced, or None."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def _read(gradient: Any) -> tf.Tensor:
    """Return the values of a gradient, those for the same row of an `IndexedSlices` summed."""
    if not isinstance(gradient, tf.IndexedSlices):
        return beside(gradient)
    if under_xla():  # XLA has no tf.unique, and knows the table's size
        return tf.convert_to_tensor(gradient)
    rows, position = tf.unique(gradient.indices)
    return tf.math.unsorted_segment_sum(gradient.values, position, tf.size(rows))


def _joined(tensors: list[tf.Tensor]) -> tf.Tensor:
    if len(tensors) == 1:
        return tensors[0]
    return tf.concat([tf.reshape(a, [-1]) for a in tensors], axis=0)


def _norm(parts: list[tf.Tensor]) -> tf.Tensor:
    return parts[0] if len(parts) == 1 else l2_norms([tf.stack(parts)])[0]
