"""AdaBelief: long steps where the gradient is close to its running mean."""

from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate, Number
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.adabelief import adabelief_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class AdaBelief(RuleOptimizer):
    """AdaBelief: the step is divided by the deviation of the gradients from their running mean.

        m ← β₁ m + (1 − β₁) g
        s ← β₂ s + (1 − β₂) (g − m)² + ε
        w ← w − η m / (1 − β₁ᵗ) / (√(s / (1 − β₂ᵗ)) + ε)

    t = 1, 2, … numbers the steps. m is a prediction of the gradient. Where g is close to m,
    s is small and the step is long, also for a large g; where it is not, the step is short. Adam
    divides by the size of g instead, and takes steps of the same length in both cases.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, the length of a step where g varies as much as it is large. Defaults to
            0.001.
        beta_1: Float in [0, 1). β₁, the share of m that is kept. Defaults to 0.9.
        beta_2: Float in [0, 1). β₂, the share of s that is kept. Defaults to 0.999.
        epsilon: Float ≥ 0. ε, added to s at every step and to the denominator. It bounds the steps
            of a weight whose gradient never changes; much larger than 1e-16, it bounds those of
            others too. Defaults to 1e-16.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0])
        >>> optimizer = kce.optimizers.AdaBelief(learning_rate=0.09)
        >>> optimizer.apply([keras.ops.array([0.5, -30.0])], [w])
        >>> w.numpy().round(4)
        array([0.9, 2.1], dtype=float32)

    Differs from Keras:
        It has no AdaBelief.

    Differs from the paper:
        None in the update, so that `convention="paper"` is the same. The paper's ε is 1e-8 for the
        most part; 1e-16 is that of the authors' code, because ε is added to a square.

    Reference: Zhuang, Tang, Ding, Tatikonda, Dvornek, Papademetris, Duncan, AdaBelief Optimizer:
    Adapting Stepsizes by the Belief in Observed Gradients, NeurIPS 2020, Algorithm 2.
    """

    formula = staticmethod(adabelief_rule)
    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.9, below=True),
        "beta_2": Number(0, 1, example=0.999, below=True),
        "epsilon": Number(example=1e-16),
    }
    shifts = True
    slots = ((Slot("momentum", "_momentums"), Slot("deviation", "_deviations")),)
    conventions: ClassVar = {"paper": {}}

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-16,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, **common)
