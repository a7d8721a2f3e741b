"""Adagrad: the step size of a weight shrinks with the sum of its squared gradients."""

from functools import partial
from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate, Number
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.adagrad import adagrad_outside_rule, adagrad_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Adagrad(RuleOptimizer):
    """Adagrad: every weight has its own step size, which shrinks as its gradients add up.

        a ← a + g²
        w ← w − η g / √(a + ε)

    Weights that are rarely updated, such as those of rare words, keep large steps. The steps only
    ever shrink: at gradients of one size, as η / √t.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, the length of the first steps. Defaults to 0.001.
        initial_accumulator_value: Float ≥ 0. a before the first step. Defaults to 0.1.
        epsilon: Float ≥ 0. ε, keeps the root away from 0. Defaults to 1e-7.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w, g = keras.Variable([1.0]), keras.ops.array([3.0])
        >>> optimizer = kce.optimizers.Adagrad(0.1, initial_accumulator_value=0.0)
        >>> for _ in range(3):
        ...     optimizer.apply([g], [w])
        ...     print(w.numpy().round(4))
        [0.9]
        [0.8293]
        [0.7716]

    Differs from the paper:
        `convention="paper"`, and "torch" and "deck" as well, add ε outside of the root and let a
        start at 0:

            a ← a + g²,  a = 0 before the first step
            w ← w − η g / (√a + ε)

        The paper calls ε δ and gives no number for it. With ε = 0, 0 / 0 counts as 0.

    Differs from torch:
        The paper's form, with η = 0.01 and ε = 1e-10 by default.

    Differs from the deck:
        The paper's form, with η = 0.01 and ε = 1e-6 by default, as the deck prints them; Keras 2
        itself had ε = 1e-7. `Adagrad(lr = 0.01, epsilon = 1e-6)` runs with a DeprecationWarning: in
        the form above, or with `convention="deck"` in the deck's.

    Reference: Duchi, Hazan, Singer, Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization, Journal of Machine Learning Research 12 (2011), section 1.1; ε in Figure 1.

    Deck: chapter 5, advanced gradient descent, method 4.
    """

    hyperparameters: ClassVar = {
        "initial_accumulator_value": Number(example=0.1),
        "epsilon": Number(example=1e-7),
    }
    shifts = True
    slots = ((Slot("accumulator", "_accumulators", start="initial_accumulator_value"),),)
    conventions: ClassVar = {
        "paper": {"initial_accumulator_value": 0.0},
        "torch": {"learning_rate": 0.01, "initial_accumulator_value": 0.0, "epsilon": 1e-10},
        "deck": {"learning_rate": 0.01, "initial_accumulator_value": 0.0, "epsilon": 1e-6},
    }

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.001),  # noqa: B008
        initial_accumulator_value: float = Default(0.1),
        epsilon: float | None = Default(1e-7),
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(
            learning_rate,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=epsilon,
            **common,
        )

    @property
    def rule(self) -> partial:
        """The rule in the form of the convention."""
        return self.bind(adagrad_rule if self.convention == "keras" else adagrad_outside_rule)
