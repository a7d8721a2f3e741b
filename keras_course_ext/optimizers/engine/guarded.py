"""Keras's `Optimizer` with a fallback for every private name of it that the engine uses.

`docs/architecture.md` lists the names, and a test fails if Keras moves one of them.
"""

import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import keras
import tensorflow as tf

from keras_course_ext.optimizers.arguments import patterns
from keras_course_ext.optimizers.engine.additions import kept_variables
from keras_course_ext.optimizers.engine.update import native, path_of


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

    def build_again(self, variables: Sequence[Any], attributes: Sequence[str]) -> None:
        """Builds the optimizer for other variables as well, with the slots that it has.

        Args:
            variables: List of variables: those that it was built for, and others.
            attributes: List of strings, the names of the attributes that list the slots.
        """
        kept = kept_variables(self)
        listed_anew = self._list_anew(self.variables[: len(self.variables) - len(kept)])
        self._kept = SimpleNamespace(variables=kept, listed_anew=listed_anew)
        for name in attributes:
            delattr(self, name)
        self.built = False
        self.build(variables)
        self._kept = SimpleNamespace(variables={})

    def kept(self, variable: Any, name: str) -> Any:
        """Finds a variable of the optimizer that `build_again` uses again.

        Args:
            variable: The variable of the model that it is for; `None` if it is for all.
            name: Its name.

        Returns:
            The variable; `None` if there is none.
        """
        found = getattr(self, "_kept", SimpleNamespace(variables={})).variables
        return found.get((None if variable is None else id(native(variable)), name))

    def knows(self, variable: Any) -> bool:
        """Says whether the optimizer was built for a variable.

        Args:
            variable: A variable of a model.

        Returns:
            A Boolean.
        """
        try:
            self._get_variable_index(variable)
        except (KeyError, ValueError):
            return False
        return True

    def list_again(self, variable: Any) -> None:
        """Enters a variable that `build_again` uses again into `variables`.

        Args:
            variable: A variable of the optimizer.
        """
        if self._kept.listed_anew:
            self._track_variable(variable)

    def add_variable_from_reference(
        self, reference_variable: Any, name: str | None = None, initializer: Any = "zeros"
    ) -> Any:
        """Creates a variable for one of the weights, or returns the one that is kept.

        Args:
            reference_variable: A variable of the model.
            name: String, the end of the name. Defaults to None, which is "var".
            initializer: A `keras.initializers.Initializer` or its name. Defaults to "zeros".

        Returns:
            A variable of the same shape and dtype.
        """
        kept = self.kept(reference_variable, str(name))
        if kept is None:
            return super().add_variable_from_reference(reference_variable, name, initializer)
        self.list_again(kept)
        return kept

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
            The same, clipped; those in half precision as float32.
        """
        rows = [g.values if isinstance(g, tf.IndexedSlices) else g for g in grads]
        if self.clipnorm or self.global_clipnorm:
            # In float16 the sum of squares overflows at a norm of 256.
            rows = [tf.cast(g, tf.float32) if tf.as_dtype(g.dtype).size == 2 else g for g in rows]
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
                in its path, such as "encoder/dense/kernel". "bias" excludes all biases, "head" all
                weights of the layers with "head" in their names. Defaults to None, no names.

        Raises:
            ValueError: If the optimizer is built already, unless it excludes the same variables,
                or if `var_names` is no list of regular expressions.
        """
        names, variables = patterns("var_names", var_names), list(var_list or [])
        if self.built:
            # On several replicas the step that begins with this call is run for each of them.
            before = getattr(self, "_excluded", SimpleNamespace(variables=[], names=[]))
            same = [id(native(w)) for w in variables] == [id(native(w)) for w in before.variables]
            if same and names == before.names:
                return
            raise ValueError(
                f"`{type(self).__name__}.exclude_from_weight_decay` was called after the optimizer "
                "was built, when the traced training step would not notice. Call it right after "
                "the optimizer is made, before `fit` and before the first `apply`."
            )
        # In a namespace, for the reason given in `build`.
        self._excluded = SimpleNamespace(variables=variables, names=names)

    def _get_variable_index(self, variable: Any) -> int:
        # Keras has no public way from a variable to its slots; its guide to custom optimizers
        # calls this method too. Under `fit` the variable is a `tf.Variable` without a path, under
        # a strategy one replica's copy, which the fallback does not find.
        if find := getattr(super(), "_get_variable_index", None):
            return find(variable)
        return [native(w) is native(variable) for w in self.weights].index(True)

    def _use_weight_decay(self, variable: Any) -> bool:
        # Keras's method searches the name of the variable. That is "kernel" for a
        # `keras.Variable`, so the name of a layer is not found in it.
        if self.built:
            # Under a strategy `variable` is one replica's copy.
            variable = self.weights[self._get_variable_index(variable)]
        return not self._is_excluded(variable)

    def _is_excluded(self, weight: Any) -> bool:
        excluded = getattr(self, "_excluded", None)
        if excluded is None:
            return False
        by_itself = any(native(w) is native(weight) for w in excluded.variables)
        return by_itself or any(re.search(name, path_of(weight)) for name in excluded.names)

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

    def _list_anew(self, variables: Sequence[Any]) -> bool:
        """Makes a list the new one of the optimizer's variables; says whether Keras allows it."""
        names = ("_variables", "_tracker", "_track_variable", "_track_trackable")
        if not all(hasattr(self, name) for name in names):
            return False
        # TensorFlow refuses to save a list from which an item has been removed.
        listed = tf.__internal__.tracking.wrap([*variables])
        is_variable, _ = self._tracker.config["variables"]
        self._tracker.config["variables"] = (is_variable, listed)
        self._track_trackable(listed, "_variables", overwrite=True)
        self.__dict__["_variables"] = listed
        return True

    def _variables_named(self, name: str) -> list[Any]:
        return [v for v in self.variables if v.path.endswith(f"_{name}")]
