"""The hooks: read the gradients of the actual training step from inside it.

While a train step is traced (or, under `run_eagerly`, executed) there are hooks at two places:

* each layer's `call`, whose outputs pass through an identity. Its custom gradient hands ∂L/∂A over
  on the way back and returns it unchanged;
* the `apply` of the optimizer, or of each of several, which receives every ∂L/∂W.

The hooks are installed when the step's Python code begins and removed when it ends, also when it
raises, so the model has none of them between two steps. What remains is in the traced graph.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import tensorflow as tf

from keras_course_ext._override import overridden
from keras_course_ext.monitoring.capture.build import lifted_build
from keras_course_ext.monitoring.capture.graph import current_graph
from keras_course_ext.monitoring.capture.layers import LayerEntry, layer_entries
from keras_course_ext.monitoring.capture.step import CapturedStep, Prepare
from keras_course_ext.monitoring.transport.applied import Applied


class Hooks:
    """The hooks of one monitor in one model and its optimizers.

    Args:
        model: The model. It may be built by its first step.
        optimizers: The optimizers whose `apply` gets the gradients, by name.
        prepare: Returns what is measured and the stores, once the model is built.
        keep_inputs: Whether to keep what goes into activations, for their saturation.
        applied: Remembers which optimizer gets the gradients of which weights.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizers: Mapping[str, Any],
        prepare: Prepare,
        keep_inputs: bool,
        applied: Applied,
    ) -> None:
        self._model = model
        self._optimizers = optimizers
        self._applied = applied
        self._prepare = prepare
        self._keep_inputs = keep_inputs
        self._depth = 0
        self._stack = ExitStack()
        self._whole_step = True
        self._steps: dict[tuple[int, int | None], CapturedStep] = {}

    @contextmanager
    def installed(self, whole_step: bool = True) -> Iterator[None]:
        """Capture every step that the body of this context traces or executes.

        Replicas are traced in threads that take turns, so several may be inside at once: the first
        installs the hooks, and the last removes them.

        Args:
            whole_step: Whether the body is one training step (default), on one replica. If not,
                every graph in it has its own steps.
        """
        self._depth += 1
        try:
            if self._depth == 1:
                self._steps.clear()
                self._install()
            self._whole_step = whole_step
            if whole_step:
                self._steps[replica_id(), None] = self._new_step(replica_id())
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self._stack.close()
                self._steps.clear()

    def _install(self) -> None:
        for entry in layer_entries(self._model):
            # The output of a nested model is that of its last layer.
            if not isinstance(entry.layer, keras.Model):
                self._hook_layer(entry)
        for name, optimizer in self._optimizers.items():
            self._hook_optimizer(name, optimizer)

    def _hook_layer(self, entry: LayerEntry) -> None:
        call = entry.layer.call

        def hooked_call(*args: Any, **kwargs: Any) -> Any:
            return self._step().call(entry, call, args, kwargs, self._keep_inputs)

        self._stack.enter_context(overridden(entry.layer, "call", hooked_call))

    def _hook_optimizer(self, name: str, optimizer: Any) -> None:
        apply = optimizer.apply

        def hooked_apply(grads: Any, trainable_variables: Any = None) -> Any:
            step = self._step()
            return step.apply(name, optimizer, apply, list(grads), trainable_variables)

        self._stack.enter_context(overridden(optimizer, "apply", hooked_apply))
        # Built outside of the trace, loss scaling skips other steps of a first fit than without.
        if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            self._stack.enter_context(overridden(optimizer, "build", lifted_build(optimizer.build)))

    def _step(self) -> CapturedStep:
        """Return the step that this code belongs to."""
        replica = replica_id()
        key = replica, None if self._whole_step else id(current_graph())
        step = self._steps.get(key)
        if step is None or step.ended:
            step = self._steps[key] = self._new_step(replica, step)
        return step

    def _new_step(self, replica: int, before: CapturedStep | None = None) -> CapturedStep:
        return CapturedStep(self._prepare, replica, self._model, self._applied, before)


def replica_id() -> int:
    """Return the number of the replica whose code is being run or traced; 0 without a strategy."""
    context = tf.distribute.get_replica_context()
    if context is None:
        return 0
    static = tf.get_static_value(context.replica_id_in_sync_group)
    return 0 if static is None else int(static)
