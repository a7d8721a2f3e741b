"""Momentum: a velocity that accumulates the gradients."""

from functools import partial
from typing import ClassVar, Unpack

import keras

from keras_course_ext.optimizers.arguments import CommonArguments, Default, LearningRate, Number
from keras_course_ext.optimizers.engine.base import RuleOptimizer
from keras_course_ext.optimizers.rules.momentum import momentum_rule, momentum_torch_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class Momentum(RuleOptimizer):
    """Momentum: gradient descent with a velocity, like a ball that rolls downhill with friction.

        v ← μ v − η g
        w ← w + v

    Where successive gradients agree, the velocity v grows up to 1 / (1 − μ) times a plain step;
    where they alternate, it cancels out.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, the length of a step. Defaults to 0.01.
        momentum: Float in [0, 1]. μ, the share of the velocity that is kept. Defaults to 0.9.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w, g = keras.Variable([1.0]), keras.ops.array([1.0])
        >>> optimizer = kce.optimizers.Momentum(0.1, momentum=0.9)
        >>> for _ in range(3):
        ...     optimizer.apply([g], [w])
        ...     print(w.numpy().round(4))
        [0.9]
        [0.71]
        [0.439]

    Differs from Keras:
        It is called `keras.optimizers.SGD` there, with `momentum=0.9`. The state is the same, and
        either continues the other's checkpoint.

    Differs from torch:
        `convention="torch"` accumulates the gradients without η,

            b ← μ b + g
            w ← w − η b

        with η = 0.001 by default. At a constant rate v = −η b, and the two are the same. When η
        falls, torch's whole next step shrinks at once; above, the velocity still holds steps of the
        old length.
        A checkpoint of the one form must not be continued in the other.

    Differs from the paper and from the deck:
        None. Polyak writes θ ← θ − η g + μ (θ − θ_before), whose last term is μ v.

    Reference: Polyak, Some methods of speeding up the convergence of iteration methods, USSR
    Computational Mathematics and Mathematical Physics 4 (1964); in this form in Sutskever, Martens,
    Dahl, Hinton, On the importance of initialization and momentum in deep learning, ICML 2013,
    equations (1) and (2).

    Deck: chapter 5, advanced gradient descent, method 2.
    """

    hyperparameters: ClassVar = {"momentum": Number(0, 1, example=0.9)}
    shifts = True
    slots = ((Slot("momentum", "momentums"),),)
    conventions: ClassVar = {"paper": {}, "torch": {"learning_rate": 0.001}, "deck": {}}

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.01),  # noqa: B008
        momentum: float = 0.9,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, momentum=momentum, **common)

    @property
    def rule(self) -> partial:
        """The rule in the form of the convention."""
        return self.bind(momentum_torch_rule if self.convention == "torch" else momentum_rule)
