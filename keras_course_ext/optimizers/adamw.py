"""AdamW: Adam with decoupled weight decay."""

from functools import partial
from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.adam import RULES, Adam
from keras_course_ext.optimizers.arguments import CommonButWeightDecay, Default, LearningRate
from keras_course_ext.optimizers.engine.base import RuleOptimizer


@keras.saving.register_keras_serializable(package="keras_course_ext")
class AdamW(RuleOptimizer):
    """AdamW: Adam with decoupled weight decay.

        w ← w − η λ w
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)

    A penalty ½ λ w² in the loss adds λ w to g instead, and Adam divides that by √v: weights with
    large gradients would then decay less.

    The rules are those of `Adam`, with its conventions and `amsgrad`. The decay is the common
    argument `weight_decay` with another default; `exclude_from_weight_decay` excludes biases and
    other variables from it.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, about the most that a weight moves in a step. Defaults to 0.001.
        weight_decay: Float ≥ 0. λ, the share of a weight that is lost per unit of learning rate.
            Defaults to 0.004.
        beta_1: Float in [0, 1). β₁, the share of m that is kept. Defaults to 0.9.
        beta_2: Float in [0, 1). β₂, the share of v that is kept. Defaults to 0.999.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 1e-7.
        amsgrad: Boolean. Whether to divide by the largest v so far. Defaults to False.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([10.0, 2.0])
        >>> optimizer = kce.optimizers.AdamW(learning_rate=0.1, weight_decay=0.5)
        >>> optimizer.apply([keras.ops.array([0.0, -30.0])], [w])
        >>> w.numpy().round(4)  # 10 · (1 − 0.05) and 2 · (1 − 0.05) + 0.1
        array([9.5, 2. ], dtype=float32)

    Differs from the paper:
        `convention="paper"` is Algorithm 1 of Adam with ε = 1e-8, see `Adam`. The decay stays as
        above. Algorithm 2 of the paper multiplies its λ by the schedule alone, not by the base rate
        α of η = schedule · α: its λ is α · `weight_decay` here.

    Differs from torch:
        `convention="torch"` is the same form with ε = 1e-8 and λ = 0.01 by default.

    Differs from the deck:
        The deck does not cover AdamW. `convention="deck"` is the form above with the deck's
        ε = 1e-8 for Adam.

    Reference: Loshchilov, Hutter, Decoupled Weight Decay Regularization, ICLR 2019, Algorithm 2.
    """

    hyperparameters = Adam.hyperparameters
    slots = Adam.slots
    conventions: ClassVar = {
        **Adam.conventions,
        "torch": {"weight_decay": 0.01, "epsilon": 1e-8},
    }

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        weight_decay: float = Default(0.004),
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = Default(1e-7),
        amsgrad: bool = False,
        **common: Unpack[CommonButWeightDecay],
    ) -> None:
        if weight_decay is None:
            raise ValueError(
                "`AdamW` needs a number as `weight_decay`, but got weight_decay=None. Write, for "
                "example, `weight_decay=0.004`, or `Adam` for an optimizer without it."
            )
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            **common,
        )

    @property
    def rule(self) -> partial:
        """The rule that `Adam` has for the convention and `amsgrad`."""
        return self.bind(RULES[self.convention][self.amsgrad])
