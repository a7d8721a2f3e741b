"""Ftrl: follow the regularized leader, for models with many weights that should be 0."""

import math
from functools import partial
from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate, Number
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.ftrl import ftrl_algorithm_1_rule, ftrl_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Ftrl(RuleOptimizer):
    """Ftrl: the weights that minimize the sum of all linearized losses, λ₁ ‖w‖₁ and λ₂ ‖w‖².

        σ = ((n + g²)ᵖ − nᵖ) / α
        z ← z + g + 2 λₛ w − σ w
        n ← n + g²
        w ← −(z − sign(z) λ₁) / ((β + nᵖ) / α + 2 λ₂)          0 where |z| ≤ λ₁

    with p = −`learning_rate_power`. With λ₁ = λ₂ = 0, from w = 0 and n = 0, it is Adagrad. With
    λ₁ > 0 the weights of rare features are exactly 0, where gradient descent with an L1 penalty
    makes them small. w depends on z and n alone, so weights that do not start at 0 are pulled there
    by the first steps.
    A rate that falls during training pulls all weights towards 0: the σ so far are those of the
    larger rates.

        convention   denominator              first n   β
        "keras"      (β + nᵖ) / α + 2 λ₂      0.1       0
        "paper"      (β + √n) / α + λ₂        0         1

    Args:
        learning_rate: Float > 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. α. Defaults to 0.001; "paper": 0.1.
        learning_rate_power: Float ≤ 0. −p, how the rate falls; with 0 it stays. Defaults to −0.5.
        initial_accumulator_value: Float ≥ 0. The first n. Defaults to 0.1; "paper": 0.
        l1_regularization_strength: Float ≥ 0. λ₁. Defaults to 0.
        l2_regularization_strength: Float ≥ 0. λ₂. Defaults to 0.
        l2_shrinkage_regularization_strength: Float ≥ 0. λₛ, an L2 penalty of the loss, which n does
            not see. Defaults to 0.
        beta: Float ≥ 0. β. Defaults to 0; "paper": 1.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range, or one that the paper does not
            have is given with `convention="paper"`.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([0.0, 0.0])
        >>> optimizer = kce.optimizers.Ftrl(0.5, l1_regularization_strength=1.0)
        >>> optimizer.apply([keras.ops.array([0.5, -30.0])], [w])
        >>> w.numpy().round(2)  # |z| = 0.5 is less than λ₁
        array([0.  , 0.48], dtype=float32)

    Differs from Keras:
        None in the update, the slots and the files.

    Differs from the paper:
        None for `convention="paper"`, where the paper's denominator has λ₂, not 2 λ₂; its α is
        chosen for each problem.

    Reference: McMahan et al., Ad Click Prediction: a View from the Trenches, KDD 2013, Algorithm 1.
    """

    hyperparameters: ClassVar = {
        "learning_rate_power": Number(-math.inf, 0, example=-0.5),
        "initial_accumulator_value": Number(example=0.1),
        "l1_regularization_strength": Number(example=0.01),
        "l2_regularization_strength": Number(example=0.01),
        "l2_shrinkage_regularization_strength": Number(example=0.01),
        "beta": Number(example=1.0),
    }
    symbols: ClassVar = {
        "power": "learning_rate_power",
        "l1": "l1_regularization_strength",
        "l2": "l2_regularization_strength",
        "shrinkage": "l2_shrinkage_regularization_strength",
    }
    slots = (
        (
            Slot("accumulator", "_accumulators", start="initial_accumulator_value"),
            Slot("linear", "_linears"),
        ),
    )
    conventions: ClassVar = {
        "paper": {"learning_rate": 0.1, "initial_accumulator_value": 0.0, "beta": 1.0}
    }

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = Default(0.1),
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = Default(0.0),
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(
            learning_rate,
            learning_rate_power=learning_rate_power,
            initial_accumulator_value=initial_accumulator_value,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
            l2_shrinkage_regularization_strength=l2_shrinkage_regularization_strength,
            beta=beta,
            **common,
        )
        if not callable(self.rate) and self.learning_rate_at(0) == 0:
            raise ValueError(
                "`Ftrl` divides by the learning rate, so it must be above 0, but got "
                "learning_rate=0.0. Write, for example, `Ftrl(learning_rate=0.01)`."
            )
        given = (self.learning_rate_power, self.l2_shrinkage_regularization_strength)
        if self.convention == "paper" and given != (-0.5, 0.0):
            raise ValueError(
                '`Ftrl` with convention="paper" has the power −0.5 and no shrinkage, but got '
                f"learning_rate_power={given[0]}, l2_shrinkage_regularization_strength={given[1]}. "
                'Leave them out, or write `convention="keras"`.'
            )

    @property
    def rule(self) -> partial:
        """`ftrl_rule`, or the paper's `ftrl_algorithm_1_rule`."""
        return self.bind(ftrl_algorithm_1_rule if self.convention == "paper" else ftrl_rule)
