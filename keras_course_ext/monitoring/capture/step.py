"""One training step as the hooks see it: collects its tensors and has them measured."""

import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import tensorflow as tf

from keras_course_ext._logits import noted_logits, remember_logits
from keras_course_ext._masks import mask_of, put_mask
from keras_course_ext._override import overridden
from keras_course_ext.monitoring.capture.copies import Reader
from keras_course_ext.monitoring.capture.graph import apart, current_graph
from keras_course_ext.monitoring.capture.layers import LayerEntry
from keras_course_ext.monitoring.capture.measure import Measurement
from keras_course_ext.monitoring.capture.passes import Passes, Use
from keras_course_ext.monitoring.capture.saturation import saturation_of
from keras_course_ext.monitoring.capture.spec import StepSpec
from keras_course_ext.monitoring.record.schema import TensorId
from keras_course_ext.monitoring.transport.applied import Applied
from keras_course_ext.monitoring.transport.store import RowStore

Prepare = Callable[[Sequence[str]], tuple[StepSpec, Sequence[RowStore]]]
"""From the names of the layers called so far to what is measured and a store for each replica."""


class OutOfReachError(Exception):
    """The update happens inside a condition or a loop, whose tensors cannot be returned."""


class CapturedStep:
    """Collects the tensors of one training step on one replica.

    Args:
        prepare: Returns what is measured and the stores; called when the model is built.
        replica: Number of the replica.
        model: The model, whose weights `apply` means if it gets none.
        applied: Remembers which optimizer gets the gradients of which weights.
        before: The step before, from whose forward pass this one's gradients may come.
    """

    def __init__(
        self,
        prepare: Prepare,
        replica: int,
        model: keras.Model,
        applied: Applied,
        before: "CapturedStep | None" = None,
    ) -> None:
        self._prepare = prepare
        self._replica = replica
        self._model = model
        self._applied = applied
        self._graph = current_graph()
        self._passes = Passes(None if before is None else before._passes)
        self._called: list[str] = []
        self._untrained: dict[int, tf.Tensor] = {}
        self._weights_seen = False
        self.ended = False
        """Whether the optimizer has had its gradients: what comes next is another step."""

    def call(
        self, entry: LayerEntry, call: Callable, args: tuple, kwargs: dict, keep_input: bool
    ) -> Any:
        """Run a layer's `call`, keep its outputs, and hook the gradients that flow back to them.

        Args:
            entry: The layer.
            call: Its own `call`.
            args: Positional arguments.
            kwargs: Keyword arguments.
            keep_input: Whether to keep what goes into its activation, too.
        """
        if current_graph() is not self._graph:
            # The graph of a loop or condition, whose tensors do not exist outside of it.
            return call(*args, **kwargs)
        use = self._passes.called(entry.name)
        with self._keeping_input(entry, use) if keep_input else nullcontext():
            outputs = call(*args, **kwargs)
        self._called.append(entry.name)
        use.outputs += [a for a in keras.tree.flatten(outputs) if _is_floating(a)]
        if self._gets_gradient(entry.layer, (args, kwargs)):
            outputs = keras.tree.map_structure(lambda a: self._hooked(use, a), outputs)
        else:
            self._untrained.update((id(a), a) for a in keras.tree.flatten(outputs))
        return outputs

    def apply(
        self, name: str, optimizer: Any, apply: Callable, grads: list[Any], variables: Any
    ) -> Any:
        """Run an optimizer's `apply`, and measure the step around it.

        Args:
            name: The optimizer's name.
            optimizer: The optimizer.
            apply: Its own `apply`.
            grads: The gradients.
            variables: Their weights; None for all of the model.
        """
        given = [] if variables is None else [list(variables)]
        variables = given[0] if given else self._model.trainable_variables
        spec, store = self._spec_and_store()
        if store.returned and current_graph() is not self._graph:
            raise OutOfReachError
        if len(grads) != len(variables):
            return apply(grads, *given)  # the optimizer says what is wrong
        pairs = _known(grads, variables, spec)
        taken = self._passes.take(variables)
        # One of several optimizers may train variables that are in no layer.
        if not pairs and (self._applied.several or taken is None):
            return apply(grads, *given)
        places = [spec.places[id(w)] for _, w in pairs]
        self._applied.given.update(spec.places[id(w)] for w in variables if id(w) in spec.places)
        self._applied.add(name, places)
        if taken is not None:
            taken.leave_out_before({spec.layout.weights[i].layer for i in places})
        outputs, inputs = self._tensors()
        with apart():
            # What may be read of the forward pass shows when the backward pass has been traced.
            reader = Reader(outputs, inputs, grads)
            measurement = Measurement(spec, store, reader)
            measurement.forward_ended()
            measurement.backward_ended(pairs, taken.signals() if taken else {}, _scale(optimizer))
            updates_before = _updates(optimizer)
        result = apply(grads, *given)
        with apart():
            measurement.update_ended(_skipped(updates_before, _updates(optimizer)))
        self.ended = True
        return result

    def _spec_and_store(self) -> tuple[StepSpec, RowStore]:
        spec, stores = self._prepare(self._called)
        # Of the replicas of several processes this one has stores for its own.
        return spec, stores[self._replica % len(stores)]

    def _tensors(self) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
        """Return the outputs and the inputs of the pass that was taken, by layer."""
        outputs: dict[str, list[Any]] = {}
        inputs: dict[str, list[Any]] = {}
        for use in self._passes.uses():
            for tensors, of_use in ((outputs, use.outputs), (inputs, use.inputs)):
                if of_use:
                    tensors.setdefault(use.layer, []).extend(of_use)
        return outputs, inputs

    def _keeping_input(self, entry: LayerEntry, use: Use) -> AbstractContextManager:
        """Keep what goes into the layer's activation, where saturation can be seen only there."""
        f = vars(entry.layer).get("activation")
        if not saturation_of(entry.layer).from_input or not callable(f):
            return nullcontext()

        def kept(z: Any, *args: Any, **kwargs: Any) -> Any:
            use.inputs.append(z)
            return f(z, *args, **kwargs)

        return overridden(entry.layer, "activation", kept)

    def _gets_gradient(self, layer: keras.Layer, inputs: Any) -> bool:
        """Say whether the training step itself computes dL/dA of this layer's output.

        Below the first trainable weight it does not, and a hook there would make TensorFlow compute
        the whole backward pass of a frozen base.
        """
        if layer.trainable_variables:
            self._weights_seen = True
            return True
        tensors = [a for a in keras.tree.flatten(inputs) if isinstance(a, tf.Tensor)]
        return self._weights_seen and any(id(a) not in self._untrained for a in tensors)

    def _hooked(self, use: Use, a: Any) -> Any:
        if not _is_floating(a):
            return a
        hooked = self._identity(TensorId(use.layer, "output", "output"), use, a)
        # Keras attaches a mask to a tensor, and its logits to the output of a softmax or sigmoid.
        # Its crossentropies compute from these logits: then A gets no gradient, the logits do.
        mask = mask_of(a)
        if mask is not None:
            put_mask(hooked, mask)
        logits = noted_logits(a)
        if logits is not None:
            of_logits = TensorId(use.layer, "logits", "logits")
            remember_logits(hooked, self._identity(of_logits, use, logits))
        return hooked

    def _identity(self, signal: TensorId, use: Use, a: tf.Tensor) -> tf.Tensor:
        """Return `a` unchanged, hooked so that its gradient is kept on the way back."""
        # TensorFlow keeps `grad` in its registry of gradients, and would keep the step with it.
        step, hook = weakref.ref(self), use.hooks
        use.hooks += 1

        @tf.custom_gradient
        def hooked(a: tf.Tensor) -> Any:
            def grad(da: tf.Tensor) -> tf.Tensor:
                capturing = step()
                if capturing is not None:
                    capturing._flowed_back(signal, use, hook, da)
                return da

            return tf.identity(a), grad

        return hooked(a)

    def _flowed_back(self, signal: TensorId, use: Use, hook: int, da: tf.Tensor) -> None:
        """Keep ∂L/∂A of an output, or of one use of it."""
        if current_graph() is self._graph:
            self._passes.flowed_back(signal, use, hook, da)


