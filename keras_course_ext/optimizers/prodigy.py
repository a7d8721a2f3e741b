"""Prodigy: Adam that finds its learning rate itself."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import (
    CommonButWeightDecay,
    Default,
    LearningRate,
    Number,
    flag,
)
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.prodigy import (
    estimated_distance,
    prodigy_rule,
    prodigy_terms,
)
from keras_course_ext.optimizers.slots import WEIGHTS, Shared, Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Prodigy(RuleOptimizer):
    """Prodigy: Adam's step times d, an estimate of the distance from the start to the solution.

        m ← β₁ m + (1 − β₁) d g
        v ← β₂ v + (1 − β₂) d² g²
        s ← √β₂ s + (1 − √β₂) γ d² g
        r ← √β₂ r + (1 − √β₂) γ d² ⟨g, w₀ − w⟩
        w ← w − γ d (m / (√v + d ε) + λ w)
        d ← max(d, c r / ‖s‖₁)

    w₀ are the weights before the first step. ⟨ ⟩ and ‖ ‖₁ go over all weights of the model, so
    there is one d for all. d starts too small, grows while the weights move against the gradients
    in one direction, and stays once they have found it. γ is left at 1, or a schedule that falls
    from 1 to 0.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. γ, a factor of the steps. Defaults to 1.
        beta_1: Float in [0, 1). β₁, the share of m that is kept. Defaults to 0.9.
        beta_2: Float in [0, 1). β₂, the share of v that is kept. Defaults to 0.999.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 1e-8.
        d0: Float > 0. The first d, far below any learning rate that Adam could use. Defaults to
            1e-6.
        d_coef: Float > 0. c, makes the estimates larger or smaller. Defaults to 1.
        use_bias_correction: Boolean. Whether γ is multiplied by Adam's √(1 − β₂ᵗ) / (1 − β₁ᵗ).
            Defaults to False.
        weight_decay: Float ≥ 0 or `None`, which is 0. λ, part of the rule; 0 for the variables that
            `exclude_from_weight_decay` names. Defaults to None.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([3.0, -2.0])
        >>> optimizer = kce.optimizers.Prodigy()
        >>> for _ in range(300):
        ...     optimizer.apply([w.value], [w])  # of the loss (w₁² + w₂²) / 2
        >>> bool(abs(w.numpy()).max() < 0.1), bool(optimizer.distance > 0.1)
        (True, True)

    Differs from Keras:
        It has no Prodigy.

    Differs from the paper:
        None, so that `convention="paper"` is the same. `use_bias_correction` and `d_coef` are those
        of the authors' code.

    Reference: Mishchenko, Defazio, Prodigy: An Expeditiously Adaptive Parameter-Free Learner, ICML
    2024, Algorithm 4.
    """

    formula = staticmethod(prodigy_rule)
    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.9, below=True),
        "beta_2": Number(0, 1, example=0.999, below=True),
        "epsilon": Number(example=1e-8),
        "d0": Number(example=1e-6, above=True),
        "d_coef": Number(example=1.0, above=True),
        "use_bias_correction": flag,
    }
    slots = (
        (
            Slot("start", "_starts", start=WEIGHTS),
            Slot("momentum", "_momentums"),
            Slot("velocity", "_velocities"),
            Slot("weighted_sum", "_weighted_sums"),
        ),
    )
    conventions: ClassVar = {"paper": {}}
    decays_weights_itself = True

    def __init__(
        self,
        learning_rate: LearningRate = Default(1.0),  # noqa: B008
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-8,
        d0: float = 1e-6,
        d_coef: float = 1.0,
        use_bias_correction: bool = False,
        weight_decay: float | None = None,
        **common: Unpack[CommonButWeightDecay],
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            d0=d0,
            d_coef=d_coef,
            use_bias_correction=use_bias_correction,
            weight_decay=weight_decay,
            **common,
        )
        self.shared = (Shared("d", "_d", start=self.d0), Shared("r", "_r"))
        if self.lazy:
            raise ValueError(
                "`Prodigy` sums over all rows of a table at every step, so it can't skip those "
                "that were not looked up. Write `Prodigy(lazy=False)`."
            )

    @property
    def distance(self) -> float:
        """The estimate d, which is the learning rate that the optimizer has found."""
        return float(self._d.numpy()) if self.built else self.d0

    @property
    def terms(self) -> partial:
        """`prodigy_terms`, summed over all variables."""
        return self.bind(prodigy_terms)

    def shared_values(self, old: Mapping[str, Any], *, lr: Any, t: Any) -> Mapping[str, Any]:
        """Computes the estimate after the step from the sums over all variables."""
        d, r = estimated_distance(**old, beta_2=self.beta_2, d_coef=self.d_coef)
        return {"d": d, "r": r}

    def rule_scalars(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
        """The estimate before the step."""
        return {"d": old["d"]}
