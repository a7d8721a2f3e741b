"""The base class of the optimizers that wrap another one."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import keras

from keras_course_ext.optimizers.arguments import CommonArguments
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.slots import Slot


class WrapperOptimizer(RuleOptimizer):
    """An optimizer that changes the steps of another one.

    It uses the rule, the slots, the shared scalars and the common arguments (learning rate,
    weight decay, clipping, ...) of the optimizer inside, which is not run itself.

    Args:
        inner: An optimizer of this package, not built yet.
        name: String or `None`. Defaults to None: the class name in snake case.

    Raises:
        TypeError: If `inner` is no optimizer of this package, or one that no other can wrap.
        ValueError: If `inner` has been built already.
    """

    outermost: ClassVar[bool] = False
    """Whether it changes an update outside of its rule, so that it can't be wrapped itself."""

    def __init__(self, inner: RuleOptimizer, name: str | None = None) -> None:
        kind = type(self).__name__
        if not isinstance(inner, RuleOptimizer):
            raise TypeError(
                f"`{kind}` wraps an optimizer of this package, but got {inner!r} "
                f"({type(inner).__name__}). Write, for example, `{kind}(kce.optimizers.Adam())`."
            )
        if isinstance(inner, WrapperOptimizer) and inner.outermost:
            within = type(inner).__name__
            instead = f"`{within}({kind}(...), ...)`" if kind != within else f"one `{within}` alone"
            raise TypeError(
                f"`{kind}` got a `{within}`, whose factors it would not see. Write {instead}."
            )
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
        self.lazy = inner.lazy
        self.shared = inner.shared
        self.elementwise = inner.elementwise
        self.decays_weights_itself = inner.decays_weights_itself
        self.averages_weights = inner.averages_weights

    @property
    def rule(self) -> partial:
        """The rule of the optimizer inside."""
        return self.inner.rule

    def rule_for(self, variable: Any) -> partial:
        """The rule that the optimizer inside has for one variable."""
        return self.inner.rule_for(variable)

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
