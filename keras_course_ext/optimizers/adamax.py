"""Adamax: Adam with a decaying maximum instead of the root mean square."""

from functools import partial
from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate, Number
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.adamax import adamax_rule, adamax_torch_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Adamax(RuleOptimizer):
    """Adamax: the step is divided by a decaying maximum of the gradient.

        m ← β₁ m + (1 − β₁) g
        u ← max(β₂ u, |g|)
        w ← w − η / (1 − β₁ᵗ) · m / (u + ε)

    t = 1, 2, … numbers the steps. Adam divides by an L2 norm of the past gradients that fades;
    Adamax is the same with the L∞ norm. u needs no correction for its start at 0, and no step is
    longer than η / (1 − β₁ᵗ) times |m| / |g|.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, about the most that a weight moves in a step. Defaults to 0.001.
        beta_1: Float in [0, 1). β₁, the share of m that is kept. Defaults to 0.9.
        beta_2: Float in [0, 1). β₂, the share of u that is kept. Defaults to 0.999.
        epsilon: Float ≥ 0. ε, keeps the denominator away from 0. Defaults to 1e-7.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0])
        >>> kce.optimizers.Adamax(learning_rate=0.1).apply([keras.ops.array([0.5, -30.0])], [w])
        >>> w.numpy().round(4)  # the first step is η long for every gradient
        array([0.9, 2.1], dtype=float32)

    Differs from Keras:
        A gradient of 0 is no NaN in float16, where ε = 1e-7 rounds to nearly 0.

    Differs from the paper:
        `convention="paper"` has no ε, and η = 0.002 by default:

            w ← w − η / (1 − β₁ᵗ) · m / u,  where 0 / 0 = 0

        An `epsilon` that is given is added to u, as above.

    Differs from torch:
        `convention="torch"` adds ε before the maximum,

            u ← max(β₂ u, |g| + ε)
            w ← w − η / (1 − β₁ᵗ) · m / u

        with η = 0.002 and ε = 1e-8 by default.

    Differs from the deck:
        It doesn't teach Adamax. `convention="deck"` is that of Keras 2, the form above with
        η = 0.002.

    Reference: Kingma, Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, section 7.1,
    Algorithm 2.
    """

    hyperparameters: ClassVar = {
        "beta_1": Number(0, 1, example=0.9, below=True),
        "beta_2": Number(0, 1, example=0.999, below=True),
        "epsilon": Number(example=1e-7),
    }
    shifts = True
    slots = ((Slot("momentum", "_m"), Slot("norm", "_u")),)
    conventions: ClassVar = {
        "paper": {"learning_rate": 0.002, "epsilon": 0.0},
        "torch": {"learning_rate": 0.002, "epsilon": 1e-8},
        "deck": {"learning_rate": 0.002},
    }

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
        """The rule in the form of the convention."""
        return self.bind(adamax_torch_rule if self.convention == "torch" else adamax_rule)
