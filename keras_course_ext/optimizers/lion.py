"""Lion: the sign of a mixture of gradient and momentum."""

from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate, Number
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.lion import lion_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Lion(RuleOptimizer):
    """Lion, evolved sign momentum: every weight moves by η, whatever the size of its gradient.

        w ← w − η sign(β₁ m + (1 − β₁) g)
        m ← β₂ m + (1 − β₂) g

    It has one slot, half of Adam's memory. The present gradient has the weight 1 − β₁ in the
    direction and 1 − β₂ in m, which therefore averages over more steps. Since no step is shorter
    than η, the learning rate should be 3 to 10 times smaller than Adam's, and `weight_decay` as
    many times larger.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, the length of every step. Defaults to 0.001; "paper": 0.0001.
        beta_1: Float in [0, 1]. β₁, the share of m in the direction. Defaults to 0.9.
        beta_2: Float in [0, 1]. β₂, the share of m that is kept. Defaults to 0.99.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0, 3.0])
        >>> kce.optimizers.Lion(0.1).apply([keras.ops.array([0.5, -30.0, 0.0])], [w])
        >>> w.numpy().round(4)
        array([0.9, 2.1, 3. ], dtype=float32)

    Differs from Keras:
        β₁ = 0, signSGD, is allowed.

    Differs from the paper:
        None in the update; η is 0.0001 there (`convention="paper"`), as in the authors' code.

    Reference: Chen, Liang, Huang, Real, Wang, Liu, Pham, Dong, Luong, Hsieh, Lu, Le, Symbolic
    Discovery of Optimization Algorithms, NeurIPS 2023, Algorithm 2.
    """

    formula = staticmethod(lion_rule)
    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.9),
        "beta_2": Number(0, 1, example=0.99),
    }
    shifts = True
    slots = ((Slot("momentum", "_momentums"),),)
    conventions: ClassVar = {"paper": {"learning_rate": 1e-4}}

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, **common)
