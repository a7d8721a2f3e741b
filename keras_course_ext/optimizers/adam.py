"""Adam: momentum for the direction, RMSprop for the step size."""

from functools import partial
from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import (
    CommonArguments,
    Default,
    LearningRate,
    Number,
    flag,
)
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.adam import (
    adam_algorithm_1_rule,
    adam_rule,
    amsgrad_algorithm_2_rule,
    amsgrad_rule,
    amsgrad_torch_rule,
)
from keras_course_ext.optimizers.slots import Slot

RULES = {
    "keras": (adam_rule, amsgrad_rule),
    "paper": (adam_algorithm_1_rule, amsgrad_algorithm_2_rule),
    "torch": (adam_algorithm_1_rule, amsgrad_torch_rule),
    "deck": (adam_rule, amsgrad_rule),
}
"""The rules of every convention, without and with `amsgrad`."""


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Adam(RuleOptimizer):
    """Adam: the direction from the mean gradient, the step size from the mean squared gradient.

        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)

    t = 1, 2, … numbers the steps. m and v start at 0 and are therefore biased toward 0 at first;
    the factor √(1 − β₂ᵗ) / (1 − β₁ᵗ) corrects the bias. With `amsgrad` the largest v so far
    replaces v in the denominator, so the denominator never decreases:

        v̂ ← max(v̂, v)

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, about the most that a weight moves in a step. Defaults to 0.001.
        beta_1: Float in [0, 1). β₁, the share of m that is kept. Defaults to 0.9.
        beta_2: Float in [0, 1). β₂, the share of v that is kept. Defaults to 0.999.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 1e-7.
        amsgrad: Boolean. Whether to divide by the largest v so far. Defaults to False.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0])
        >>> kce.optimizers.Adam(learning_rate=0.1).apply([keras.ops.array([0.5, -30.0])], [w])
        >>> w.numpy().round(4)  # the first step is η long for every gradient
        array([0.9, 2.1], dtype=float32)

    Differs from the paper:
        Algorithm 1 corrects both means first and adds ε to the corrected root. `convention="paper"`
        is

            w ← w − η m̂ / (√v̂ + ε),  m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)

        with ε = 1e-8 by default. The form above is the paper's second, at the end of section 2,
        where ε is called ε̂; the two are the same for ε̂ = ε √(1 − β₂ᵗ). AMSGrad was
        published separately; its Algorithm 2 has no bias correction, so its first steps are longer
        by up to (1 − β₁) / √(1 − β₂). With `amsgrad`, `convention="paper"` is that:

            w ← w − η m / (√v̂ + ε),  v̂ ← max(v̂, v)

        The paper has no ε there; here ε = 0 is allowed, and 0 / 0 counts as 0.

    Differs from torch:
        `convention="torch"` is Algorithm 1, with ε = 1e-8 by default. With `amsgrad` the maximum is
        taken of the uncorrected v and corrected then:

            w ← w − η m̂ / (√v̂ + ε),  v_max ← max(v_max, v),  v̂ = v_max / (1 − β₂ᵗ)

    Differs from the deck:
        None in the update. With `convention="deck"` ε is 1e-8 by default, as the deck prints it;
        Keras 2 itself had 1e-7.
        `Adam(lr = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-08, decay = 0.0)` runs, with a
        DeprecationWarning.

    Reference: Kingma, Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, Algorithm 1 and
    section 2; AMSGrad in Reddi, Kale, Kumar, On the Convergence of Adam and Beyond, ICLR 2018,
    Algorithm 2.

    Deck: chapter 1, `Adam(0.01)`; chapter 5, advanced gradient descent, method 6.
    """

    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.9, below=True),
        "beta_2": Number(0, 1, example=0.999, below=True),
        "epsilon": Number(example=1e-7),
        "amsgrad": flag,
    }
    shifts = True
    slots = (
        (Slot("momentum", "_momentums"), Slot("velocity", "_velocities")),
        (Slot("velocity_hat", "_velocity_hats", only_if="amsgrad"),),
    )
    conventions: ClassVar = {
        "paper": {"epsilon": 1e-8},
        "torch": {"epsilon": 1e-8},
        "deck": {"epsilon": 1e-8},
    }

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = Default(1e-7),
        amsgrad: bool = False,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(
            learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, amsgrad=amsgrad, **common
        )

    @property
    def rule(self) -> partial:
        """The rule that the convention and `amsgrad` select."""
        return self.bind(RULES[self.convention][self.amsgrad])
