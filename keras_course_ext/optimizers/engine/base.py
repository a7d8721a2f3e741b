"""`RuleOptimizer`: the Keras optimizer around a pure rule."""

import numbers
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_course_ext.optimizers.arguments.common import (
    Default,
    check_common,
    check_convention,
    check_lazy,
    check_learning_rate,
    complete_docstring,
)
from keras_course_ext.optimizers.arguments.legacy import modern_config, modern_spelling
from keras_course_ext.optimizers.engine import additions, state, step
from keras_course_ext.optimizers.engine.declaration import RuleDeclaration
from keras_course_ext.optimizers.engine.guarded import GuardedOptimizer
from keras_course_ext.optimizers.engine.run import plain, summed_terms
from keras_course_ext.optimizers.engine.slots import create_slots, holds_a_place
from keras_course_ext.optimizers.engine.sparse import summed_rows
from keras_course_ext.optimizers.engine.update import Update, path_of
from keras_course_ext.optimizers.time_based_decay import TimeBasedDecay


class RuleOptimizer(RuleDeclaration, GuardedOptimizer):
    """An optimizer made of a rule: a pure function from old values to new ones.

        (w, slots) ← rule(g, w, slots; lr, hyperparameters)

    A subclass declares its hyperparameters, the slots that its rule keeps for every variable,
    and the rule. The hyperparameters are bound to the arguments of the rule by their names.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable
            without arguments. The step size η, called `lr` in the rules.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        TypeError: If a subclass does not pass all its hyperparameters to `super().__init__`.
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> def sign_rule(g, w, *, lr, dead_zone):
        ...     return (w - lr * keras.ops.sign(g) * keras.ops.cast(abs(g) > dead_zone, g.dtype),)
        >>> class SignDescent(kce.optimizers.RuleOptimizer):
        ...     hyperparameters = {"dead_zone": kce.optimizers.arguments.Number(example=1e-3)}
        ...     def __init__(self, learning_rate=0.01, dead_zone=0.0, **common):
        ...         super().__init__(learning_rate, dead_zone=dead_zone, **common)
        ...     formula = staticmethod(sign_rule)
        >>> w = keras.Variable([1.0, 2.0])
        >>> SignDescent(0.5).apply([keras.ops.array([3.0, -0.1])], [w])
        >>> w.numpy()
        array([0.5, 2.5], dtype=float32)

    Differs from Keras:
        Repeated rows of a sparse gradient are summed before it is clipped or given to the rule;
        half-precision variables are updated in float32 arithmetic; `lr=`, `decay=` and
        `epsilon=None` are accepted, with a DeprecationWarning.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        complete_docstring(cls)

    def __init__(
        self,
        learning_rate: Any,
        *,
        convention: str | None = None,
        lazy: bool = False,
        **arguments: Any,
    ) -> None:
        kind = type(self).__name__
        changed = check_convention(kind, convention, self.conventions)
        if isinstance(learning_rate, Default):
            learning_rate = Default(changed.get("learning_rate") or learning_rate)
        learning_rate, arguments = modern_spelling(kind, learning_rate, arguments)
        for name, value in arguments.items():
            if isinstance(value, Default):
                arguments[name] = changed.get(name, value)
        own = {name: arguments.pop(name) for name in self.hyperparameters if name in arguments}
        if missing := self.hyperparameters.keys() - own.keys():
            raise TypeError(
                f"`{kind}.__init__` must hand its hyperparameters on: write "
                f"`super().__init__(learning_rate, {', '.join(f'{n}={n}' for n in missing)}, ...)`."
            )
        common = check_common(kind, arguments, own)
        rate = check_learning_rate(kind, learning_rate)
        super().__init__(rate, **common)  # pyright: ignore[reportCallIssue]
        self._state_to_come: Any = None
        self._given_rate: Any = learning_rate
        self._applying = SimpleNamespace(scalars=None, warned_of_lr=False)
        self.convention = convention or "keras"
        self.counts_batches = convention == "keras"
        self.lazy = check_lazy(self, lazy)
        for name, check in self.hyperparameters.items():
            setattr(self, name, check(name, own[name]))

    def decayed_rule_for(self, variable: Any) -> partial:
        """`rule_for`, with `wd` 0 if the variable is excluded from weight decay.

        Args:
            variable: A variable of the model, or a NumPy array of weights.

        Returns:
            A function of the gradient, the weights and the slots.
        """
        rule = self.rule_for(variable)
        if self.decays_weights_itself and not self._use_weight_decay(variable):
            return partial(rule, wd=0.0)
        return rule

    def group_of(self, variable: Any) -> Any:
        """Returns a key that is equal for the variables that one run of the rule may update.

        Args:
            variable: A variable of the model.

        Returns:
            A hashable key.
        """
        return repr(self.decayed_rule_for(variable))

    def learning_rate_at(self, step: int) -> float:
        """Returns η of an update: the schedule's, or the current one.

        Args:
            step: Integer ≥ 0. The number of the update, t = 0, 1, …

        Returns:
            η, a float.
        """
        given = self._given_rate
        if isinstance(given, keras.optimizers.schedules.LearningRateSchedule):
            if self.counts_batches and (k := self.gradient_accumulation_steps):
                step = step * k + k - 1
            return float(given(step))
        now = self.learning_rate
        now = float(now if isinstance(now, float) else tf.convert_to_tensor(now))
        # The variable that Keras keeps it in is rounded to float32.
        same = isinstance(given, numbers.Real) and np.float32(given) == np.float32(now)
        return float(given) if same else now

    @property
    def learning_rate(self) -> Any:
        """η of the current step: a variable, or the value of the schedule or callable.

        With `decay` it is η₀, the variable that the decay starts from. A number, a schedule or a
        callable can be assigned. A schedule is a function of `iterations`, the number of updates.
        """
        given: Any = getattr(self, "_given_rate", None)
        if isinstance(given, TimeBasedDecay):
            return given.learning_rate
        if isinstance(given, keras.optimizers.schedules.LearningRateSchedule):
            return given(self.batches if self.counts_batches else self.iterations)
        return super().learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(self._given_rate, TimeBasedDecay) and not callable(value):
            self._given_rate.learning_rate.assign(value)
            return
        keras.optimizers.Optimizer.learning_rate.__set__(self, value)
        known = callable(value) or isinstance(value, numbers.Real)
        # Any other number, such as a tensor, is read from the variable that Keras keeps it in.
        self._given_rate = value if known else None

    @property
    def lr(self) -> Any:
        """Deprecated, Keras 2's name of `learning_rate`."""
        self._warn_of_lr()
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        self._warn_of_lr()
        self.learning_rate = value

    def __dir__(self) -> list[str]:
        # Keras reads every attribute that `dir` lists when it saves; the alias would warn there.
        return [name for name in super().__dir__() if name != "lr"]

    def _warn_of_lr(self) -> None:
        if not self._applying.warned_of_lr:
            self._applying.warned_of_lr = True
            # The caller's line: an assignment passes the `__setattr__` methods of Keras.
            frame, level = sys._getframe(2), 3
            while frame.f_back and frame.f_globals["__name__"].startswith(
                ("keras.", "tensorflow.")
            ):
                frame, level = frame.f_back, level + 1
            warnings.warn(
                f"`{type(self).__name__}.lr` is Keras 2's name. Write `optimizer.learning_rate`.",
                DeprecationWarning,
                stacklevel=level,
            )

    @property
    def rate(self) -> Any:
        """The schedule or callable of the learning rate, or its current value."""
        return self._given_rate if callable(self._given_rate) else self.learning_rate_at(0)

    def build(self, variables: Sequence[Any]) -> None:
        """Creates the slots.

        Args:
            variables: The trainable variables, `keras.Variable` or `tf.Variable`.

        Raises:
            ValueError: If the shape of a variable is not fully known.
        """
        if self.built:
            return
        for w in variables:
            if not tf.TensorShape(w.shape).is_fully_defined():
                raise ValueError(
                    f"`{type(self).__name__}` needs variables of known shapes, but got "
                    f"'{path_of(w)}' of shape {tuple(w.shape)}. Make the variable without "
                    "`shape=`, so that it has the shape of its first value."
                )
        super().build(variables)
        create_slots(self, variables)
        for scalar in self.shared:
            if (kept := self.kept(None, scalar.name)) is not None:
                self.list_again(kept)
            else:
                # A Python float would be rounded to float32 first, also for a float64 variable.
                start = keras.initializers.Constant(np.float64(scalar.start))
                variable = self.add_variable(
                    (), start, aggregation="only_first_replica", name=scalar.name
                )
                setattr(self, scalar.attribute, variable)
        if self._state_to_come is not None:
            saved, self._state_to_come = self._state_to_come, None
            # The step that builds the optimizer may be traced: in the graph the state would be
            # assigned again at every step.
            with tf.init_scope():
                state.restore(self, saved)

    def add_variables(self, variables: Sequence[Any]) -> None:
        """Creates the slots of variables that the optimizer was not built for.

        For layers that are unfrozen during training, or for a second model. The slots that exist
        stay as they are. A variable is then as one that had no gradient before: t, and so the
        bias correction, goes on. `fit` takes an unfrozen layer into its step after another
        `model.compile(optimizer=model.optimizer, ...)`, as in Keras.

        Args:
            variables: The new variables, or all trainable variables of the model. If all variables
                that the optimizer has are among them, the state is saved in their order, and so
                can be loaded into an optimizer that is built for them at once. Otherwise the new
                ones come last.

        Example:
            >>> import keras, keras_course_ext as kce
            >>> optimizer = kce.optimizers.Momentum(0.1)
            >>> first, later = keras.Variable([1.0]), keras.Variable([1.0])
            >>> optimizer.apply([keras.ops.ones(1)], [first])
            >>> optimizer.add_variables([first, later])
            >>> optimizer.apply([keras.ops.ones(1)], [later])
            >>> later.numpy()
            array([0.9], dtype=float32)

        Differs from Keras:
            There an optimizer is for the variables of its first step only.
        """
        if self.built:
            additions.add(self, variables)
        else:
            self.build(list(variables))

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Updates the variables by their gradients.

        Args:
            grads: One gradient per variable: a tensor, a `tf.IndexedSlices`, or `None`.
            trainable_variables: The variables, in the same order. Defaults to None: those of the
                first call.

        Raises:
            ValueError: If the optimizer was not built for one of them; see `add_variables`.
        """
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
            additions.check_known(self, trainable_variables)
        # Before everything else: accumulation, clipping and the rule all need the sums.
        grads = [summed_rows(g, dense=not self.lazy) for g in grads]
        self._applying.scalars = {}
        try:
            super().apply(grads, trainable_variables)
        finally:
            self._applying.scalars = None

    def _backend_apply_gradients(self, grads: Sequence[Any], trainable_variables: Any) -> None:
        # The one private method of Keras that is replaced: it gets all variables at once, after
        # `apply` has sorted them. If a version of Keras does not call it, Keras's own loop calls
        # `update_step` for each variable.
        step.run(self, grads, trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Runs the rule for one variable.

        Args:
            gradient: dL/dw, a dense tensor of the variable's shape.
            variable: w, a variable of the model.
            learning_rate: η, a scalar.
        """
        # The shared scalars are updated once for all variables of an `apply`.
        scalars = self._applying.scalars or self.begin_step()
        if self._applying.scalars is not None:
            self._applying.scalars = scalars
        # With `decay` Keras passes the rate that the decay starts from.
        if not isinstance(self._given_rate, TimeBasedDecay):
            scalars = scalars | {"lr": learning_rate}
        plain(replace(self.update_of(gradient, variable, scalars), decay=None))

    def begin_step(
        self, last: Any = None, pairs: Iterable[tuple[Any, Any]] | None = None
    ) -> dict[str, Any]:
        """Updates the shared scalars for the step that begins.

        Args:
            last: Whether the step updates the weights, a scalar. Defaults to None: it does.
            pairs: The gradients with their variables, for `terms`. Defaults to None, which an
                optimizer with `terms` refuses.

        Returns:
            All scalars of the step by name, `lr` and `t` among them.
        """
        lr, t = self.learning_rate, self.iterations + 1
        if isinstance(self._given_rate, TimeBasedDecay):
            lr = self._given_rate(self.batches if self.counts_batches else self.iterations)
        # TensorFlow would convert the number of a callable to float32, also for float64 weights.
        lr = tf.constant(lr, tf.float64) if isinstance(lr, float) else tf.convert_to_tensor(lr)
        scalars = {"lr": lr, "t": t}
        if not self.shared:
            return scalars
        variables = {scalar.name: getattr(self, scalar.attribute) for scalar in self.shared}
        old = {name: tf.convert_to_tensor(variable) for name, variable in variables.items()}
        dtype = next(iter(old.values())).dtype
        sums = self._sums(pairs, scalars | old, dtype)
        new = self.shared_values(old | sums, lr=tf.cast(lr, dtype), t=tf.cast(t, dtype))
        for name, variable in variables.items():
            variable.assign(new[name] if last is None else tf.where(last, new[name], old[name]))
        return scalars | dict(self.rule_scalars(old, new))

    def _sums(
        self, pairs: Iterable[tuple[Any, Any]] | None, scalars: Mapping[str, Any], dtype: Any
    ) -> dict[str, Any]:
        if self.terms is None:
            return {}
        if pairs is None:
            raise ValueError(
                f"`{type(self).__name__}` needs the gradients of all variables before it updates "
                "the first one. Call `apply`, not `update_step`."
            )
        updates = [self.update_of(g, w, scalars) for g, w in pairs]
        return summed_terms(self.terms, updates, dtype)

    def update_of(self, gradient: Any, variable: Any, scalars: Mapping[str, Any]) -> Update:
        """Returns everything that an engine needs to update one variable.

        Args:
            gradient: dL/dw, a tensor of the variable's shape or a `tf.IndexedSlices`.
            variable: w, a variable of the model.
            scalars: The scalars of the step by name, from `begin_step`.

        Returns:
            The rule and the values that it is applied to.
        """
        decays = not self.decays_weights_itself and self._use_weight_decay(variable)
        return Update(
            self.decayed_rule_for(variable),
            gradient,
            variable,
            self._slots_of(variable),
            scalars,
            decay=(self.weight_decay or None) if decays else None,
            elementwise=self.elementwise,
            shifts=self.shifts,
        )

    def finalize_variable_values(self, var_list: Sequence[Any]) -> None:
        """Replaces the weights by their moving averages, if these are kept; called by `fit`.

        Args:
            var_list: The weights.
        """
        # Before the first update there is no average yet.
        batches = int(self.batches.numpy())
        if not self.use_ema or batches >= (self.gradient_accumulation_steps or 1):
            super().finalize_variable_values(var_list)

    def save_own_variables(self, store: Any) -> None:
        """Writes the state into a store of `keras.saving`, in the format of Keras."""
        state.save(self, store)

    def load_own_variables(self, store: Any) -> None:
        """Reads the state from a store; it is restored once the optimizer is built.

        The state in a file that was saved before the optimizer was built, by `iteration` and
        learning rate alone, starts the optimizer anew. So does, with a warning, a file with the
        state of another optimizer or of other weights, or with none.

        Args:
            store: A store of `keras.saving`, or a dictionary, of an optimizer here or of Keras.

        Raises:
            ValueError: If a dictionary is the state of another optimizer or of other weights.
        """
        self._state_to_come = state.load(self, store)

    def get_weights(self) -> list[np.ndarray]:
        """Returns the values of `variables`, the state, as Keras 2 does.

        Returns:
            NumPy arrays, in the order of a state file: `iteration`, the learning rate, the slots.
        """
        return [variable.numpy() for variable in self.variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assigns the values that `get_weights` returned.

        Args:
            weights: Arrays or variables, one for each of `variables`.

        Raises:
            ValueError: If they are those of another optimizer or of other weights, or if the
                optimizer is not built.

        Example:
            >>> import keras, keras_course_ext as kce
            >>> w = keras.Variable([1.0])
            >>> first, second = kce.optimizers.Momentum(0.1), kce.optimizers.Momentum(0.1)
            >>> first.apply([keras.ops.ones(1)], [w])
            >>> second.build([w])
            >>> second.set_weights(first.get_weights())
            >>> second.apply([keras.ops.ones(1)], [w])
            >>> w.numpy().round(2)
            array([0.71], dtype=float32)

        Differs from Keras:
            Keras 3 has no `get_weights`. In Keras 2 the learning rate was not among the values.
        """
        if not self.built:
            raise ValueError(
                f"You are calling `set_weights` of `{type(self).__name__}` before it is built. "
                "Call `optimizer.build(model.trainable_variables)` first."
            )
        self.load_own_variables({str(i): np.asarray(value) for i, value in enumerate(weights)})

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Makes an optimizer from a configuration, also one of Keras 2.

        Args:
            config: Dictionary, what `get_config` returned.
            custom_objects: Dictionary from names to classes or functions. Defaults to None.

        Returns:
            The optimizer.
        """
        return super().from_config(modern_config(config, custom_objects), custom_objects)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make the same optimizer again."""
        own = {name: getattr(self, name) for name in self.hyperparameters}
        # "keras" only if it was passed: it counts batches then.
        by_default = self.convention == "keras" and not self.counts_batches
        convention = None if by_default else self.convention
        return super().get_config() | own | {"convention": convention, "lazy": self.lazy}

    def _slots_of(self, variable: Any) -> list[Any]:
        index = self._get_variable_index(variable)
        slots = [getattr(self, slot.attribute)[index] for g in self.slot_groups() for slot in g]
        return [slot for slot in slots if slot is not None and not holds_a_place(slot)]


complete_docstring(RuleOptimizer)
