"""The tap: reads the gradients of the actual training step from inside it.

While a train step is traced (or, under `run_eagerly`, executed) the tap stands in two places:

* each layer's `call`, whose outputs pass through an identity. Its custom gradient hands dL/dA to
  the tap on the way back and returns it unchanged;
* the optimizer's `apply`, which receives every dL/dW. There one row of norms is written into a
  ring buffer, a `tf.Variable` whose rows are steps and whose columns are tensors.

Both are put in place when the step's Python code begins and taken away when it ends, whether or
not it raised, so nothing of the tap is on the model between two steps. What stays is in the traced
graph. The host reads the buffer once per window of steps; no step waits for it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext._logits import noted_logits, remember_logits
from keras_course_ext._override import overridden
from keras_course_ext.monitoring.history import GradientHistory, Key
from keras_course_ext.monitoring.inventory import LayerEntry, inventory
from keras_course_ext.monitoring.norms import l2_norms
from keras_course_ext.monitoring.reading import beside

_WINDOW = 128


class GradientTap:
    """Records the L2 norm of every dL/dW and dL/dA of a model at every step.

    Norms are divided by `optimizer.scale_loss(1)`, so they are those of the unscaled loss under
    loss scaling too.

    Args:
        model: A compiled `keras.Model`. It may be built by its first step.
        first_step: Number that the first recorded step gets.
    """

    def __init__(self, model: keras.Model, first_step: int = 0) -> None:
        self._model = model
        self._first_step = first_step
        self._read = 0
        self._present: set[Key] = set()
        self._columns: dict[Key, int] = {}
        self._weight_key: dict[int, Key] = {}
        self.entries: list[LayerEntry] = []
        self.capacity = max(_WINDOW, 2 * model.steps_per_execution)
        self._buffer: Any = None
        self._count = tf.Variable(tf.zeros((), tf.int64), trainable=False, name="recorded_steps")

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Tap everything that the body of this context traces or executes."""
        step = _Step(self)
        with ExitStack() as stack:
            for entry in inventory(self._model):
                # A nested model's output is its last layer's.
                if not isinstance(entry.layer, keras.Model):
                    stack.enter_context(overridden(entry.layer, "call", step.observe_call(entry)))
            optimizer = self._model.optimizer
            apply = step.observe_apply(optimizer.apply, self._model.trainable_variables)
            stack.enter_context(overridden(optimizer, "apply", apply))
            yield

    def write_row(self, norms: dict[Key, tf.Tensor]) -> None:
        """Write the norms of one step into the next row of the buffer."""
        self._present.update(norms)
        absent = tf.constant(np.nan, tf.float32)
        row = tf.stack([norms.get(key, absent) for key in self._columns])
        index = tf.cast(tf.math.floormod(self._count, self.capacity), tf.int32)
        self._buffer.scatter_nd_update([[index]], [row])
        # Counted only once there is a row: nothing else would keep a graph whose next batch fails
        # to arrive from counting it.
        with tf.control_dependencies([row]):
            self._count.assign_add(1)

    def allot(self, forward_order: Sequence[str]) -> None:
        """Give every tensor its column, once the model is built; the layers as they were called."""
        if self._columns:
            return
        order = {name: i for i, name in enumerate(dict.fromkeys(forward_order))}
        self.entries = sorted(
            inventory(self._model), key=lambda entry: order.get(entry.name, len(order))
        )
        self._weight_key = {
            id(w): Key(e.name, tensor, "grad_norm")
            for e in self.entries
            for tensor, w in e.weights.items()
        }
        signals = [Key(e.name, t, "grad_norm") for e in self.entries for t in ("output", "logits")]
        self._columns = {key: i for i, key in enumerate([*self._weight_key.values(), *signals])}
        with tf.init_scope():
            self._buffer = tf.Variable(
                tf.zeros((self.capacity, len(self._columns))), trainable=False, name="norms"
            )

    def weight_key(self, variable: keras.Variable) -> Key | None:
        """Return the column of a trainable variable's gradient."""
        return self._weight_key.get(id(variable))

    def read(self, gradient: Any) -> tf.Tensor:
        """Return the values of a gradient, those for the same row of an `IndexedSlices` summed."""
        if self._model.jit_compile:  # XLA has no tf.unique, and knows the table's size
            return tf.convert_to_tensor(gradient)
        if not isinstance(gradient, tf.IndexedSlices):
            return beside(gradient)
        rows, position = tf.unique(gradient.indices)
        return tf.math.unsorted_segment_sum(gradient.values, position, tf.size(rows))

    def loss_scale(self) -> tf.Tensor:
        """Return the factor by which the optimizer scales the loss at this step."""
        return tf.cast(self._model.optimizer.scale_loss(1.0), tf.float32)

    def steps(self) -> int:
        """Return the number of steps recorded so far."""
        return int(self._count.numpy())

    def drain(self, history: GradientHistory, epoch: int) -> None:
        """Move the rows written since the last call from the buffer to the history."""
        written = self.steps()
        new = np.arange(self._read, written)
        if len(new) > self.capacity:
            raise RuntimeError(
                f"{len(new) - self.capacity} of {len(new)} recorded steps were overwritten before "
                "they were read: more steps ran between two batches of `fit` than the model's "
                "`steps_per_execution` says."
            )
        if not len(new):
            return
        rows = self._buffer.numpy()[new % self.capacity]
        keys = [key for key in self._columns if key in self._present]
        history.layers = tuple(entry.info for entry in self.entries)
        history.append(
            self._first_step + new,
            np.full(len(new), epoch),
            keys,
            rows[:, [self._columns[key] for key in keys]],
        )
        self._read = written


