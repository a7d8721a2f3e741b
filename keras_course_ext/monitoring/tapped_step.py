"""One pass through a training step: what the taps hand over, and the row made of it."""

import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from keras_course_ext._logits import noted_logits, remember_logits
from keras_course_ext._override import overridden
from keras_course_ext.monitoring.history import Key
from keras_course_ext.monitoring.inventory import LayerEntry
from keras_course_ext.monitoring.returned_record import ReturnedRecord
from keras_course_ext.monitoring.saturation import saturation_of
from keras_course_ext.monitoring.step_record import StepRecord

if TYPE_CHECKING:
    from keras_course_ext.monitoring.tap import GradientTap


class OutOfReachError(Exception):
    """The update happens inside of a condition or a loop, whose tensors cannot be returned."""


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
        self._record: StepRecord | None = None
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
        floating = [a for a in keras.tree.flatten(outputs) if _is_floating(a)]
        if floating:
            self._outputs.setdefault(entry.name, []).extend(floating)
        if self._gets_gradient(entry.layer, (args, kwargs)):
            outputs = keras.tree.map_structure(lambda a: self._observe(entry.name, a), outputs)
        else:
            self._untrained.update((id(a), a) for a in keras.tree.flatten(outputs))
        return outputs

    def apply(self, apply: Callable, grads: list[Any], variables: Any) -> Any:
        """Run the optimizer's `apply`, and have the row of this step written behind it."""
        given = [] if variables is None else [list(variables)]
        variables = given[0] if given else self._tap.model.trainable_variables
        if self._tap.returns and current_graph() is not self._graph:
            raise OutOfReachError
        self._tap.allot(self._called)
        pairs = self._known(grads, variables)
        if not pairs and not self._signals:
            return apply(grads, *given)
        columns = self._tap.columns
        assert columns is not None
        columns.saw([*(columns.weights[id(w)][0] for _, w in pairs), *self._signals])
        if self._record is None:
            self._begin_record()
        assert self._record is not None
        self._record.backward_has_ended(pairs, self._signals, self._scale())
        updates_before = self._updates()
        result = apply(grads, *given)
        skipped = self._skipped(updates_before)
        if isinstance(self._record, ReturnedRecord):
            self._tap.take(self._record, skipped)
        else:
            self._record.update_has_ended()
            self._tap.buffers[self._place].count_step(skipped)
        self._ended = True
        return result

    def _begin_record(self) -> None:
        self._tap.allot(self._called)
        kind = ReturnedRecord if self._tap.returns else StepRecord
        self._record = kind(self._tap, self._place, self._outputs, self._inputs)
        self._record.forward_has_ended()

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
        if not _is_floating(a):
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
                    recording.flowed_back(key, da)
                return da

            return tf.identity(a), grad

        return observed(a)

    def flowed_back(self, key: Key, da: tf.Tensor) -> None:
        """Note ∂L/∂A of an output, or of a use of it."""
        if current_graph() is self._graph:
            if self._record is None:
                self._begin_record()
            self._signals.setdefault(key, []).append(da)

    def _known(self, grads: list[Any], variables: Sequence[keras.Variable]) -> list[Any]:
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

    def _scale(self) -> tf.Tensor | None:
        scale = tf.cast(self._tap.optimizer.scale_loss(1.0), tf.float32)
        return None if tf.get_static_value(scale) == 1.0 else scale

    def _updates(self) -> tf.Tensor | None:
        optimizer = self._tap.optimizer
        if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            return None
        return tf.identity(optimizer.inner_optimizer.iterations)

    def _skipped(self, before: tf.Tensor | None) -> tf.Tensor | None:
        if before is None:
            return None
        return tf.equal(before, tf.identity(self._tap.optimizer.inner_optimizer.iterations))


def current_graph() -> Any:
    """Return the graph that is being traced, or None."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def _is_floating(a: Any) -> bool:
    return isinstance(a, tf.Tensor) and a.dtype.is_floating
