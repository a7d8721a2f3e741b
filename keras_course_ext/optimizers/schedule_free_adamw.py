"""Schedule-free AdamW: an average of the weights instead of a schedule of the learning rate."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Unpack

import keras
import tensorflow as tf

from keras_course_ext.optimizers.arguments import (
    CommonButWeightDecay,
    Default,
    LearningRate,
    Number,
    check_count,
)
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.schedule_free_adamw import (
    average_of,
    point_between,
    schedule_free_adamw_rule,
    share_of_step,
)
from keras_course_ext.optimizers.slots import WEIGHTS, Shared, Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class ScheduleFreeAdamW(RuleOptimizer):
    """Schedule-free AdamW: gradients at one point, evaluation at a running average.

        y = (1 − β₁) z + β₁ x                      where the gradient g is taken
        v ← β₂ v + (1 − β₂) g²,  v̂ = v / (1 − β₂ᵗ)
        z ← z − γₜ g / (√v̂ + ε) − γₜ λ y          the steps, γₜ = γ · min(1, t / `warmup_steps`)
        x ← (1 − c) x + c z,  c = γₜ² / Σᵢ γᵢ²     their average

    During training the model holds y; evaluate and save it with x, which generalizes better. At the
    end of `fit` the model holds x. For validation and checkpoints inside `fit`, put
    `kce.callbacks.AveragedWeights()` before them into the list of callbacks. A second `fit` that
    starts at x returns to y in its first step, whose gradient was taken at x; with
    `AveragedWeights` it returns to y before that step.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. γ; there need be no schedule. Defaults to 0.0025.
        beta_1: Float in (0, 1). β₁, how near y is to the average. Defaults to 0.9.
        beta_2: Float in [0, 1). β₂, the share of v that is kept. Defaults to 0.999.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 1e-8.
        warmup_steps: Integer ≥ 0. Over how many steps γ rises from 0 to its value. Defaults to 0.
        weight_decay: Float ≥ 0 or `None`, which is 0. λ, part of the rule. Defaults to None.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w, g = keras.Variable([1.0]), keras.ops.array([2.0])
        >>> optimizer = kce.optimizers.ScheduleFreeAdamW(0.1)
        >>> optimizer.apply([g], [w])
        >>> optimizer.apply([g], [w])
        >>> w.numpy().round(3)  # 0.1 · 0.8 + 0.9 · (0.9 + 0.8) / 2
        array([0.845], dtype=float32)
        >>> optimizer.finalize_variable_values([w])
        >>> w.numpy().round(3)  # the average of the steps 0.9 and 0.8
        array([0.85], dtype=float32)
        >>> optimizer.swap(to_average=False)
        >>> w.numpy().round(3)
        array([0.845], dtype=float32)

    Differs from Keras:
        There c is 1/t for all rates, `beta_1` has no effect on TensorFlow, decay is done
        before the update, and the averages are never put into the model. The slots have Keras's
        names, but the files also hold Σ γᵢ² and which of y and x the model holds.

    Reference: Defazio, Yang, Khaled, Mishchenko, Mehta, Cutkosky, The Road Less Scheduled, NeurIPS
    2024, Algorithm 1.
    """

    formula = staticmethod(schedule_free_adamw_rule)
    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.9, below=True, above=True),
        "beta_2": Number(0, 1, example=0.999, below=True),
        "epsilon": Number(example=1e-8),
        "warmup_steps": check_count,
    }
    slots = ((Slot("momentum", "_momentums", start=WEIGHTS), Slot("velocity", "_velocities")),)
    shared = (Shared("weight_sum", "_weight_sum"), Shared("at_average", "_at_average"))
    conventions: ClassVar = {"paper": {}}
    decays_weights_itself = True
    averages_weights = True

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.0025),  # noqa: B008
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-8,
        warmup_steps: int = 0,
        weight_decay: float | None = None,
        **common: Unpack[CommonButWeightDecay],
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            warmup_steps=warmup_steps,
            weight_decay=weight_decay,
            **common,
        )
        if self.lazy:
            raise ValueError(
                "`ScheduleFreeAdamW` averages all rows of a table at every step, so it can't skip "
                "those that were not looked up. Write `ScheduleFreeAdamW(lazy=False)`."
            )

    def shared_values(self, old: Mapping[str, Any], *, lr: Any, t: Any) -> Mapping[str, Any]:
        """Adds γₜ² to the sum, and computes its share; after the step the model holds y.

        The share is the same for every variable, also if `LayerWise` changes its rate.
        """
        weight_sum, share = share_of_step(
            old["weight_sum"], lr=lr, warmup_steps=self.warmup_steps, t=t
        )
        return {"weight_sum": weight_sum, "c": share, "at_average": 0.0 * old["at_average"]}

    def rule_scalars(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
        """The share of the step, and where the model was before it."""
        return {"c": new["c"], "at_average": old["at_average"]}

    @property
    def holds_average(self) -> bool:
        """Whether the model holds the averages x, not y."""
        return self.built and bool(self._at_average.numpy())

    def finalize_variable_values(self, var_list: Sequence[Any]) -> None:
        """Puts the averages x into the model; called at the end of `fit`.

        Args:
            var_list: The weights.
        """
        self.swap(to_average=True)
        super().finalize_variable_values(var_list)

    def swap(self, *, to_average: bool) -> None:
        """Puts the averages x into the model, or y, the weights that it trains at.

        It does nothing if the model holds them already. It must not be called inside of a
        `tf.function`.

        Args:
            to_average: Whether the model is to hold x.
        """
        swap_weights(self, self.beta_1, to_average=to_average)


def swap_weights(optimizer: RuleOptimizer, beta_1: float, *, to_average: bool) -> None:
    """Puts x or y into the model, for the optimizer that keeps the slots.

    Args:
        optimizer: A `ScheduleFreeAdamW`, or the optimizer that it is inside of.
        beta_1: β₁.
        to_average: Whether the model is to hold x.
    """
    if not optimizer.built or bool(optimizer._at_average.numpy()) == to_average:
        return
    # All variables that the optimizer was built for, also those that were frozen since.
    for w in optimizer.weights:
        dtype = tf.float64 if w.dtype in ("float64", tf.float64) else tf.float32
        z, now = (tf.cast(v, dtype) for v in (optimizer._slots_of(w)[0], w))
        then = average_of(now, z, beta_1) if to_average else point_between(z, now, beta_1)
        w.assign(tf.cast(then, w.dtype))
    optimizer._at_average.assign(float(to_average))
