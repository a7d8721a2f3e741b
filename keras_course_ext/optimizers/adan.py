"""Adan: Adam with Nesterov momentum, estimated from the differences of the gradients."""

from functools import partial
from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import (
    CommonButWeightDecay,
    Default,
    LearningRate,
    Number,
)
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.adan import adan_algorithm_1_rule, adan_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Adan(RuleOptimizer):
    """Adan, adaptive Nesterov momentum: means of the gradient and of its change.

        d = g − gₜ₋₁                                       0 at the first step
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) d
        n ← β₃ n + (1 − β₃) (g + β₂ d)²
        w ← (w − η (m̂ + β₂ v̂) / (√n̂ + ε)) / (1 + η λ)

    with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), n̂ = n / (1 − β₃ᵗ); t = 1, 2, … numbers the
    steps. Nesterov's momentum takes the gradient at a point ahead; g + β₂ d estimates that gradient
    from the last two, without computing it.

        convention   form
        "keras"      as written above
        "paper"      m, v, n instead of m̂, v̂, n̂; m starts as the first g, n as its square

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, about the most that a weight moves in a step. Defaults to 0.001.
        beta_1: Float in [0, 1). β₁, the share of m that is kept. Defaults to 0.98.
        beta_2: Float in [0, 1). β₂, the share of v that is kept. Defaults to 0.92.
        beta_3: Float in [0, 1). β₃, the share of n that is kept. Defaults to 0.99.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 1e-8.
        weight_decay: Float ≥ 0 or `None`, which is 0. λ, part of the rule; 0 for the variables that
            `exclude_from_weight_decay` names. Defaults to None.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0])
        >>> kce.optimizers.Adan(0.1).apply([keras.ops.array([0.5, -30.0])], [w])
        >>> w.numpy().round(4)
        array([0.9, 2.1], dtype=float32)

    Differs from Keras:
        It has no Adan; "keras" is the form of the authors' code, with Adam's corrections.

    Differs from the paper:
        None in the update for `convention="paper"`. There 1 − β is called β: its β are 0.02, 0.08
        and 0.01.

    Reference: Xie, Zhou, Li, Lin, Yan, Adan: Adaptive Nesterov Momentum Algorithm for Faster
    Optimizing Deep Models, IEEE TPAMI 46 (2024), Algorithm 1.
    """

    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.98, below=True),
        "beta_2": Number(0, 1, example=0.92, below=True),
        "beta_3": Number(0, 1, example=0.99, below=True),
        "epsilon": Number(example=1e-8),
    }
    slots = (
        (
            Slot("momentum", "_momentums"),
            Slot("difference", "_differences"),
            Slot("velocity", "_velocities"),
            Slot("gradient", "_gradients"),
        ),
    )
    conventions: ClassVar = {"paper": {}}
    decays_weights_itself = True

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        beta_1: float = 0.98,
        beta_2: float = 0.92,
        beta_3: float = 0.99,
        epsilon: float | None = 1e-8,
        weight_decay: float | None = None,
        **common: Unpack[CommonButWeightDecay],
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            beta_3=beta_3,
            epsilon=epsilon,
            weight_decay=weight_decay,
            **common,
        )

    @property
    def rule(self) -> partial:
        """`adan_rule`, or the paper's `adan_algorithm_1_rule`."""
        return self.bind(adan_algorithm_1_rule if self.convention == "paper" else adan_rule)
