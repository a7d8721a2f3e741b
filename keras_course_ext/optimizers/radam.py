"""RAdam: Adam whose step is not divided by √v during the first steps."""

from functools import partial
from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate, Number
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.radam import radam_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class RAdam(RuleOptimizer):
    """RAdam, rectified Adam: a warm-up computed from the variance of Adam's step size.

        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        ρ∞ = 2 / (1 − β₂) − 1,   ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
        w ← w − η / (1 − β₁ᵗ) · m                                 while ρ ≤ 4
        w ← w − η r √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)         afterwards
        r  = √[(ρ − 4) (ρ − 2) ρ∞ / ((ρ∞ − 4) (ρ∞ − 2) ρ)]

    t = 1, 2, … numbers the steps. ρ is about the number of gradients that v averages. While
    it is small, 1 / √v has a large variance, and so have Adam's first steps; r shortens them in
    proportion, and rises to 1. With
    β₂ = 0.999 the first 4 steps are gradient descent with momentum.

        convention   the adapted step                     from     ε
        "keras"      η r √(1 − β₂ᵗ) m̂ / (√v + ε)          ρ > 4    1e-7
        "torch"      η r √(1 − β₂ᵗ) m̂ / (√v + ε)          ρ > 5    1e-8
        "paper"      η r m̂ / (√v̂ + ε)                     ρ > 4    1e-8

    with m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ).

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, about the most that a weight moves in a step. Defaults to 0.001.
        beta_1: Float in [0, 1). β₁, the share of m that is kept. Defaults to 0.9.
        beta_2: Float in (0.6, 1). β₂, the share of v that is kept. Defaults to 0.999.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 1e-7.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0])
        >>> kce.optimizers.RAdam(learning_rate=0.1).apply([keras.ops.array([0.5, -30.0])], [w])
        >>> w.numpy().round(4)  # not adapted yet: η g
        array([0.95, 5.  ], dtype=float32)

    Differs from Keras:
        It has no RAdam; "keras" names Adam's form of ε there. ρ and r are computed in float64,
        because ρ begins as a small difference of large numbers.

    Differs from the paper:
        It has no ε, and a weight whose gradient has always been 0 is divided by 0 there;
        `epsilon=0` with `convention="paper"` is its formula. A β₂ of 0.6 or less, at which no step
        would ever be adapted, is refused.

    Differs from torch:
        None for `convention="torch"`, which is `torch.optim.RAdam`; its `weight_decay` is the
        decoupled one there only with `decoupled_weight_decay=True`.

    Reference: Liu, Jiang, He, Chen, Liu, Gao, Han, On the Variance of the Adaptive Learning Rate
    and Beyond, ICLR 2020, Algorithm 2.
    """

    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.9, below=True),
        "beta_2": Number(0.6, 1, example=0.999, below=True, above=True),
        "epsilon": Number(example=1e-7),
    }
    shifts = True
    slots = ((Slot("momentum", "_momentums"), Slot("velocity", "_velocities")),)
    conventions: ClassVar = {"paper": {"epsilon": 1e-8}, "torch": {"epsilon": 1e-8}}

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = Default(1e-7),
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, **common)

    @property
    def rule(self) -> partial:
        """`radam_rule` in the form of the convention."""
        threshold = 5.0 if self.convention == "torch" else 4.0
        return self.bind(radam_rule, threshold=threshold, corrected=self.convention == "paper")
