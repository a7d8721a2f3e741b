"""AdEMAMix: Adam with a second, much slower mean of the gradients."""

from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import (
    CommonArguments,
    Default,
    LearningRate,
    Number,
    check_count,
)
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.ademamix import ademamix_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class AdEMAMix(RuleOptimizer):
    """AdEMAMix: Adam's step, plus α times a mean over some ten thousand gradients.

        m₁ ← β₁ m₁ + (1 − β₁) g
        m₂ ← β₃ m₂ + (1 − β₃) g
        v ← β₂ v + (1 − β₂) g²
        w ← w − η (m₁ / (1 − β₁ᵗ) + α m₂) / (√(v / (1 − β₂ᵗ)) + ε)

    t = 1, 2, … numbers the steps. One mean can't both follow the present gradients and remember
    those of thousands of steps ago; two can. The slow one would be harmful at the beginning, so
    over T = `warmup_steps` steps

        α(t) = α min(1, t / T),  β₃(t) = min(β₃, exp(ln β₁ ln β₃ / ((1 − t/T) ln β₃ + t/T ln β₁)))

    T should be the number of all steps, or near it.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η. Defaults to 0.001.
        beta_1: Float in (0, 1). β₁, the share of m₁ that is kept. Defaults to 0.9.
        beta_2: Float in [0, 1). β₂, the share of v that is kept. Defaults to 0.999.
        beta_3: Float in (0, 1). β₃, the share of m₂ that is kept. Defaults to 0.9999.
        alpha: Float ≥ 0. α, the weight of m₂; 4 to 10 in the paper. Defaults to 5.
        warmup_steps: Integer ≥ 0. T; with 0 there is no warm-up. Defaults to 0.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 1e-8.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0])
        >>> kce.optimizers.AdEMAMix(0.1).apply([keras.ops.array([0.5, -30.0])], [w])
        >>> w.numpy().round(4)
        array([0.9, 2.1], dtype=float32)

    Differs from Keras:
        It has no AdEMAMix.

    Differs from the paper:
        None, so that `convention="paper"` is the same. Its λ is `weight_decay`, its Tα and Tβ₃ are
        one argument.

    Reference: Pagliardini, Ablin, Grangier, The AdEMAMix Optimizer: Better, Faster, Older, ICLR
    2025, Algorithm 1.
    """

    formula = staticmethod(ademamix_rule)
    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.9, below=True, above=True),
        "beta_2": Number(0, 1, example=0.999, below=True),
        "beta_3": Number(0, 1, example=0.9999, below=True, above=True),
        "alpha": Number(example=5.0),
        "warmup_steps": check_count,
        "epsilon": Number(example=1e-8),
    }
    shifts = True
    slots = (
        (
            Slot("momentum", "_momentums"),
            Slot("slow_momentum", "_slow_momentums"),
            Slot("velocity", "_velocities"),
        ),
    )
    conventions: ClassVar = {"paper": {}}

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        beta_3: float = 0.9999,
        alpha: float = 5.0,
        warmup_steps: int = 0,
        epsilon: float | None = 1e-8,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            beta_3=beta_3,
            alpha=alpha,
            warmup_steps=warmup_steps,
            epsilon=epsilon,
            **common,
        )
