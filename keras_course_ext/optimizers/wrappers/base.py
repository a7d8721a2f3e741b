"""The base class of the optimizers that wrap another one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import keras

from keras_course_ext.optimizers.arguments import CommonArguments
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.engine.update import Update
from keras_course_ext.optimizers.lookup import counterpart
from keras_course_ext.optimizers.slots import Slot


class WrapperOptimizer(RuleOptimizer):
    """An optimizer that changes the steps of another one.

    It uses the rule, the slots, the shared scalars and the common arguments (learning rate,
    weight decay, clipping, ...) of the optimizer inside, which is not run itself.

    Args:
        inner: An optimizer, not built yet: one of this package, or one of Keras that has a
            counterpart here, which takes its place with the same arguments.
        name: String or `None`. Defaults to None: the class name in snake case.

    Raises:
        TypeError: If `inner` is no such optimizer.
        ValueError: If `inner` has been built already.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> inner = kce.optimizers.LayerWise(kce.optimizers.SGD(1.0), {"a": 0.5})
        >>> optimizer = kce.optimizers.Lookahead(inner)
        >>> a, b = keras.Variable([1.0], name="a"), keras.Variable([1.0], name="b")
        >>> optimizer.find_factors([a, b])
        [(0.5, 1.0), (1.0, 1.0)]
        >>> optimizer.build([a, b])
        >>> optimizer.factors_of(a)
        (0.5, 1.0)
    """

    def __init__(self, inner: keras.optimizers.Optimizer, name: str | None = None) -> None:
        kind = type(self).__name__
        inner = inner if isinstance(inner, RuleOptimizer) else counterpart(inner, kind)
        if inner.built:
            raise ValueError(
                f"`{kind}` got an optimizer that has been built for other weights already. Make a "
                f"new one: `{kind}({type(inner).__name__}(...))`."
            )
        not_common = {"name", "convention", "lazy", "lr", "decay"}
        known = CommonArguments.__annotations__.keys() - not_common
        common = {k: v for k, v in inner.get_config().items() if k in known}
        super().__init__(inner.rate, name=name, **common)
        self.inner = inner
        self._factors_by_index: list[tuple[float, float]] = []
        self.counts_batches = inner.counts_batches
        self.lazy = inner.lazy
        self.shared = inner.shared
        self.elementwise = inner.elementwise
        self.decays_weights_itself = inner.decays_weights_itself
        self.averages_weights = inner.averages_weights
        self.needs_paths = self.needs_paths or inner.needs_paths

    @property
    def innermost(self) -> RuleOptimizer:
        """The optimizer inside of all wrappers."""
        inner = self.inner
        return inner.innermost if isinstance(inner, WrapperOptimizer) else inner

    def build(self, variables: Sequence[Any]) -> None:
        """Creates the slots, and finds the factors of every variable.

        Args:
            variables: The trainable variables.

        Raises:
            ValueError: If a pattern of a `LayerWise` matches the path of no variable.
        """
        if self.built:
            return
        self._factors_by_index = self.find_factors(variables)
        super().build(variables)

    def find_factors(self, variables: Sequence[Any]) -> list[tuple[float, float]]:
        """Finds the factors that the wrappers inside have for the variables.

        Args:
            variables: Variables of the model.

        Returns:
            For each variable the factors of its learning rate and of its weight decay.
        """
        if isinstance(self.inner, WrapperOptimizer):
            return self.inner.find_factors(variables)
        return [(1.0, 1.0)] * len(variables)

    def factors_of(self, variable: Any) -> tuple[float, float]:
        """Finds the factors of a variable.

        Args:
            variable: A variable of the model that the optimizer is built for.

        Returns:
            The factor of its learning rate and the one of its weight decay, floats.
        """
        return self._factors_by_index[self._get_variable_index(variable)]

    def update_of(self, gradient: Any, variable: Any, scalars: Mapping[str, Any]) -> Update:
        """Returns what an engine needs to update one variable, with its own rate and decay."""
        update = super().update_of(gradient, variable, scalars)
        of_rate, of_decay = self.factors_of(variable)
        rule, decay = update.rule, update.decay
        if of_decay != 1.0 and self.decays_weights_itself:
            rule = partial(rule, wd=decay_of(rule) * of_decay)
        elif decay is not None:
            decay = decay * of_decay or None
        if of_rate == 1.0:
            return replace(update, rule=rule, decay=decay)
        lr = scalars[_rate(of_rate)] if _rate(of_rate) in scalars else scalars["lr"] * of_rate
        return replace(update, rule=rule, scalars={**scalars, "lr": lr}, decay=decay)

    def begin_step(
        self, last: Any = None, pairs: Iterable[tuple[Any, Any]] | None = None
    ) -> dict[str, Any]:
        """Returns the scalars of the step that begins, with all the learning rates."""
        scalars = super().begin_step(last, pairs)
        factors = {f for f, _ in self._factors_by_index if f != 1.0}
        return scalars | {_rate(f): scalars["lr"] * f for f in factors}

    def group_of(self, variable: Any) -> Any:
        """Returns what variables that may be updated in one run of the rule have in common."""
        return super().group_of(variable), self.factors_of(variable)

    @property
    def rule(self) -> partial:
        """The rule of the optimizer inside."""
        return self.inner.rule

    def rule_for(self, variable: Any) -> partial:
        """The rule that the optimizer inside has for one variable."""
        return self.inner.rule_for(variable)

    @property
    def terms(self) -> partial | None:
        """What the shared scalars of the optimizer inside sum over all variables."""
        return self.inner.terms

    def slot_groups(self) -> list[list[Slot]]:
        """The slots of the optimizer inside."""
        return self.inner.slot_groups()

    def slots_for(self, variable: Any) -> list[list[Slot]]:
        """The slots that the optimizer inside has for one variable."""
        return self.inner.slots_for(variable)

    def start_of(self, slot: Slot) -> float:
        """The first value of a slot of the optimizer inside."""
        return self.inner.start_of(slot)

    def shared_values(self, old: Mapping[str, Any], *, lr: Any, t: Any) -> Mapping[str, Any]:
        """The shared scalars of the optimizer inside for a step."""
        return self.inner.shared_values(old, lr=lr, t=t)

    def rule_scalars(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
        """The scalars that the rule of the optimizer inside gets."""
        return self.inner.rule_scalars(old, new)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make the same optimizer again."""
        if self.rate is not self.inner.rate:
            # The learning rate may have been set since.
            self.inner.learning_rate = self.rate
        return {
            "inner": keras.saving.serialize_keras_object(self.inner),
            "name": self.name,
        }

    def _is_excluded(self, weight: Any) -> bool:
        # The variables may have been excluded before the optimizer was wrapped.
        return super()._is_excluded(weight) or self.inner._is_excluded(weight)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Makes an optimizer from what `get_config` returned."""
        inner = keras.saving.deserialize_keras_object(config["inner"], custom_objects)
        return cls(**(config | {"inner": inner}))


def decay_of(rule: partial) -> float:
    """Returns the weight decay of a rule, or of the rule that it goes around."""
    return rule.keywords["wd"] if "wd" in rule.keywords else decay_of(rule.keywords["inner"])


def _rate(factor: float) -> str:
    return f"lr x {factor!r}"
