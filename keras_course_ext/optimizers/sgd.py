"""SGD: gradient descent, momentum and Nesterov momentum under Keras's name."""

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
from keras_course_ext.optimizers.rules.gradient_descent import gradient_descent_rule
from keras_course_ext.optimizers.rules.momentum import momentum_rule, momentum_torch_rule
from keras_course_ext.optimizers.rules.nesterov import nesterov_rule, nesterov_torch_rule
from keras_course_ext.optimizers.slots import Slot


@keras.saving.register_keras_serializable(package="keras_course_ext")
class SGD(RuleOptimizer):
    """Stochastic gradient descent, with or without momentum, under the signature of Keras's SGD.

        momentum = 0:                      w ← w − η g
        momentum > 0:                      v ← μ v − η g,  w ← w + v
        momentum > 0 and nesterov:         v ← μ v − η g,  w ← w + μ v − η g

    The three rules are those of `GradientDescent`, `Momentum` and `NesterovMomentum`.

    Args:
        learning_rate: Float ≥ 0, a schedule of `keras.optimizers.schedules`, or a callable without
            arguments. η, the length of a step. Defaults to 0.01.
        momentum: Float in [0, 1]. μ, the share of the velocity v that is kept. Defaults to 0.
        nesterov: Boolean. Whether the momentum is Nesterov's. Defaults to False.
        **common: The arguments that every optimizer takes; see `RuleOptimizer`.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> import keras, keras_course_ext as kce
        >>> w = keras.Variable([1.0, 2.0])
        >>> optimizer = kce.optimizers.SGD(learning_rate=0.1, momentum=0.9, nesterov=True)
        >>> optimizer.apply([keras.ops.array([1.0, -1.0])], [w])
        >>> w.numpy()
        array([0.81, 2.19], dtype=float32)

    Differs from torch:
        `convention="torch"` keeps η out of what is kept,

            momentum > 0:                      b ← μ b + g,  w ← w − η b
            momentum > 0 and nesterov:         b ← μ b + g,  w ← w − η (g + μ b)

        with η = 0.001 by default. At a constant rate v = −η b, and the two are the same; once η
        changes they aren't. A checkpoint of the one form must not be continued in the other.

    Differs from the paper:
        None.

    Differs from the deck:
        None in the update. `SGD(lr = 0.1)` runs, with a DeprecationWarning; write
        `SGD(learning_rate=0.1)`.

    Reference: Sutskever, Martens, Dahl, Hinton, On the importance of initialization and momentum in
    deep learning, ICML 2013, section 2.

    Deck: chapter 5, advanced gradient descent, methods 1 to 3.
    """

    hyperparameters: ClassVar = {"momentum": Number(0, 1, example=0.9), "nesterov": flag}
    shifts = True
    slots = ((Slot("momentum", "momentums", only_if="momentum"),),)
    conventions: ClassVar = {"paper": {}, "torch": {"learning_rate": 0.001}, "deck": {}}

    def __init__(
        self,
        learning_rate: LearningRate = Default(0.01),  # noqa: B008
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, momentum=momentum, nesterov=nesterov, **common)

    @property
    def rule(self) -> partial:
        """The rule that `momentum`, `nesterov` and the convention select."""
        if not self.momentum:
            return self.bind(gradient_descent_rule)
        if self.convention == "torch":
            return self.bind(nesterov_torch_rule if self.nesterov else momentum_torch_rule)
        return self.bind(nesterov_rule if self.nesterov else momentum_rule)
