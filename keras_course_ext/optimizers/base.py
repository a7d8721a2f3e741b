"""`RuleOptimizer`: a pure rule made a Keras optimizer. Keras's contract stands here, once."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np

from keras_course_ext.optimizers import engine
from keras_course_ext.optimizers.arguments import (
    COMMON_DOC,
    COMMON_MARKER,
    Default,
    check_common,
    check_convention,
    check_learning_rate,
)
from keras_course_ext.optimizers.legacy import modern_spelling
from keras_course_ext.optimizers.sparse import summed_rows


class Slot(NamedTuple):
    """A value that a rule keeps for every variable from step to step, declared as data.

    Names and order of the slots are the file format, so they are Keras's own.

    Attributes:
        name: The end of the slot variables' names.
        attribute: The optimizer's attribute that lists them, where `tf.train.Checkpoint` looks.
        only_if: The hyperparameter without which the slot doesn't exist; `None`: it always does.
        start: The hyperparameter that holds the slot's first value; `None`: 0; `WEIGHTS`: the
            slot starts as a copy of the weights.
    """

    name: str
    attribute: str
    only_if: str | None = None
    start: str | None = None


WEIGHTS = "the weights"
"""As the `start` of a `Slot`: a copy of the weights."""


class Shared(NamedTuple):
    """A scalar that a rule keeps once for all variables, such as a running product.

    It is handed to the rule by its name, after `RuleOptimizer.shared_values` has renewed it.

    Attributes:
        name: The name of the rule's argument and of the variable.
        attribute: The optimizer's attribute that holds the variable.
        start: Its value before the first step.
    """

    name: str
    attribute: str
    start: float = 0.0


class RuleOptimizer(keras.optimizers.Optimizer):
    """An optimizer made of a rule: a pure function from old values to new ones.

        (w, slots) ← rule(g, w, slots; lr, hyperparameters)

    A subclass says which hyperparameters it has, which slots its rule keeps for every variable,
    and which function the rule is. Everything else stands here: creating the slots, dtypes,
    sparse gradients, the configuration, Keras 2's spellings, the checks. Schedules, clipping,
    weight decay, moving averages and accumulation are Keras's own.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable
            without arguments. The step size η, called `lr` in the rules.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
    >>> from functools import partial
    >>> import keras, keras_course_ext as kce
    >>> def sign_rule(g, w, *, lr, dead_zone):
    ...     return (w - lr * keras.ops.sign(g) * keras.ops.cast(abs(g) > dead_zone, g.dtype),)
    >>> class SignDescent(kce.optimizers.RuleOptimizer):
    ...     hyperparameters = {"dead_zone": kce.optimizers.arguments.Number(example=1e-3)}
    ...     def __init__(self, learning_rate=0.01, dead_zone=0.0, **common):
    ...         super().__init__(learning_rate, dead_zone=dead_zone, **common)
    ...     @property
    ...     def rule(self):
    ...         return partial(sign_rule, dead_zone=self.dead_zone)
    >>> w = keras.Variable([1.0, 2.0])
    >>> SignDescent(0.5).apply([keras.ops.array([3.0, -0.1])], [w])
    >>> w.numpy()
    array([0.5, 2.5], dtype=float32)

    Differs from Keras: repeated rows of a sparse gradient are summed before anything else is done
    with it; half-precision variables are updated in float32 arithmetic; `lr=`, `decay=` and
    `epsilon=None` are understood, with a DeprecationWarning.
    """

    hyperparameters: ClassVar[Mapping[str, Callable[[str, Any], Any]]] = {}
    """The names of the rule's hyperparameters, each with the check of its value."""

    slots: ClassVar[Sequence[Sequence[Slot]]] = ()
    """The slots in groups: a group is created variable by variable, one group after the other."""

    shared: ClassVar[Sequence[Shared]] = ()
    """The scalars that the rule keeps once for all variables."""

    conventions: ClassVar[Mapping[str, Mapping[str, float | None]]] = {}
    """For each convention besides "keras": the default values that it changes, by argument."""

    elementwise: ClassVar[bool] = True
    """Whether the rule treats every element by itself; False if it takes norms or products."""

    decays_weights_itself: ClassVar[bool] = False
    """Whether weight decay is part of the rule, as its hyperparameter `wd`.

    Then it is not done before the update, and `wd` is 0 for the variables that
    `exclude_from_weight_decay` names.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _list_common_arguments(cls)

    def __init__(self, learning_rate: Any, *, convention: str = "keras", **arguments: Any) -> None:
        kind = type(self).__name__
        changed = check_convention(kind, convention, self.conventions)
        learning_rate, arguments = modern_spelling(kind, learning_rate, arguments)
        if isinstance(learning_rate, Default):
            learning_rate = changed.get("learning_rate", learning_rate)
        for name, value in arguments.items():
            if isinstance(value, Default):
                arguments[name] = changed.get(name, value)
        own = {name: arguments.pop(name) for name in self.hyperparameters if name in arguments}
        if missing := self.hyperparameters.keys() - own.keys():
            raise TypeError(
                f"`{kind}.__init__` must hand its hyperparameters on: write "
                f"`super().__init__(learning_rate, {', '.join(f'{n}={n}' for n in missing)}, ...)`."
            )
        super().__init__(
            check_learning_rate(kind, learning_rate), **check_common(kind, arguments, own)
        )
        self.convention = convention
        for name, check in self.hyperparameters.items():
            setattr(self, name, check(name, own[name]))

    @property
    def rule(self) -> partial:
        """The rule with the hyperparameters filled in.

        Called as `rule(g, w, *slots, lr=...)`, with `t=1, 2, ...` and the `shared` scalars if the
        function asks for them by name, it takes NumPy arrays as well as tensors, and returns the
        new w and slots as a tuple.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define the property `rule`, which returns "
            "`functools.partial(<pure function>, <hyperparameters>)`."
        )

    def rule_for(self, variable: Any) -> partial:
        """The rule of one variable, for optimizers that treat some variables otherwise.

        Args:
            variable: A variable of the model, or a NumPy array of weights.

        Returns:
            By default `rule`, whatever the variable.
        """
        return self.rule

    def slots_for(self, variable: Any) -> list[list[Slot]]:
        """The slots of one variable, those that its `rule_for` takes.

        Args:
            variable: A variable of the model, or a NumPy array of weights.

        Returns:
            The groups of slots: by default all of `slots` that the hyperparameters ask for.
        """
        return self._slot_groups()

    @property
    def schedule(self) -> Any:
        """The schedule that the learning rate follows, or `None`."""
        schedule = getattr(self, "_learning_rate", None)
        is_schedule = isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule)
        return schedule if is_schedule else None

    def first_slots(self, w: np.ndarray) -> list[np.ndarray]:
        """Returns the slots of a NumPy array of weights as they are before the first step."""
        return [
            w.copy() if slot.start == WEIGHTS else np.full_like(w, self._start(slot))
            for group in self.slots_for(w)
            for slot in group
        ]

    def shared_values(self, old: Mapping[str, Any], *, lr: Any, t: Any) -> Mapping[str, Any]:
        """Renews the `shared` scalars at the beginning of a step.

        Args:
            old: Their values after the last step, by name.
            lr: η, the learning rate of this step.
            t: The number of this step, 1, 2, …

        Returns:
            Their new values, by name.
        """
        return old

    def build(self, variables: Sequence[Any]) -> None:
        """Creates the slots.

        Args:
            variables: The trainable variables, `keras.Variable` or `tf.Variable`.
        """
        if self.built:
            return
        super().build(variables)
        for group in self._slot_groups():
            rows = [self._create_slots(group, variable) for variable in variables]
            for i, slot in enumerate(group):
                setattr(self, slot.attribute, [row[i] for row in rows])
        for scalar in self.shared:
            start = keras.initializers.Constant(scalar.start)
            setattr(self, scalar.attribute, self.add_variable((), start, name=scalar.name))

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Updates the variables by their gradients.

        Args:
            grads: One gradient per variable: a tensor, a `tf.IndexedSlices`, or `None`.
            trainable_variables: The variables; by default those of the first call.
        """
        # Here, because it is the first place that a gradient reaches: accumulation, clipping and
        # the rule all need the sums.
        super().apply([summed_rows(g) for g in grads], trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Runs the rule for one variable.

        Args:
            gradient: dL/dw, a dense tensor of the variable's shape.
            variable: w.
            learning_rate: η, a scalar.
        """
        rule = self._rule_of(variable)
        update = engine.Update(
            rule,
            gradient,
            variable,
            self._slots_of(variable),
            self._scalars(rule, learning_rate),
            self.assign,
        )
        engine.run(update)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make the same optimizer again."""
        own = {name: getattr(self, name) for name in self.hyperparameters}
        return super().get_config() | own | {"convention": self.convention}

    def _backend_update_step(
        self, grads: Sequence[Any], trainable_variables: Sequence[Any], learning_rate: Any
    ) -> None:
        self._renew_shared(learning_rate)
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    def _renew_shared(self, learning_rate: Any) -> None:
        if not self.shared:
            return
        old = {s.name: getattr(self, s.attribute).value for s in self.shared}
        dtype = old[self.shared[0].name].dtype
        lr = keras.ops.cast(learning_rate, dtype)
        t = keras.ops.cast(keras.ops.add(self.iterations, 1), dtype)
        new = self.shared_values(old, lr=lr, t=t)
        for scalar in self.shared:
            self.assign(getattr(self, scalar.attribute), new[scalar.name])

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        if not self.decays_weights_itself:
            super()._apply_weight_decay(variables)

    def _rule_of(self, variable: Any) -> partial:
        """The rule of a variable, without weight decay if the variable is excluded from it."""
        rule = self.rule_for(variable)
        if self.decays_weights_itself and not self._use_weight_decay(variable):
            return partial(rule, wd=0.0)
        return rule

    def _scalars(self, rule: partial, learning_rate: Any) -> dict[str, Any]:
        """The scalars of this step that a rule asks for, by name."""
        scalars = {"lr": learning_rate, "t": keras.ops.add(self.iterations, 1)}
        scalars |= {s.name: getattr(self, s.attribute) for s in self.shared}
        return {name: scalars[name] for name in engine.asked_for(rule.func) & scalars.keys()}

    def _slot_groups(self) -> list[list[Slot]]:
        groups = ([s for s in g if not s.only_if or getattr(self, s.only_if)] for g in self.slots)
        return [group for group in groups if group]

    def _create_slots(self, group: Sequence[Slot], variable: Any) -> list[Any]:
        """Creates a variable's slots of a group; `None` stands where it has no such slot."""
        kept = [slot for own in self.slots_for(variable) for slot in own if slot in group]
        created = self.add_optimizer_variables(
            [variable],
            [slot.name for slot in kept],
            [self._initializer(slot) for slot in kept],  # pyright: ignore[reportArgumentType]
        )
        by_slot = {slot: one for slot, (one,) in zip(kept, created, strict=True)}
        return [by_slot.get(slot) for slot in group]

    def _start(self, slot: Slot) -> float:
        return getattr(self, slot.start) if slot.start else 0.0

    def _initializer(self, slot: Slot) -> Any:
        # A Python float would be rounded to float32 on its way to a float64 slot.
        return keras.initializers.Constant(np.float64(self._start(slot)))

    def _slots_of(self, variable: Any) -> list[Any]:
        # Keras has no public way from a variable to its slots; its guide to custom optimizers
        # calls this method too. Under `fit` the variable is a `tf.Variable` without a path, under
        # a strategy one replica's copy of it.
        index = self._get_variable_index(variable)
        slots = [getattr(self, slot.attribute)[index] for g in self._slot_groups() for slot in g]
        return [slot for slot in slots if slot is not None]


def _list_common_arguments(cls: type) -> None:
    # There is no docstring to complete under `python -OO`.
    if cls.__doc__:
        own_decay = re.search(r"^ *weight_decay: ", cls.__doc__, re.MULTILINE)
        common = COMMON_DOC[COMMON_DOC.index("clipnorm: ") :] if own_decay else COMMON_DOC
        cls.__doc__ = cls.__doc__.replace(COMMON_MARKER, common)


_list_common_arguments(RuleOptimizer)
