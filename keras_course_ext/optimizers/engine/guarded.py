"""Keras's `Optimizer` with a fallback for every private name of it that the engine uses.

`docs/architecture.md` lists the names, and a test fails if Keras moves one of them.
"""

import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import keras
import tensorflow as tf

from keras_course_ext.optimizers.engine.update import native


class GuardedOptimizer(keras.optimizers.Optimizer):
    """Keras's `Optimizer`, whose private methods are called only if they exist."""

    def build(self, variables: Sequence[Any]) -> None:
        """Records the variables.

        Args:
            variables: The trainable variables, `keras.Variable` or `tf.Variable`.
        """
        # In a namespace, because Keras tracks the variables of a list as state to be saved.
        self._built_for = SimpleNamespace(variables=list(variables))
        super().build(variables)

    @property
    def weights(self) -> list[Any]:
        """The variables that the optimizer was built for."""
        return self._built_for.variables if self.built else []

    @property
    def batches(self) -> Any:
        """The number of batches so far, a scalar variable; `iterations` counts the updates."""
        batches = getattr(self, "_iterations", None)
        # It is the first variable of the file format.
        return self.variables[0] if batches is None else batches

    def is_last_batch(self) -> Any:
        """Says whether the weights are updated after this batch.

        Returns:
            A Boolean scalar.
        """
        return tf.equal((self.batches + 1) % self.gradient_accumulation_steps, 0)

    def accumulator_of(self, variable: Any) -> Any:
        """Finds the variable that sums the gradients of one of the weights over several batches.

        Args:
            variable: A variable of the model.

        Returns:
            A variable of the same shape.
        """
        return self.accumulators()[self._get_variable_index(variable)]

    def accumulators(self) -> list[Any]:
        """Lists the variables that sum the gradients over several batches.

        Returns:
            One for each of the weights; none without `gradient_accumulation_steps`.
        """
        if not self.gradient_accumulation_steps or not self.built:
            return []
        found = getattr(self, "_accumulated_gradients", None)
        return self._variables_named("gradient_accumulator") if found is None else list(found)

    def averages(self) -> list[tuple[Any, Any]]:
        """Lists the variables whose moving average is kept.

        Returns:
            Pairs of a variable and its average.
        """
        if not self.use_ema or not self.built:
            return []
        averages = getattr(self, "_model_variables_moving_average", None)
        if averages is None:
            averages = self._variables_named("average")
        pairs = zip(self.weights, averages, strict=True)
        return [(w, average) for w, average in pairs if average is not None]

    def clipped(self, grads: Sequence[Any]) -> Sequence[Any]:
        """Clips gradients as the optimizer's arguments say.

        Args:
            grads: Gradients, each a tensor or a `tf.IndexedSlices`.

        Returns:
            The same, clipped.
        """
        rows = [g.values if isinstance(g, tf.IndexedSlices) else g for g in grads]
        return [
            tf.IndexedSlices(values, g.indices, g.dense_shape)
            if isinstance(g, tf.IndexedSlices)
            else values
            for values, g in zip(self._clip_gradients(rows), grads, strict=True)
        ]

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Excludes variables from weight decay.

        Args:
            var_list: List of variables. Defaults to None, no variables.
            var_names: List of regular expressions; a variable is excluded if one of them is found
                in its name. Defaults to None, no names.

        Raises:
            ValueError: If the optimizer is built already.
        """
        if self.built:
            raise ValueError(
                f"`{type(self).__name__}.exclude_from_weight_decay` was called after the optimizer "
                "was built, when the traced training step would not notice. Call it right after "
                "the optimizer is made, before `fit` and before the first `apply`."
            )
        self._excluded = SimpleNamespace(variables=var_list or [], names=var_names or [])
        super().exclude_from_weight_decay(var_list=var_list, var_names=var_names)

    def _get_variable_index(self, variable: Any) -> int:
        # Keras has no public way from a variable to its slots; its guide to custom optimizers
        # calls this method too. Under `fit` the variable is a `tf.Variable` without a path, under
        # a strategy one replica's copy, which the fallback does not find.
        if find := getattr(super(), "_get_variable_index", None):
            return find(variable)
        return [native(w) is native(variable) for w in self.weights].index(True)

    def _use_weight_decay(self, variable: Any) -> bool:
        if decays := getattr(super(), "_use_weight_decay", None):
            return decays(variable)
        excluded = getattr(self, "_excluded", SimpleNamespace(variables=[], names=[]))
        by_itself = any(native(w) is native(variable) for w in excluded.variables)
        return not (by_itself or any(re.search(name, variable.name) for name in excluded.names))

    def _clip_gradients(self, grads: Sequence[Any]) -> Sequence[Any]:
        if clip := getattr(super(), "_clip_gradients", None):
            return clip(grads)
        if self.clipnorm:
            return [tf.clip_by_norm(g, self.clipnorm) for g in grads]
        if self.global_clipnorm:
            return tf.clip_by_global_norm(grads, self.global_clipnorm)[0]
        if self.clipvalue:
            return [tf.clip_by_value(g, -self.clipvalue, self.clipvalue) for g in grads]
        return grads

    def _variables_named(self, name: str) -> list[Any]:
        return [v for v in self.variables if v.path.endswith(f"_{name}")]
