"""NovoGrad: momentum of gradients that are divided by their layer's norm."""

from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import (
    CommonButWeightDecay,
    Default,
    LearningRate,
    Number,
)
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.novograd import novograd_rule
from keras_course_ext.optimizers.slots import Slot


def _one_element(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1,) * len(shape)


@keras.saving.register_keras_serializable(package="keras_course_ext")
class NovoGrad(RuleOptimizer):
    """NovoGrad: the gradient of a layer is divided by its running norm, then summed as momentum.

        v ← β₂ v + (1 − β₂) ‖g‖²                          the first v is ‖g‖²
        m ← β₁ m + (g / (√v + ε) + λ w)
        w ← w − η m

    v is one number for a whole variable, so that the optimizer keeps half of what Adam keeps. As
    every gradient has about the length 1 when it enters m, layers with large gradients don't set
    the pace.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η; in the end a step has the length η / (1 − β₁). Defaults to 0.01.
        beta_1: Float in [0, 1). β₁, the share of m that is kept. Defaults to 0.95.
        beta_2: Float in [0, 1). β₂, the share of v that is kept. Defaults to 0.98.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 1e-8.
        weight_decay: Float ≥ 0 or `None`, which is 0. λ, inside m, as written above; 0 for the
            variables that `exclude_from_weight_decay` names. Defaults to None.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0])
        >>> kce.optimizers.NovoGrad(0.5).apply([keras.ops.array([3.0, 4.0])], [w])
        >>> w.numpy().round(4)  # a step of the length η
        array([0.7, 1.6], dtype=float32)

    Differs from Keras:
        It has no NovoGrad. `tfa.optimizers.NovoGrad` of tensorflow_addons has other defaults: η =
        0.001, β₁ = 0.9, β₂ = 0.999, ε = 1e-7.

    Differs from the paper:
        None in the update, so that `convention="paper"` is the same, but for ε, which its first
        step does not have.

    Reference: Ginsburg, Castonguay, Hrinchuk, Kuchaiev, Lavrukhin, Leary, Li, Nguyen, Zhang, Cohen,
    Stochastic Gradient Methods with Layer-wise Adaptive Moments for Training of Deep Networks,
    arXiv:1905.11286 (2019), Algorithm 1.
    """

    formula = staticmethod(novograd_rule)
    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.95, below=True),
        "beta_2": Number(0, 1, example=0.98, below=True),
        "epsilon": Number(example=1e-8),
    }
    slots = ((Slot("momentum", "_momentums"), Slot("norm", "_norms", shape=_one_element)),)
    conventions: ClassVar = {"paper": {}}
    elementwise = False
    decays_weights_itself = True

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.01),  # noqa: B008
        beta_1: float = 0.95,
        beta_2: float = 0.98,
        epsilon: float | None = 1e-8,
        weight_decay: float | None = None,
        **common: Unpack[CommonButWeightDecay],
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            weight_decay=weight_decay,
            **common,
        )