def _scale(optimizer: Any) -> tf.Tensor | None:
    scale = tf.cast(optimizer.scale_loss(1.0), tf.float32)
    return None if tf.get_static_value(scale) == 1.0 else scale


def _updates(optimizer: Any) -> tf.Tensor | None:
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return None
    return tf.identity(optimizer.inner_optimizer.iterations)


def _skipped(before: tf.Tensor | None, after: tf.Tensor | None) -> tf.Tensor | None:
    """Say whether loss scaling skipped the update: the inner optimizer made no step."""
    return None if before is None or after is None else tf.equal(before, after)


def _known(grads: list[Any], variables: Sequence[Any], spec: StepSpec) -> list[tuple[Any, Any]]:
    """Pair the gradients with their weights, summed over the replicas."""
    pairs = [
        (_read(g), w)
        for g, w in zip(grads, variables, strict=True)
        if g is not None and id(w) in spec.places
    ]
    if spec.replicas == 1 or not pairs:
        return pairs
    dense = [tf.convert_to_tensor(g) for g, _ in pairs]
    context: Any = tf.distribute.get_replica_context()
    return [(g, w) for g, (_, w) in zip(context.all_reduce("SUM", dense), pairs, strict=True)]


def _read(g: Any) -> Any:
    """Return the value of a gradient; the optimizer also takes variables and arrays."""
    if isinstance(g, tf.Tensor | tf.IndexedSlices):
        return g
    g = tf.convert_to_tensor(g)
    return g if g.dtype.is_floating else tf.cast(g, tf.float32)


def _is_floating(a: Any) -> bool:
    return isinstance(a, tf.Tensor) and a.dtype.is_floating
