"""Lookahead: k fast steps, then a slow step part of the way."""

from functools import partial
from typing import Any

import keras

from keras_course_ext.optimizers.arguments import Number, check_count
from keras_course_ext.optimizers.rules.lookahead import lookahead_rule
from keras_course_ext.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from keras_course_ext.optimizers.slots import WEIGHTS, Slot
from keras_course_ext.optimizers.wrappers.base import WrapperOptimizer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Lookahead(WrapperOptimizer):
    """Lookahead: slow weights that follow the fast weights of another optimizer every k steps.

        θ ← inner(θ)                                   at every step
        φ ← φ + α (θ − φ),  θ ← φ                      after every k-th step

    The learning rate, the weight decay, the clipping and so on are those of the optimizer inside.
    The momentum of the optimizer inside goes on over the step back.

    Args:
        inner: An optimizer, not built yet: one of this package, or one of Keras that has a
            counterpart here, which takes its place with the same arguments.
        sync_period: Integer ≥ 1. k, how many fast steps make a slow one. Defaults to 5.
        slow_step_size: Float in (0, 1]. α, how far the slow weights follow. Defaults to 0.5.
        name: String or `None`. Defaults to None: the class name in snake case.

    Raises:
        TypeError: If `inner` is no such optimizer, or a `ScheduleFreeAdamW`, which averages the
            weights itself, or a `Prodigy`, which measures how far the weights have come.
        ValueError: If an argument is out of its range, or `inner` has been built already.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w, g = keras.Variable([1.0]), keras.ops.array([1.0])
        >>> optimizer = kce.optimizers.Lookahead(kce.optimizers.SGD(0.1), sync_period=2)
        >>> for _ in range(4):
        ...     optimizer.apply([g], [w])
        ...     print(w.numpy().round(4))
        [0.9]
        [0.9]
        [0.8]
        [0.8]

    Reference: Zhang, Lucas, Hinton, Ba, Lookahead Optimizer: k steps forward, 1 step back, NeurIPS
    2019, Algorithm 1.
    """

    def __init__(
        self,
        inner: keras.optimizers.Optimizer,
        sync_period: int = 5,
        slow_step_size: float = 0.5,
        name: str | None = None,
    ) -> None:
        super().__init__(inner, name)
        if isinstance(self.innermost, ScheduleFreeAdamW):
            raise TypeError(
                "`Lookahead` got a `ScheduleFreeAdamW`, whose average of the weights would not "
                "know of the steps back. Use one of the two: `Lookahead(kce.optimizers.AdamW())` "
                "or `ScheduleFreeAdamW()`."
            )
        if self.terms is not None:
            kind = type(self.innermost).__name__
            raise TypeError(
                f"`Lookahead` got a `{kind}`, whose sums over all weights would not know of the "
                f"steps back. Write `{kind}()` alone, or `Lookahead(kce.optimizers.AdamW())`."
            )
        self.sync_period = check_count("sync_period", sync_period, least=1)
        self.slow_step_size = Number(0, 1, example=0.5, above=True)(
            "slow_step_size", slow_step_size
        )

    @property
    def rule(self) -> partial:
        """`lookahead_rule` around the rule of the optimizer inside."""
        return self._around(self.inner.rule)

    def rule_for(self, variable: Any) -> partial:
        """`lookahead_rule` around the rule that the optimizer inside has for one variable."""
        return self._around(self.inner.rule_for(variable))

    def slot_groups(self) -> list[list[Slot]]:
        """The slow weights, and the slots of the optimizer inside."""
        return [self._slow, *self.inner.slot_groups()]

    def slots_for(self, variable: Any) -> list[list[Slot]]:
        """The slow weights, and the slots that the optimizer inside has for one variable."""
        return [self._slow, *self.inner.slots_for(variable)]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make the same optimizer again."""
        own = {"sync_period": self.sync_period, "slow_step_size": self.slow_step_size}
        return super().get_config() | own

    @property
    def _slow(self) -> list[Slot]:
        return [Slot("slow", "_slow_weights", start=WEIGHTS)]

    def _around(self, rule: partial) -> partial:
        return partial(lookahead_rule, inner=rule, k=self.sync_period, alpha=self.slow_step_size)