class _Step:
    """What one pass through a train step hands to its row."""

    def __init__(self, tap: GradientTap) -> None:
        self._tap = tap
        self._graph = _current_graph()
        self._signals: dict[Key, list[tf.Tensor]] = {}
        self._called: list[str] = []
        self._untrained: dict[int, tf.Tensor] = {}
        self._weights_seen = False

    def observe_call(self, entry: LayerEntry) -> Callable:
        call = entry.layer.call

        def observed_call(*args: Any, **kwargs: Any) -> Any:
            outputs = call(*args, **kwargs)
            if _current_graph() is not self._graph:
                # Inside a loop's or a condition's own graph, whose tensors do not exist outside.
                return outputs
            self._called.append(entry.name)
            if self._gets_gradient(entry.layer, (args, kwargs)):
                return keras.tree.map_structure(lambda a: self._observe(entry.name, a), outputs)
            self._untrained.update((id(a), a) for a in keras.tree.flatten(outputs))
            return outputs

        return observed_call

    def observe_apply(self, apply: Callable, variables: Sequence[keras.Variable]) -> Callable:
        def observed_apply(grads: Iterable, trainable_variables: Iterable | None = None) -> Any:
            grads = list(grads)
            if trainable_variables is None:
                self._write(grads, variables)
                return apply(grads)
            trainable_variables = list(trainable_variables)
            self._write(grads, trainable_variables)
            return apply(grads, trainable_variables)

        return observed_apply

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
        @tf.custom_gradient
        def observed(a: tf.Tensor) -> Any:
            def grad(da: tf.Tensor) -> tf.Tensor:
                self._signals.setdefault(key, []).append(da)
                return da

            return tf.identity(a), grad

        return observed(a)

    def _write(self, grads: Sequence[Any], variables: Sequence[keras.Variable]) -> None:
        self._tap.allot(self._called)
        tensors: dict[Key, list[tf.Tensor]] = {}
        for g, w in zip(grads, variables, strict=True):
            key = self._tap.weight_key(w)
            if g is not None and key is not None:
                tensors[key] = [g]
        tensors |= self._signals
        if not tensors:
            return
        read = [self._tap.read(x) for xs in tensors.values() for x in xs]
        norms = iter(tf.unstack(l2_norms(read) / self._tap.loss_scale()))
        # A shared layer has one signal per use; together they are one vector.
        self._tap.write_row({key: _norm_of(norms, len(xs)) for key, xs in tensors.items()})
        self._signals.clear()


def _norm_of(norms: Iterator[tf.Tensor], n: int) -> tf.Tensor:
    parts = [next(norms) for _ in range(n)]
    return parts[0] if n == 1 else l2_norms([tf.stack(parts)])[0]


def _current_graph() -> Any:
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
