"""Yogi: Adam that forgets large gradients slowly."""

from functools import partial
from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate, Number
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.yogi import yogi_algorithm_2_rule, yogi_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Yogi(RuleOptimizer):
    """Yogi: v moves towards g² by steps of the size of g², not of the distance to it.

        m ← β₁ m + (1 − β₁) g
        v ← v − (1 − β₂) sign(v − g²) g²
        w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)

    t = 1, 2, … numbers the steps. After a few large gradients Adam's v falls by the share 1 − β₂ at
    every step, and the steps grow as fast. Here v falls by a share of the small g², so the steps
    stay short for longer.

        convention   the step                                       first v
        "keras"      η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)         1e-6
        "paper"      η m / (√v + ε)                                 1e-6

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, about the most that a weight moves in a step. Defaults to 0.01.
        beta_1: Float in [0, 1). β₁, the share of m that is kept. Defaults to 0.9.
        beta_2: Float in [0, 1). β₂; v changes by (1 − β₂) g². Defaults to 0.999.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 0.001.
        initial_accumulator_value: Float ≥ 0. The first v. Defaults to 1e-6.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0])
        >>> kce.optimizers.Yogi(0.1, epsilon=0.0).apply([keras.ops.array([0.5, -30.0])], [w])
        >>> w.numpy().round(3)
        array([0.9, 2.1], dtype=float32)

    Differs from Keras:
        It has no Yogi. "keras" is `tfa.optimizers.Yogi` of tensorflow_addons, with Adam's
        corrections.

    Differs from the paper:
        None in the update for `convention="paper"`. The first v is the square of the gradient of
        one large batch there, in the experiments 1e-6.

    Reference: Zaheer, Reddi, Sachan, Kale, Kumar, Adaptive Methods for Nonconvex Optimization,
    NeurIPS 2018, Algorithm 2.
    """

    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.9, below=True),
        "beta_2": Number(0, 1, example=0.999, below=True),
        "epsilon": Number(example=1e-3),
        "initial_accumulator_value": Number(example=1e-6),
    }
    shifts = True
    slots = (
        (
            Slot("momentum", "_momentums"),
            Slot("velocity", "_velocities", start="initial_accumulator_value"),
        ),
    )
    conventions: ClassVar = {"paper": {}}

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.01),  # noqa: B008
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-3,
        initial_accumulator_value: float = 1e-6,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            initial_accumulator_value=initial_accumulator_value,
            **common,
        )

    @property
    def rule(self) -> partial:
        """`yogi_rule`, or the paper's `yogi_algorithm_2_rule`."""
        return self.bind(yogi_algorithm_2_rule if self.convention == "paper" else yogi_rule)
