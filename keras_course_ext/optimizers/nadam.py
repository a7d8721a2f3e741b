"""Nadam: Adam with Nesterov momentum."""

from collections.abc import Mapping
from typing import Any, ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate, Number
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.nadam import momentum_product, nadam_rule
from keras_course_ext.optimizers.slots import Shared, Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Nadam(RuleOptimizer):
    """Nadam: Adam with Nesterov momentum, whose coefficient μₜ rises from step to step.

        μₜ = β₁ (1 − 0.5 · 0.96^(ψ t))
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        m̂ = μₜ₊₁ m / (1 − μ₁ μ₂ … μₜ₊₁) + (1 − μₜ) g / (1 − μ₁ μ₂ … μₜ)
        v̂ = v / (1 − β₂ᵗ)
        w ← w − η m̂ / (√v̂ + ε)

    t = 1, 2, … numbers the steps. Adam divides the mean gradient m of this step; m̂ weights m
    and g as the next step would, which is Nesterov's look-ahead.

        convention   ψ, `momentum_decay`   ε      η
        "keras"      1                     1e-7   0.001
        "paper"      0.004                 1e-8   0.002
        "torch"      0.004                 1e-8   0.002

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, about the most that a weight moves in a step. Defaults to 0.001.
        beta_1: Float in [0, 1). β₁, the share of m that is kept. Defaults to 0.9.
        beta_2: Float in [0, 1). β₂, the share of v that is kept. Defaults to 0.999.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 1e-7.
        momentum_decay: Float ≥ 0. ψ, how fast the momentum rises: at 1 it comes to 0.99 β₁ in 96
            steps, at 0.004 in 24,000. Defaults to 1.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0])
        >>> optimizer = kce.optimizers.Nadam(learning_rate=0.1, convention="paper")
        >>> optimizer.apply([keras.ops.array([0.5, -30.0])], [w])
        >>> w.numpy().round(4)
        array([0.8944, 2.1056], dtype=float32)

    Differs from Keras:
        None in the update. ψ is fixed to 1 there, 250 times the paper's, so the momentum reaches
        its final value after about a hundred steps.

    Differs from the paper:
        None for `convention="paper"`. The paper writes μₜ with 0.96^(t / 250), calls β₁ μ, and uses
        0.99 for it.

    Differs from torch:
        None for `convention="torch"`, which is `torch.optim.NAdam`; its `weight_decay` is the
        decoupled one there only with `decoupled_weight_decay=True`.

    Reference: Dozat, Incorporating Nesterov Momentum into Adam, ICLR 2016 workshop, and the report
    of the same title, Stanford 2015, Algorithm 8.
    """

    formula = staticmethod(nadam_rule)
    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.9, below=True),
        "beta_2": Number(0, 1, example=0.999, below=True),
        "epsilon": Number(example=1e-7),
        "momentum_decay": Number(example=0.004),
    }
    shifts = True
    slots = ((Slot("momentum", "_momentums"), Slot("velocity", "_velocities")),)
    shared = (Shared("u_product", "_u_product", start=1.0),)
    conventions: ClassVar = {
        "paper": {"learning_rate": 0.002, "epsilon": 1e-8, "momentum_decay": 0.004},
        "torch": {"learning_rate": 0.002, "epsilon": 1e-8, "momentum_decay": 0.004},
    }

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = Default(1e-7),
        momentum_decay: float = Default(1.0),
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            momentum_decay=momentum_decay,
            **common,
        )

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Makes an optimizer from a configuration; `decay` of a legacy one of Keras 2 is ψ."""
        config = dict(config)
        if config.get("is_legacy_optimizer") and "decay" in config:
            config["momentum_decay"] = config.pop("decay")
        return super().from_config(config, custom_objects)

    def shared_values(self, old: Mapping[str, Any], *, lr: Any, t: Any) -> Mapping[str, Any]:
        """Multiplies the running product by μₜ."""
        psi = self.momentum_decay
        return {"u_product": momentum_product(**old, beta_1=self.beta_1, momentum_decay=psi, t=t)}
